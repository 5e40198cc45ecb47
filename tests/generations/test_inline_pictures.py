"""Pictures whose provider answers with them: asked for at the same door as all others."""

import hashlib
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from generations.models import RegisterEntry
from generations.operations import belated, calling, inline, submission
from genproj.kernel import leases, storage
from genproj.kernel.clock import after, now
from genproj.runtime import breakers
from genproj.runtime.models import Breaker
from genproj.usage import queries as ledger
from tests import world
from tests.conftest import Sandbox
from tests.people import Person

pytestmark = pytest.mark.django_db(transaction=True)

GEMINI = "gemini-3.1-flash-image"
WISH = {"model": GEMINI, "prompt": "a lighthouse at dusk", "width": 1376, "height": 768}


@pytest.fixture
def ali(alice: User, sandbox: Sandbox) -> Person:
    world.models()
    return Person(alice)


def test_a_picture_comes_with_the_answer(ali: Person, work: Callable[..., int]) -> None:
    made = ali.post("generations/", WISH, status=202)
    work()
    done = ali.get(f"generations/{made['id']}/")
    [output] = done["outputs"]
    assert (done["state"], done["provider"]) == ("completed", "gemini")
    _, paid = ledger.lines_of(f"entry:{made['id']}")
    assert (paid.kind, paid.amount) == ("settle", Decimal("0.067"))  # the registry's price
    assert (output["width"], output["height"], output["content_type"]) == (1376, 768, "image/png")


def test_references_go_along(ali: Person, work: Callable[..., int], sandbox: Sandbox) -> None:
    file = SimpleUploadedFile("fox.png", world.picture(size=(320, 480)), "image/png")
    fox = ali.client.post("/api/v1/artifacts/", {"file": file}).json()["id"]
    wish = WISH | {"reference_artifacts": [fox], "parameters": {"aspect_ratio": "4:5"}}
    made = ali.post("generations/", wish, status=202)
    work()
    assert ali.get(f"generations/{made['id']}/")["state"] == "completed"
    call = sandbox.get("/control/calls")["calls"][-1]
    kinds = [next(iter(part)) for part in call["body"]["contents"][0]["parts"]]
    assert kinds == ["text", "inlineData", "text"]
    assert call["body"]["generationConfig"]["imageConfig"]["aspectRatio"] == "4:5"


def test_one_at_a_time_and_nothing_unknown(ali: Person) -> None:
    def wrong(**more: Any) -> set[str]:
        told = ali.post("generations/", WISH | more, status=422)
        return {row["pointer"] for row in told["errors"]}

    assert wrong(count=2) == {"/count"}
    assert wrong(parameters={"aspect_ratio": "7:5"}) == {"/parameters/aspect_ratio"}
    retired = ali.post("generations/", WISH | {"model": "gemini-2.5-flash-image"}, status=410)
    assert retired["replacement"] == GEMINI


def test_an_answer_that_is_lost_is_never_asked_for_again(
    ali: Person, work: Callable[..., int], sandbox: Sandbox
) -> None:
    sandbox.faults({"fault": "gemini_lost"})
    made = ali.post("generations/", WISH, status=202)
    work()
    done = ali.get(f"generations/{made['id']}/")
    assert (done["state"], done["error"]["code"]) == ("failed", "dispatch_unknown")
    assert len(sandbox.tasks()) == 1
    sandbox.faults()
    again = ali.post(f"generations/{made['id']}/retry/", status=202)
    work()
    assert ali.get(f"generations/{again['id']}/")["state"] == "completed"
    assert RegisterEntry.objects.count() == 2


