"""What doors ask of spaces: frozen views, never rows."""

from spaces.queries.doors import (
    invitation_behind,
    invitation_json,
    invitations_for,
    invitations_of,
    request_json,
    requests_of,
)
from spaces.queries.frames import (
    approval_frame,
    asset_frame,
    lineage_frame,
    member_frame,
    snippet_json,
    space_frame,
    style_json,
    variant_frame,
)
from spaces.queries.graph import (
    MOST_DEPTH,
    USUAL_DEPTH,
    lineage_of_asset,
    lineage_of_variant,
)
from spaces.queries.listing import (
    SpaceFilters,
    member_view,
    members_of,
    space_page,
    space_view,
)
from spaces.queries.membership import forget_memberships, role_in, role_of, space_ids_of
from spaces.queries.state import full_state_of
from spaces.queries.tree import (
    AssetFilters,
    VariantFilters,
    ancestors_of,
    asset_page,
    asset_view,
    snippets_of,
    variant_page,
    variant_view,
    variants_of,
)

__all__ = [
    "MOST_DEPTH",
    "USUAL_DEPTH",
    "AssetFilters",
    "SpaceFilters",
    "VariantFilters",
    "ancestors_of",
    "approval_frame",
    "asset_frame",
    "asset_page",
    "asset_view",
    "forget_memberships",
    "full_state_of",
    "invitation_behind",
    "invitation_json",
    "invitations_for",
    "invitations_of",
    "lineage_frame",
    "lineage_of_asset",
    "lineage_of_variant",
    "member_frame",
    "member_view",
    "members_of",
    "request_json",
    "requests_of",
    "role_in",
    "role_of",
    "snippet_json",
    "snippets_of",
    "space_frame",
    "space_ids_of",
    "space_page",
    "space_view",
    "style_json",
    "variant_frame",
    "variant_page",
    "variant_view",
    "variants_of",
]
