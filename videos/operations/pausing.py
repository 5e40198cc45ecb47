"""Pauses and resumes the queue: all of it, one provider's films, or one person's."""

from django.contrib.auth.models import User

from generations.providers import PROVIDERS
from genproj.kernel import logs, rows
from genproj.kernel.errors import Forbidden, Invalid
from genproj.kernel.wake import wake
from genproj.runtime import operations as runtime
from videos.operations import queue

log = logs.component("queue")


@rows.atomically
def pause(*, actor: User, on: bool, provider: str = "", user: str = "", reason: str = "") -> None:
    """Turn a pause on or off; what runs goes on. Safe to repeat. With neither: all films.

    Raises:
        Forbidden: `actor` is not staff.
        Invalid: there is no such provider or person.
    """
    if not actor.is_staff:
        raise Forbidden
    for name in _switches(provider, user):
        runtime.turn(name, on=on, reason=reason or f"By {actor.get_username()}.")
        log.info("paused" if on else "resumed", switch=name, user=actor.pk)
    if not on:
        wake("videos.jobs.run_queue")


def _switches(provider: str, user: str) -> list[str]:
    found = []
    if provider:
        if provider not in PROVIDERS:
            raise Invalid.one("/provider", "unknown", "There is no such provider.")
        found.append(queue.pause_of_provider(provider))
    if user:
        person = User.objects.filter(username=user).first()
        if person is None:
            raise Invalid.one("/user", "unknown", "There is nobody of that name.")
        found.append(queue.pause_of_user(person.pk))
    return found or [queue.PAUSE_ALL]