def test_nothing_more_is_paid_for_while_its_bytes_could_not_be_kept(
    ali: Person,
    work: Callable[..., int],
    work_until: Callable[..., Any],
    sandbox: Sandbox,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.BREAKER_FAILURES = 1
    monkeypatch.setattr(inline, "PATIENCE", 0.0)

    def away(key: str, *args: Any, **more: Any) -> None:
        raise storage.StorageFailure(key, "no answer")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "put", away)
        ali.post("generations/", WISH, status=202)
        work("paint")
    assert breakers.is_shut(breakers.STORAGE)
    RegisterEntry.objects.update(due_at=after(3600))  # what became of it is told elsewhere
    waiting = [ali.post("generations/", WISH, status=202)["id"] for _ in range(3)]
    work("paint")
    assert len(sandbox.tasks()) == 1
    Breaker.objects.update(probe_at=now())
    breakers.forget()
    taken = leases.claim(calling.entries_to_paint(), limit=8)
    assert len(calling.calls_for(taken)) == 1  # one goes first
    Breaker.objects.update(probe_at=now())
    breakers.forget()
    work_until(lambda: ali.get(f"generations/{waiting[-1]}/")["state"] == "completed")
    assert Breaker.objects.get(target=breakers.STORAGE).opened_at is None


def kept(key: str, content: bytes) -> None:
    """Bytes as a call keeps them."""
    digest = hashlib.sha256(content).hexdigest()
    storage.put(
        key, io.BytesIO(content), sha256=digest, size=len(content), content_type="image/png"
    )


def begun(ali: Person, sandbox: Sandbox) -> tuple[RegisterEntry, submission.Submission]:
    """A call that has come back with a picture, which is kept and not recorded."""
    made = ali.post("generations/", WISH, status=202)
    [entry] = leases.claim(calling.entries_to_paint(), limit=8, seconds=0.1)
    [call] = calling.calls_for([entry])
    answer = calling.make(call)
    assert str(entry.pk) == made["id"]
    assert answer.submission is not None
    return entry, answer.submission


def test_a_picture_that_was_kept_when_its_worker_died_is_taken_up(
    ali: Person, sandbox: Sandbox, work: Callable[..., int], work_until: Callable[..., Any]
) -> None:
    entry, answer = begun(ali, sandbox)
    work_until(lambda: ali.get(f"generations/{entry.pk}/")["state"] != "pending")
    done = ali.get(f"generations/{entry.pk}/")
    assert (done["state"], done["error"]) == ("completed", None)
    assert len(sandbox.tasks()) == 1
    submission.record_accepted([(entry, answer)])  # it was not dead, but slow
    work()
    assert ali.get(f"generations/{entry.pk}/")["artifact_count"] == 1
    assert [line.kind for line in ledger.lines_of(f"entry:{entry.pk}")] == ["hold", "settle"]
    assert list(storage.keys("uploads/")) == []


def test_a_picture_that_comes_after_its_lease_is_kept_as_late(
    ali: Person, sandbox: Sandbox, work: Callable[..., int]
) -> None:
    entry, late = begun(ali, sandbox)
    [(key, _)] = storage.keys("uploads/")
    with storage.open_read(key) as file:
        picture = file.read()
    storage.delete(key)  # as if it had not come yet
    RegisterEntry.objects.filter(pk=entry.pk).update(leased_until=None)
    work()
    assert ali.get(f"generations/{entry.pk}/")["error"]["code"] == "dispatch_unknown"
    kept(key, picture)
    submission.record_accepted([(entry, late)])
    work()
    done = ali.get(f"generations/{entry.pk}/")
    assert (done["state"], done["artifact_count"]) == ("completed", 1)
    kinds = [line.kind for line in ledger.lines_of(f"entry:{entry.pk}")]
    assert kinds == ["hold", "release", "charge"]


def test_the_sweep_takes_up_what_calls_about_closed_entries_left(
    ali: Person, sandbox: Sandbox, work: Callable[..., int]
) -> None:
    entry, _ = begun(ali, sandbox)
    [(key, _)] = storage.keys("uploads/")
    ali.post(f"generations/{entry.pk}/cancel/", {}, status=200)
    belated.take_up_all()
    work()
    done = ali.get(f"generations/{entry.pk}/")
    assert (done["state"], done["artifact_count"]) == ("cancelled", 1)
    kept(key.replace(key.split("/")[-1][:64], "0" * 64), b".")  # the same result once more
    belated.take_up_all()
    work()
    assert list(storage.keys("uploads/")) == []
    assert ali.get(f"generations/{entry.pk}/")["artifact_count"] == 1
