"""Pictures whose provider answers with them: asked for at the same door as all others."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from generations.models import RegisterEntry
from genproj.usage import queries as ledger
from tests import world
from tests.conftest import Sandbox
from tests.spaces.world import Person

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
