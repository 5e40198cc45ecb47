"""The named shapes of spaces."""

from genproj.openapi.shapes import (
    ANY,
    FLAG,
    MOMENT,
    MONEY,
    NUMBER,
    TEXT,
    URL,
    UUID,
    Schema,
    maybe,
    ref,
    several,
    shape,
    words,
)
from spaces.permissions import Role
from spaces.states import ApprovalStatus, Rating, Relation, VariantStatus
from spaces.tools import Kind

ROLE = words(*(role.value for role in Role))
GRAPH: dict[str, Schema] = {
    "nodes": several(ref("LineageNode")),
    "edges": several(ref("Lineage")),
    "truncated": {**FLAG, "description": "There is more beyond the depth, or beyond 500 nodes."},
}

#: `message` and `call` say where in the chat it was proposed; `kind` is what its tool does at worst
APPROVAL: dict[str, Schema] = {
    "id": UUID,
    "tool": TEXT,
    "kind": maybe(words(*(kind.value for kind in Kind))),
    "message": maybe(UUID),
    "call": maybe(TEXT),
    "arguments": ANY,
    "original_arguments": ANY,
    "cost": maybe(MONEY),
    "status": words(*(status.value for status in ApprovalStatus)),
    "requested_by": maybe(TEXT),
    "decided_by": maybe(TEXT),
    "decided_at": maybe(MOMENT),
    "reason": TEXT,
    "expires_at": MOMENT,
    "result": maybe(ANY),
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "version": NUMBER,
}

STYLE: dict[str, Schema] = {
    "Style": shape(
        "What every new picture of a space is made to look like.",
        description=TEXT,
        artifacts=several(UUID),
        enabled=FLAG,
        version=NUMBER,
    ),
    "Snippet": shape(
        "Words kept under a name. The space's version rises when one changes.",
        id=UUID,
        name=TEXT,
        text=TEXT,
        created_by=maybe(TEXT),
        created_at=MOMENT,
    ),
}

PEOPLE: dict[str, Schema] = {
    "SpaceMember": shape(
        "Somebody in a space; `id` is the person's. In the frame of somebody who left, `role` is "
        "null.",
        id=NUMBER,
        username=TEXT,
        role=maybe(ROLE),
        created_at=MOMENT,
    ),
    "Invitation": shape(
        "An invitation, as owners see it.",
        id=UUID,
        role=ROLE,
        username=maybe(TEXT),
        by_link=FLAG,
        status=words("open", "accepted", "revoked", "expired"),
        created_by=maybe(TEXT),
        created_at=MOMENT,
        expires_at=MOMENT,
        revoked_at=maybe(MOMENT),
        accepted_at=maybe(MOMENT),
        accepted_by=maybe(TEXT),
    ),
    "InvitationOffer": shape(
        "An invitation, as the invited see it.",
        id=UUID,
        space=shape("", id=UUID, name=TEXT),
        role=ROLE,
        invited_by=maybe(TEXT),
        created_at=MOMENT,
        expires_at=MOMENT,
    ),
    "AccessRequest": shape(
        "Somebody asks to be let in.",
        id=UUID,
        username=TEXT,
        created_at=MOMENT,
        decided_at=maybe(MOMENT),
        decided_by=maybe(TEXT),
        granted_role=maybe(ROLE),
    ),
    "AccessAsked": shape("The same for every address.", status=words("requested")),
}
PEOPLE["InvitationMade"] = shape(
    "A new invitation. `token` and `url` of a link are shown this once.",
    **PEOPLE["Invitation"]["properties"],
    token=maybe(TEXT),
    url=maybe(URL),
)

