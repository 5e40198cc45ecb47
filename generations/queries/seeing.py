"""Who may see a picture: its entry's audience, and that of whatever needs it."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.models import User

from generations.models import ArtifactUse
from genproj import audiences


def seen(viewer: User, audience_of: Mapping[UUID, str]) -> set[UUID]:
    """Which of these `viewer` may see: as one of their audience, or of one that uses them."""
    levels = {one: audiences.level(viewer, one) for one in set(audience_of.values())}
    found = {id for id, audience in audience_of.items() if levels[audience] is not None}
    others = audience_of.keys() - found
    if others and viewer.is_active:
        used = ArtifactUse.objects.filter(output__in=others).values_list("output_id", "audience")
        uses = set(used.distinct())
        levels = {one: audiences.level(viewer, one) for one in {audience for _, audience in uses}}
        found |= {id for id, audience in uses if levels[audience] is not None}
    return found
