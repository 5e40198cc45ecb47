"""How often the language model may still be asked for a person."""

from django.conf import settings

from genproj.kernel.clock import now
from genproj.usage.models import DayOfCalls


def calls_left(*, owner_id: int) -> int:
    """Calls that are left to a person today (UTC)."""
    found = DayOfCalls.objects.filter(owner=owner_id, day=now().date())
    used = found.values_list("count", flat=True).first() or 0
    return max(int(settings.ASSISTANT_CALLS_PER_DAY) - used, 0)
