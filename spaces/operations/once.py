"""Does what a client asks for once, however often it sends its frame."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from genproj.runtime.answers import KEY, kept_result
from spaces.errors import bad_request_id


def once(
    *,
    actor: User,
    space_id: UUID,
    request_id: str,
    act: Callable[[], Mapping[str, Any]],
    said: Any = None,
) -> dict[str, Any]:
    """What `act` gave the first time. Key, effect and answer are one transaction, so `act` calls
    nobody outside. A refusal keeps nothing: the same request may be made again. The caller has
    judged that `actor` may still do it, so that nobody is told again what is no longer theirs.

    Args:
        said: what is asked for, as JSON; the same id for something else is refused.

    Raises:
        Invalid: the id is not 1 to 200 printable characters.
    """
    if not KEY.fullmatch(request_id):
        raise bad_request_id()
    return kept_result(scope=f"{actor.pk} space:{space_id}", key=request_id, said=said, act=act)
