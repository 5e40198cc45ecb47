"""Everything at once: of contradicting presses one holds, and money and jobs agree with it."""

from collections.abc import Callable
from typing import Any

import pytest

from genproj.usage import queries as ledger
from genproj.usage.models import LedgerLine
from tests.conftest import Sandbox
from tests.videos.conftest import Person
from tests.videos.test_worker_races import at_once
from videos import jobs
from videos.models import Job, Video
from videos.operations.gates import subject_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def press(person: Person, id: str, verb: str, body: Any = None) -> Callable[[], int]:
    """One press of one button, by a client of its own."""

    def act() -> int:
        answer = Person(person.user).client.generic(
            "POST", f"/api/v1/videos/{id}/{verb}/", body or b"{}", content_type="application/json"
        )
        assert answer.status_code in {200, 409}, answer.content
        return answer.status_code

    return act


def judge(id: str) -> None:
    """The rows of a film that was pressed at agree with one another."""
    video = Video.objects.get(pk=id)
    jobs = Job.objects.filter(video=video)
    kinds = [line.kind for line in ledger.lines_of(subject_of(video))]
    assert jobs.filter(finished_at__isnull=True).count() == (video.status == "queued")
    if video.status == "queued":
        assert kinds == ["hold"]
        assert jobs.count() == 1
    elif video.status == "cancelled":
        assert kinds in ([], ["hold", "release"])
    else:
        assert kinds == []
    for one in LedgerLine.objects.filter(kind="hold"):
        assert LedgerLine.objects.filter(closes=one).count() <= 1


@pytest.mark.parametrize("round", range(3))
def test_confirm_cancel_and_clarify_at_once(studio: Sandbox, ali: Person, round: int) -> None:
    id = ali.wish()["id"]
    change = b'{"responses": {"duration": 8}}'
    acts = [
        press(ali, id, "confirm"),
        press(ali, id, "confirm"),
        press(ali, id, "cancel"),
        press(ali, id, "clarify", change),
        press(ali, id, "clarify", change),
        press(ali, id, "confirm"),
    ]
    at_once(acts[round:] + acts[:round])
    judge(id)


def test_retries_and_confirms_at_once_queue_it_once(
    studio: Sandbox, ali: Person, film: Callable[..., Any]
) -> None:
    studio.faults({"fault": "reject"})
    id = ali.confirmed()["id"]
    assert film(ali, id)["status"] == "failed"
    codes = at_once([press(ali, id, "retry") for _ in range(5)])
    assert codes == [200] * 5
    assert Job.objects.filter(video=id, finished_at__isnull=True).count() == 1
    video = Video.objects.get(pk=id)
    assert video.confirmations == 2
    assert [line.kind for line in ledger.lines_of(subject_of(video))] == ["hold", "release", "hold"]


def test_the_queue_takes_what_is_cancelled_at_the_same_time_once_or_not(
    studio: Sandbox, ali: Person, film: Callable[..., Any]
) -> None:
    for _ in range(4):
        id = ali.confirmed()["id"]
        at_once([press(ali, id, "cancel"), jobs.run_queue, jobs.run_queue])
        video = film(ali, id)
        assert video["status"] == "cancelled"
        lines = [line.kind for line in ledger.lines_of(f"video:{id}")]
        assert lines in (["hold", "release"], ["hold", "settle"])
        assert not Job.objects.filter(video=id, finished_at__isnull=True).exists()


def test_the_same_key_at_once_makes_one_film(studio: Sandbox, ali: Person) -> None:
    body = b'{"prompt": "a cat on a roof"}'

    def wish() -> Any:
        return Person(ali.user).client.generic(
            "POST",
            "/api/v1/videos/",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "one"},
        )

    answers = at_once([wish] * 5)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Video.objects.count() == 1
