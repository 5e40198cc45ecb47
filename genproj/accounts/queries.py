"""Whose keys there are."""

from django.contrib.auth.models import User
from django.db.models import Q

from genproj.accounts.models import AccessKey
from genproj.kernel.clock import now

#: of one person's keys and living tokens
MOST_SHOWN = 1000


def keys_of(user: User) -> list[AccessKey]:
    """A person's named keys, and those tokens that still open something; newest first."""
    alive = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now()))
    shown = Q(kind=AccessKey.Kind.KEY) | alive
    rows = AccessKey.objects.filter(shown, user=user).order_by("-created_at", "-pk")
    return list(rows[:MOST_SHOWN])
