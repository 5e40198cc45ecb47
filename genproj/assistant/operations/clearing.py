"""Removes what was said in a place that is no more."""

from genproj.assistant.models import Conversation
from genproj.kernel import rows


@rows.atomically
def forget_everything_in(*, audience: str) -> int:
    """Delete the conversations of an audience with what was said. Returns how many."""
    found = Conversation.objects.filter(audience=audience)
    count = found.count()
    found.delete()
    return count
