"""How the tests make pictures in a space: by the doors, with workers that run when told to."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from generations.models import Output, RegisterEntry
from genproj.kernel.clock import now
from spaces.models import Space, Variant
from tests.people import Person

GEMINI, FLUX = "gemini-3.1-flash-image", "runware:100@1"
PATIENT = ("completed", "failed")


def made(
    person: Person,
    space: Space,
    prompt: str = "a lighthouse keeper with a lantern",
    *,
    path: str = "generate",
    status: int = 202,
    **more: Any,
) -> Any:
    """What a door of making answers."""
    body = {"name": "Keeper", "asset_type": "character", "prompt": prompt, "model": FLUX} | more
    return person.post(f"spaces/{space.pk}/{path}/", body, status=status)


def variant_at(person: Person, space: Space, id: str) -> Any:
    """The variant as it is now."""
    return person.get(f"spaces/{space.pk}/variants/{id}/")


def hurry() -> None:
    """Let what waits for a moment of its own be due now: time passes by data."""
    for model in (RegisterEntry, Output):
        model.objects.filter(due_at__gt=now(), leased_until__isnull=True).update(due_at=now())


def settled(
    work: Callable[..., int],
    person: Person,
    space: Space,
    id: str,
    *,
    seconds: float = 120.0,
    hurried: bool = True,
) -> Any:
    """Works until a variant is completed or has failed; it as it is then."""
    end = time.monotonic() + seconds
    while Variant.objects.get(pk=UUID(id)).status not in PATIENT:
        assert time.monotonic() < end, variant_at(person, space, id)
        work(rounds=1000)
        if hurried:
            hurry()
        time.sleep(0.02)
    work()
    return variant_at(person, space, id)


def completed(work: Callable[..., int], person: Person, space: Space, **more: Any) -> Any:
    """A variant with its picture."""
    id = made(person, space, **more)["variants"][0]["id"]
    variant = settled(work, person, space, id)
    assert variant["status"] == "completed", variant
    return variant
