"""Every outcome that a provider can give a film: state, code, money, message; as one table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from genproj.usage import queries as ledger
from tests import world
from tests.conftest import Sandbox
from tests.videos.conftest import RUNWARE, VEO, Person

pytestmark = pytest.mark.django_db(transaction=True)

TITLE = "What each outcome of a provider of films ends in"


@dataclass(frozen=True)
class Case:
    """One fault, and what it ends in. `films`: how often the provider was asked to make one."""

    model: str
    fault: dict[str, Any]
    status: str
    code: str | None = None
    money: tuple[str, ...] = ("hold", "release")
    attempts: int = 1
    films: int = 1
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        provider = "veo" if self.model == VEO else "runware"
        return f"{provider} {self.fault.get('fault', 'none')}"


def veo(name: str, status: str, code: str | None = None, **more: Any) -> Case:
    rule = {"fault": name, **more.pop("rule", {})}
    return Case(VEO, rule, status, code, **more)


def runware(name: str, status: str, code: str | None = None, **more: Any) -> Case:
    rule = {"fault": name, **more.pop("rule", {})}
    return Case(RUNWARE, rule, status, code, **more)


DONE = ("hold", "settle")
THRICE = {"attempts": 3, "films": 3}
QUICK = {"settings": {"FETCH_SILENCE_SECONDS": 1, "FETCH_TOTAL_SECONDS": 2}}

CASES = [
    veo("google_reject", "failed", "api_rejected", films=0),
    veo("google_precondition", "failed", "api_rejected", films=0),
    veo("google_denied", "failed", "api_rejected", films=0),
    veo("google_retired", "failed", "model_retired", films=0),
    veo("google_quota", "completed", rule={"times": 1, "seconds": 0.1}, money=DONE),
    veo("google_503", "completed", rule={"times": 2}, money=DONE),
    veo("google_500", "completed", rule={"times": 2}, money=DONE),
    veo("veo_reply_lost", "failed", "dispatch_unknown"),
    veo("veo_truncated", "failed", "dispatch_unknown"),
    veo("veo_slow", "completed", rule={"seconds": 0.5}, money=DONE),
    veo("veo_polls", "completed", rule={"polls": 3}, money=DONE),
    veo("veo_regress", "completed", money=DONE),
    veo("veo_vanish", "failed", "task_vanished"),
    veo("veo_filtered", "failed", "content_blocked"),
    veo("veo_failed", "failed", "provider_failed", **THRICE),
    veo("veo_failed", "completed", rule={"times": 1}, money=DONE, attempts=2, films=2),
    veo("veo_no_result", "failed", "no_result"),
    veo("veo_empty", "failed", "no_result"),
    veo("veo_no_uri", "failed", "no_result"),
    veo("veo_foreign_uri", "failed", "validation"),
    veo("veo_poll_503", "completed", rule={"times": 2}, money=DONE),
    veo("veo_poll_lost", "completed", rule={"times": 2}, money=DONE),
    veo("veo_file_404", "failed", "fetch_failed"),
    veo("veo_file_500", "completed", rule={"times": 2}, money=DONE),
    veo("veo_file_cut", "completed", rule={"times": 2}, money=DONE),
    veo("veo_file_stall", "completed", rule={"times": 1}, money=DONE, **QUICK),
    veo("veo_file_wrong_type", "failed", "validation"),
    veo("veo_file_redirect", "completed", money=DONE),
    veo("veo_file_redirect_private", "failed", "fetch_failed"),
    runware("error_before", "completed", rule={"times": 2}, money=DONE),
    runware("error_before_402", "failed", "api_rejected", films=0),
    runware("reject", "failed", "api_rejected", films=0),
    runware("reply_lost", "completed", money=DONE),
    runware("error_after", "failed", "webhook_error", **THRICE),
    runware("content_policy", "failed", "content_blocked"),
    runware("webhook_lost", "completed", money=DONE),
    runware("forget", "completed", rule={"times": 1}, money=DONE, films=2),
    runware("cdn_404", "failed", "fetch_failed"),
    runware("cdn_cut", "completed", rule={"times": 1}, money=DONE),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.status}")
def test_an_outcome_ends_in_its_state(
    studio: Sandbox, ali: Person, film: Callable[..., Any], settings: Any, case: Case
) -> None:
    for name, value in case.settings.items():
        setattr(settings, name, value)
    studio.faults(case.fault)
    talk = ali.post("conversations/", {}, status=201)
    wish = ali.wish(model=case.model, conversation=talk["id"])
    ali.post(f"videos/{wish['id']}/confirm/")
    video = film(ali, wish["id"])
    lines = ledger.lines_of(f"video:{wish['id']}")
    messages = ali.get(f"conversations/{talk['id']}/messages/")["results"]
    code = video["error"]["code"] if video["error"] else None
    row = (
        case.name,
        video["status"],
        code or "",
        " ".join(line.kind for line in lines),
        messages[-1]["type"],
        f"{video['attempt']} of 3",
    )
    heads = ("outcome", "state", "code", "money", "last message", "attempts")
    world.TABLES.setdefault(TITLE, [heads]).append(row)
    assert (video["status"], code) == (case.status, case.code)
    assert tuple(line.kind for line in lines) == case.money
    assert video["attempt"] == case.attempts
    ends = [one for one in messages if one["type"] in {"generation_result", "error"}]
    assert len(ends) == 1
    assert ends[0]["type"] == ("generation_result" if case.status == "completed" else "error")
    assert len(studio.tasks()) == case.films
    assert (video["result"] is not None) == (case.status == "completed")
