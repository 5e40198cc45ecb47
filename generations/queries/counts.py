"""Small figures that every page shows."""

from django.contrib.auth.models import User
from django.db.models import Count, Q

from generations.models import RegisterEntry


def open_counts(viewer: User) -> tuple[int, int]:
    """How many generations of pictures are open: the viewer's own, and everybody's."""
    rows = RegisterEntry.objects.filter(
        kind="image", catalogued_at__isnull=True, completed_at__isnull=True
    )
    found = rows.aggregate(mine=Count("pk", filter=Q(owner_id=viewer.pk)), all=Count("pk"))
    return found["mine"], found["all"]
