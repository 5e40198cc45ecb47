"""Every outcome that a provider can give a variant: state, code, money; as one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from genproj.usage import queries as ledger
from spaces.models import Asset, Space
from tests import world
from tests.conftest import Sandbox
from tests.people import Person
from tests.spaces.making import FLUX, GEMINI, made, settled

pytestmark = pytest.mark.django_db(transaction=True)

TITLE = "What each outcome of a provider of pictures makes of a variant"
DONE, FREED = ("hold", "settle"), ("hold", "release")


@dataclass(frozen=True)
class Case:
    """One fault, and what it ends in. `asked`: how often the provider painted or refused."""

    model: str
    fault: dict[str, Any]
    status: str
    code: str | None = None
    says: str = ""

    @property
    def name(self) -> str:
        provider = "gemini" if self.model == GEMINI else "runware"
        return f"{provider} {self.fault.get('fault', 'none')}"


def gemini(name: str, status: str, code: str | None = None, says: str = "", **rule: Any) -> Case:
    return Case(GEMINI, {"fault": name, **rule}, status, code, says)


def runware(name: str, status: str, code: str | None = None, says: str = "", **rule: Any) -> Case:
    return Case(FLUX, {"fault": name, **rule}, status, code, says)


CASES = [
    gemini("gemini_slow", "completed", seconds=0.3),
    gemini("gemini_two", "completed"),
    gemini("gemini_thought", "completed"),
    gemini("gemini_lost", "failed", "dispatch_unknown", "may have billed"),
    gemini("gemini_blocked", "failed", "content_blocked", "PROHIBITED_CONTENT"),
    gemini("gemini_safety", "failed", "content_blocked", "was filtered"),
    gemini("gemini_no_image", "failed", "no_result"),
    gemini("gemini_text_only", "failed", "no_result", "which style would you like?"),
    gemini("gemini_cut", "failed", "no_result", "cut off"),
    gemini("gemini_unknown_finish", "failed", "no_result", "IMAGE_SOMETHING_NEW"),
    gemini("gemini_bad_data", "failed", "validation"),
    gemini("gemini_wrong_type", "failed", "validation", "text/html"),
    gemini("gemini_empty", "failed", "no_result"),
    gemini("google_reject", "failed", "api_rejected"),
    gemini("google_precondition", "failed", "api_rejected"),
    gemini("google_denied", "failed", "api_rejected"),
    gemini("google_retired", "failed", "model_retired"),
    gemini("google_quota", "completed", times=1, seconds=0.1),
    gemini("google_503", "completed", times=2),
    gemini("google_500", "completed", times=2),
    runware("error_before", "completed", times=2),
    runware("error_before_402", "failed", "api_rejected"),
    runware("reject", "failed", "api_rejected"),
    runware("reply_lost", "completed"),
    runware("error_after", "failed", "webhook_error"),
    runware("content_policy", "failed", "content_blocked"),
    runware("webhook_lost", "completed"),
    runware("forget", "completed", times=1),
    runware("cdn_404", "failed", "fetch_failed"),
    runware("cdn_cut", "completed", times=1),
    runware("cdn_wrong_type", "failed", "validation"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.status}")
def test_an_outcome_ends_in_its_state(
    studio: Sandbox, work: Callable[..., int], editor: Person, space: Space, case: Case
) -> None:
    studio.faults(case.fault)
    waiting = made(editor, space, model=case.model)["variants"][0]
    variant = settled(work, editor, space, waiting["id"])
    lines = [line.kind for line in ledger.lines_of(f"entry:{variant['generation']}")]
    error = variant["error"] or {}
    heads = ("outcome", "variant", "code", "money", "message")
    row = (
        case.name,
        variant["status"],
        error.get("code") or "",
        " ".join(lines),
        str(error.get("message", ""))[:60],
    )
    world.TABLES.setdefault(TITLE, [heads]).append(row)
    assert (variant["status"], error.get("code")) == (case.status, case.code)
    assert case.says in error.get("message", "")
    assert set(error) <= {"code", "message", "retryable", "at"}  # nothing that is for staff
    assert tuple(lines) == (DONE if case.status == "completed" else FREED)
    asset = Asset.objects.get(pk=variant["asset_id"])
    stands = str(asset.active_variant_id) == variant["id"]
    assert stands == (case.status == "completed")
