"""How much may be under way: beyond it who asks comes again later, instead of everybody waiting."""

from django.conf import settings
from django.db.models import QuerySet

from generations.models import RegisterEntry
from genproj.kernel.errors import Overloaded, RateLimited
from genproj.kernel.memory import remembered

RETRY_SECONDS = 10


def require_room(*, owner_id: int | None) -> None:
    """Refuse when too much of a person, or altogether, is not settled yet.

    Counted at most once a second, so that it costs a request nothing.

    Raises:
        RateLimited: the person's own work is enough for now.
        Overloaded: everybody's is.
    """
    if owner_id is not None and _is_full(owner_id):
        words = f"You have {settings.MAX_OPEN_PER_USER} generations under way; let some end first."
        raise RateLimited(words, retry_after=RETRY_SECONDS)
    if _is_full(None):
        raise Overloaded(retry_after=RETRY_SECONDS)


@remembered(1.0)
def _is_full(owner_id: int | None) -> bool:
    # without an order, because a cut list keeps its own, and all of it would be sorted
    opened: QuerySet[RegisterEntry] = RegisterEntry.objects.order_by()
    opened, most = opened.filter(completed_at__isnull=True), settings.MAX_OPEN
    if owner_id is not None:
        opened, most = opened.filter(owner_id=owner_id), settings.MAX_OPEN_PER_USER
    return opened.values("owner")[:most].count() >= most  # read off the index alone