THINGS: dict[str, Schema] = {
    "Space": shape(
        "A space. `role` is the caller's.",
        id=UUID,
        name=TEXT,
        conversation=maybe(UUID),
        style=ref("Style"),
        created_by=maybe(TEXT),
        created_at=MOMENT,
        updated_at=MOMENT,
        trashed_at=maybe(MOMENT),
        version=NUMBER,
        role=ROLE,
        member_count=NUMBER,
        asset_count=NUMBER,
        urls=shape("", self=URL, page=URL, socket=URL),
    ),
    "Asset": shape(
        "A thing that a team works on, in a tree; its pictures are its variants.",
        id=UUID,
        name=TEXT,
        asset_type=TEXT,
        parent_asset_id=maybe(UUID),
        active_variant_id=maybe(UUID),
        tags=several(TEXT),
        created_by=maybe(TEXT),
        created_at=MOMENT,
        updated_at=MOMENT,
        version=NUMBER,
    ),
    "Variant": shape(
        "A picture of an asset, from its placeholder on; `recipe` is everything that made it, "
        "`generation` the request of its newest attempt.",
        id=UUID,
        asset_id=UUID,
        status=words(*(status.value for status in VariantStatus)),
        error=maybe(ANY),
        artifact=maybe(UUID),
        image_url=maybe(URL),
        thumb_url=maybe(URL),
        recipe=ANY,
        batch=maybe(UUID),
        starred=FLAG,
        rating=maybe({"type": "string", "enum": [*(one.value for one in Rating), None]}),
        comment=TEXT,
        label=TEXT,
        position={"type": "number"},
        description=TEXT,
        attempt=NUMBER,
        generation=maybe(UUID),
        created_by=maybe(TEXT),
        created_at=MOMENT,
        updated_at=MOMENT,
        version=NUMBER,
    ),
    "Lineage": shape(
        "That a variant came from another. It outlives both, so it keeps what they were called.",
        id=UUID,
        parent_variant_id=UUID,
        child_variant_id=UUID,
        parent_name=TEXT,
        child_name=TEXT,
        relation=words(*(relation.value for relation in Relation)),
        severed_at=maybe(MOMENT),
        created_at=MOMENT,
    ),
    "LineageNode": shape(
        "A variant in a graph; ancestors have a depth below zero. One that was removed has its "
        "name only.",
        id=UUID,
        depth=NUMBER,
        removed=FLAG,
        name=TEXT,
        variant=maybe(ref("Variant")),
    ),
    "VariantLineage": shape("The graph around a variant.", variant_id=UUID, **GRAPH),
    "AssetLineage": shape("The graph around the variants of an asset.", asset_id=UUID, **GRAPH),
    "Approval": shape("A call that the assistant proposes.", **APPROVAL),
    "WaitingApproval": shape(
        "A call that waits for a decision, and the space that it would change.",
        **APPROVAL,
        space=shape("", id=UUID, name=TEXT),
        may_decide=FLAG,
    ),
    "ApprovedAll": shape(
        "What was approved, and what was not and why.",
        approved=several(ref("Approval")),
        refused=several(shape("", id=UUID, code=TEXT, detail=TEXT)),
    ),
    "Seen": shape(
        "What the assistant says of pictures. `kept`: it was known already.", text=TEXT, kept=FLAG
    ),
}

SYNC: dict[str, Schema] = {
    "SpaceSync": {
        "type": "object",
        "description": "`sync:state` with everything, or `sync:delta` with the `events` after "
        "`since`: the very frames of the socket.",
        "required": ["type", "seq"],
        "properties": {
            "type": words("sync:state", "sync:delta"),
            "seq": NUMBER,
            "space": ANY,
            "members": several(ref("SpaceMember")),
            "assets": several(ref("Asset")),
            "variants": several(ref("Variant")),
            "lineage": several(ref("Lineage")),
            "approvals": several(ref("Approval")),
            "plans": several(ref("Plan")),
            "messages": several(ANY),
            "presence": several(ANY),
            "events": several(ANY),
        },
    },
    "SpaceEvent": {
        "type": "object",
        "description": "A frame, and when it happened; the thing it is about stands under its "
        "noun.",
        "required": ["type", "seq", "at"],
        "properties": {"type": TEXT, "seq": NUMBER, "at": MOMENT},
    },
}

SHARE: dict[str, Schema] = {
    "id": UUID,
    "name": TEXT,
    "asset_id": maybe(UUID),
    "variant_ids": several(UUID),
    "download": words("off", "preview", "original"),
    "show_prompt": FLAG,
    "has_password": FLAG,
    "status": words("open", "expired", "revoked"),
    "created_by": maybe(TEXT),
    "created_at": MOMENT,
    "expires_at": maybe(MOMENT),
    "revoked_at": maybe(MOMENT),
    "views": NUMBER,
    "last_viewed_at": maybe(MOMENT),
    "downloads": NUMBER,
}
CARRIED: dict[str, Schema] = {
    "Share": shape("A link under which pictures of a space can be seen by who has it.", **SHARE),
    "ShareMade": shape(
        "A new link; `token` and `url` are shown this once.", **SHARE, token=TEXT, url=URL
    ),
    "SharesRevoked": shape("", revoked=NUMBER),
    "SpaceImported": shape(
        "A space that came in, and what each id of its archive has become.",
        space=ref("Space"),
        ids={"type": "object", "additionalProperties": UUID},
    ),
}

SHAPES: dict[str, Schema] = STYLE | PEOPLE | THINGS | SYNC | CARRIED
