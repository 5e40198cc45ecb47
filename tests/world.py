"""The tests' world: Alice owns, Bob is another person, Charlie sees nothing, Dana is staff."""

import io
import time
from typing import Any

from django.contrib.auth.models import User
from PIL import Image

from generations.models import ProviderModel, RegisterEntry
from generations.operations import register, registry

PASSWORD = "genproj-test"
MODEL = "runware:100@1"

#: rows that a test wants printed at the end of the run, by the title of their table
TABLES: dict[str, list[tuple[str, ...]]] = {}


def person(name: str, *, staff: bool = False) -> User:
    """A person with the usual password."""
    found = User.objects.filter(username=name).first()
    return found or User.objects.create_user(
        name, f"{name}@example.com", PASSWORD, is_staff=staff, is_superuser=staff
    )


def models() -> None:
    """The registry as this release knows it."""
    registry.sync_models()


def wish(prompt: str = "a lighthouse in fog", **changes: Any) -> dict[str, Any]:
    """An entry's input in our words."""
    return {
        "prompt": prompt,
        "negative_prompt": "",
        "width": 512,
        "height": 512,
        "seed": 7,
        "output_format": "PNG",
        "reference_artifacts": [],
        "parameters": {},
    } | changes


def opened(
    owner: User,
    *,
    count: int = 4,
    seconds: int = 300,
    prompt: str = "a lighthouse in fog",
    **more: Any,
) -> RegisterEntry:
    """An entry of Alice's, as the API would open it."""
    models()
    return register.open_entry(
        actor=owner,
        audience=f"user:{owner.pk}",
        model=ProviderModel.objects.get(pk=MODEL),
        input=wish(prompt),
        expected_count=count,
        deadline_seconds=seconds,
        **more,
    )


def picture(colour: str = "#247", size: tuple[int, int] = (64, 48), format: str = "PNG") -> bytes:
    """The bytes of a small real picture."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, format)
    return file.getvalue()


def until(condition: Any, *, seconds: float = 60.0, every: float = 0.05) -> Any:
    """The condition's first true answer; AssertionError when it stays false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(every)
    raise AssertionError(f"still not so after {seconds} s: {condition}")
