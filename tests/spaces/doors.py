"""TABLE: every door of a space, what it needs, and a request that succeeds with it.

Whoever adds a door adds a row; `test_doors` finds those that have none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from generations.models import Output
from generations.operations import keeping
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from genproj.usage.models import Budget
from spaces.models import (
    AccessRequest,
    Approval,
    Invitation,
    Lineage,
    Member,
    Plan,
    PlanStep,
    ShareLink,
    Snippet,
    Space,
    StandingPermission,
)
from spaces.permissions import Act
from tests import world
from tests.spaces.world import asset_in, line_between, variant_of


class Stage:
    """A space with one of everything, for a single request to act on."""

    def __init__(self, space: Space) -> None:
        self.space, owner = space, space.created_by
        assert owner is not None
        self.owner: User = owner
        self.top = asset_in(space, "Tower")
        self.asset = asset_in(space, "Lamp", parent=self.top, tags=("glass",))
        self.other = variant_of(self.asset)
        self.variant = variant_of(self.asset, active=True)
        self.line: Lineage = line_between(self.other, self.variant)
        self.guest = world.person("gus")
        Member.objects.create(space=space, user=self.guest, role="viewer", created_at=now())
        self.friend = world.person("fred")
        self.asker = AccessRequest.objects.create(
            id=uuid7(), space=space, user=world.person("asta"), created_at=now()
        )
        self.invitation = Invitation.objects.create(
            **{"id": uuid7(), "space": space, "role": "viewer", "user": world.person("ina")},
            **{"created_by": owner, "created_at": now(), "expires_at": now() + timedelta(days=7)},
        )
        self.snippet = Snippet.objects.create(
            id=uuid7(), space=space, name="Fog", text="in fog", created_by=owner, created_at=now()
        )
        self.permission = StandingPermission.objects.create(
            **{"id": uuid7(), "space": space, "given_by": owner, "tool": "rename", "ceiling": 1},
            created_at=now(),
        )
        self.approval = Approval.objects.create(
            **{"id": uuid7(), "space": space, "tool": "rename", "status": "pending"},
            **{"arguments": (given := {"asset_id": str(self.asset.pk), "name": "Wick"})},
            **{"original_arguments": given, "requested_by": owner, "created_at": now()},
            **{"updated_at": now(), "expires_at": now() + timedelta(days=1)},
        )
        self.budget = Budget.objects.create(
            **{"id": uuid7(), "audience": f"space:{space.pk}", "limit": 5, "model": "x:1@1"},
            **{"created_at": now(), "updated_at": now()},
        )
        self.share = ShareLink.objects.create(
            **{"id": uuid7(), "space": space, "token_hash": uuid7().hex, "created_by": owner},
            **{"variants": [str(self.variant.pk)], "created_at": now()},
        )
        self.plan = Plan.objects.create(
            **{"id": uuid7(), "space": space, "title": "Fog", "status": "draft"},
            **{"requested_by": owner, "created_at": now(), "updated_at": now()},
        )
        self.step = PlanStep.objects.create(
            **{"id": uuid7(), "plan": self.plan, "position": 1, "tool": "rename"},
            **{"arguments": given, "status": "waiting"},
        )

    def picture(self) -> Output:
        """A picture that really lies in the space."""
        return picture_in(self.space)

    @property
    def ids(self) -> dict[str, Any]:
        """What the paths of the doors are filled with."""
        return {
            "id": self.space.pk,
            "asset_id": self.asset.pk,
            "variant_id": self.variant.pk,
            "lineage_id": self.line.pk,
            "user_id": self.guest.pk,
            "request_id": self.asker.pk,
            "invitation_id": self.invitation.pk,
            "snippet_id": self.snippet.pk,
            "permission_id": self.permission.pk,
            "plan_id": self.plan.pk,
            "approval_id": self.approval.pk,
            "budget_id": self.budget.pk,
            "share_id": self.share.pk,
        }


def file() -> SimpleUploadedFile:
    """A small picture as somebody's file."""
    return SimpleUploadedFile("fox.png", world.picture(), "image/png")


def picture_in(space: Space) -> Output:
    """A picture that was uploaded into a space."""
    actor = space.created_by
    audience = f"space:{space.pk}"
    entry = keeping.keep_upload(actor=actor, audience=audience, file=file(), filename="fox.png")
    return Output.objects.get(entry=entry)


Body = Mapping[str, Any] | Callable[[Stage], Mapping[str, Any]] | None


@dataclass(frozen=True)
class Row:
    """One method of one door. `path` is as the address table has it, below /api/v1/spaces/."""

    method: str
    path: str
    act: Act
    status: int
    body: Body = None
    multipart: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def address(self, stage: Stage) -> str:
        """The path for one stage."""
        return "spaces/" + self.path.format(**stage.ids)

    def said(self, stage: Stage) -> Mapping[str, Any] | None:
        """The body for one stage."""
        return self.body(stage) if callable(self.body) else self.body


SPACE = "{id}/"
ASSET = "{id}/assets/{asset_id}/"
VARIANT = "{id}/variants/{variant_id}/"
PLAN = "{id}/plans/{plan_id}/"
APPROVAL = "{id}/approvals/{approval_id}/"
DOORS: list[Row] = [
    Row("GET", SPACE, Act.VIEW, 200),
    Row("PATCH", SPACE, Act.CHANGE_SPACE, 200, {"name": "Beacon"}),
    Row("DELETE", SPACE, Act.DELETE_SPACE, 204),
    Row("POST", SPACE + "restore/", Act.DELETE_SPACE, 200),
    Row("POST", SPACE + "transfer/", Act.MANAGE_MEMBERS, 200, lambda it: {"user_id": it.guest.pk}),
    Row("GET", SPACE + "state/", Act.VIEW, 200),
    Row("GET", SPACE + "events/", Act.VIEW, 200),
    Row("GET", SPACE + "members/", Act.VIEW, 200),
    Row(
        *("POST", SPACE + "members/", Act.MANAGE_MEMBERS, 201),
        lambda it: {"username": it.friend.username, "role": "viewer"},
    ),
    Row("PATCH", SPACE + "members/{user_id}/", Act.MANAGE_MEMBERS, 200, {"role": "editor"}),
    Row("DELETE", SPACE + "members/{user_id}/", Act.MANAGE_MEMBERS, 204),
    Row("GET", SPACE + "invitations/", Act.MANAGE_MEMBERS, 200),
    Row("POST", SPACE + "invitations/", Act.MANAGE_MEMBERS, 201, {"role": "viewer"}),
    Row("DELETE", SPACE + "invitations/{invitation_id}/", Act.MANAGE_MEMBERS, 204),
    Row("GET", SPACE + "access-requests/", Act.MANAGE_MEMBERS, 200),
    Row("POST", SPACE + "access-requests/{request_id}/approve/", Act.MANAGE_MEMBERS, 200),
    Row("POST", SPACE + "access-requests/{request_id}/reject/", Act.MANAGE_MEMBERS, 200),
    Row("GET", SPACE + "assets/", Act.VIEW, 200),
    Row(
        *("POST", SPACE + "assets/", Act.CHANGE_ASSETS, 201),
        {"name": "Gull", "asset_type": "animal"},
    ),
    Row("GET", ASSET, Act.VIEW, 200),
    Row("PATCH", ASSET, Act.CHANGE_ASSETS, 200, {"name": "Lantern"}),
    Row("DELETE", ASSET, Act.DELETE_ASSETS, 204),
    Row(
        *("PUT", ASSET + "active/", Act.CHANGE_ASSETS, 200),
        lambda it: {"variant_id": str(it.other.pk)},
    ),
    Row("GET", ASSET + "children/", Act.VIEW, 200),
    Row("GET", ASSET + "ancestors/", Act.VIEW, 200),
    Row("GET", ASSET + "variants/", Act.VIEW, 200),
    Row("GET", ASSET + "lineage/", Act.VIEW, 200),
    Row("GET", SPACE + "variants/", Act.VIEW, 200),
    Row("GET", VARIANT, Act.VIEW, 200),
    Row("PATCH", VARIANT, Act.CHANGE_VARIANTS, 200, {"starred": True}),
    Row("DELETE", VARIANT, Act.DELETE_VARIANTS, 204),
    Row("GET", VARIANT + "lineage/", Act.VIEW, 200),
    Row("POST", SPACE + "lineage/{lineage_id}/sever/", Act.SEVER_LINEAGE, 200),
    Row("GET", SPACE + "style/", Act.VIEW, 200),
    Row("PUT", SPACE + "style/", Act.CHANGE_STYLE, 200, {"description": "gouache"}),
    Row("PATCH", SPACE + "style/", Act.CHANGE_STYLE, 200, {"enabled": True}),
    Row("DELETE", SPACE + "style/", Act.CHANGE_STYLE, 204),
    Row("GET", SPACE + "snippets/", Act.VIEW, 200),
    Row("POST", SPACE + "snippets/", Act.CHANGE_STYLE, 201, {"name": "Sun", "text": "at noon"}),
    Row("PATCH", SPACE + "snippets/{snippet_id}/", Act.CHANGE_STYLE, 200, {"text": "in mist"}),
    Row("DELETE", SPACE + "snippets/{snippet_id}/", Act.CHANGE_STYLE, 204),
    Row("GET", SPACE + "chat/", Act.VIEW, 200),
    Row("POST", SPACE + "chat/", Act.CHAT, 201, {"content": "Hello"}),
    Row("POST", SPACE + "chat/stop/", Act.CHAT, 200),
    Row("POST", SPACE + "chat/clear/", Act.CHAT, 200),
    Row("POST", SPACE + "chat/retry/", Act.CHAT, 409),  # nothing was said yet
    Row("GET", SPACE + "approvals/", Act.VIEW, 200),
    Row("GET", APPROVAL, Act.VIEW, 200),
    Row("POST", APPROVAL + "approve/", Act.DECIDE_APPROVALS, 200),
    Row("POST", APPROVAL + "reject/", Act.DECIDE_APPROVALS, 200),
    Row(
        *("POST", APPROVAL + "edit/", Act.DECIDE_APPROVALS, 200),
        lambda it: {"arguments": {"asset_id": str(it.asset.pk), "name": "Flame"}},
    ),
    Row("POST", SPACE + "approvals/approve-all/", Act.DECIDE_APPROVALS, 200),
    Row("GET", SPACE + "standing-permissions/", Act.VIEW, 200),
    Row(
        *("DELETE", SPACE + "standing-permissions/{permission_id}/", Act.DECIDE_APPROVALS, 204),
    ),
    Row("GET", SPACE + "shares/", Act.SHARE, 200),
    Row(
        *("POST", SPACE + "shares/", Act.SHARE, 201),
        lambda it: {"asset_id": str(it.asset.pk)},
    ),
    Row("DELETE", SPACE + "shares/", Act.SHARE, 200),
    Row("GET", SPACE + "shares/{share_id}/", Act.SHARE, 200),
    Row("PATCH", SPACE + "shares/{share_id}/", Act.SHARE, 200, {"name": "Press"}),
    Row("DELETE", SPACE + "shares/{share_id}/", Act.SHARE, 204),
    Row("GET", SPACE + "plans/", Act.VIEW, 200),
    Row("GET", PLAN, Act.VIEW, 200),
    Row("POST", PLAN + "start/", Act.DECIDE_APPROVALS, 200),
    Row("POST", PLAN + "pause/", Act.DECIDE_APPROVALS, 409),
    Row("POST", PLAN + "stop/", Act.DECIDE_APPROVALS, 200),
    Row(
        *("POST", PLAN + "skip/", Act.DECIDE_APPROVALS, 200),
        lambda it: {"step_id": str(it.step.pk)},
    ),
    Row(
        *("POST", PLAN + "retry/", Act.DECIDE_APPROVALS, 409),
        lambda it: {"step_id": str(it.step.pk)},
    ),
    Row("GET", SPACE + "usage/", Act.VIEW, 200),
    Row("GET", SPACE + "usage/lines/", Act.VIEW, 200),
    Row("GET", SPACE + "usage/csv/", Act.VIEW, 200),
    Row("GET", SPACE + "budgets/", Act.VIEW, 200),
    Row("POST", SPACE + "budgets/", Act.SET_BUDGETS, 201, {"limit": "5"}),
    Row("GET", SPACE + "budgets/{budget_id}/", Act.VIEW, 200),
    Row("PATCH", SPACE + "budgets/{budget_id}/", Act.SET_BUDGETS, 200, {"limit": "7"}),
    Row("DELETE", SPACE + "budgets/{budget_id}/", Act.SET_BUDGETS, 204),
]

THINGS = {"name": "Gull", "asset_type": "animal"}
PROMPT = {**THINGS, "prompt": "a gull in fog"}
#: doors of what is made and said there: who is refused stands here, what they do in their own tests
REFUSING: list[Row] = [
    Row("POST", SPACE + "generate/", Act.GENERATE, 202, PROMPT),
    Row(
        *("POST", SPACE + "derive/", Act.GENERATE, 202),
        lambda it: {**PROMPT, "reference_variant_ids": [str(it.variant.pk)]},
    ),
    Row(
        *("POST", SPACE + "refine/", Act.GENERATE, 202),
        lambda it: {"asset_id": str(it.asset.pk), "prompt": "warmer"},
    ),
    Row("POST", SPACE + "batch/", Act.GENERATE, 202, {**PROMPT, "count": 2, "mode": "explore"}),
    Row("POST", SPACE + "matrix/", Act.GENERATE, 202, {**THINGS, "prompts": ["a gull", "two"]}),
    Row("POST", SPACE + "estimate/", Act.GENERATE, 200, {"prompt": "a gull in fog"}),
    Row("POST", SPACE + "upload/", Act.UPLOAD, 201, lambda it: {"file": file()}, multipart=True),
    Row("POST", VARIANT + "retry/", Act.GENERATE, 200),
    Row("POST", VARIANT + "cancel/", Act.GENERATE, 200),
    Row(
        *("POST", SPACE + "add/", Act.UPLOAD, 201),
        lambda it: {"artifact_id": str(it.variant.artifact), "asset_id": str(it.asset.pk)},
    ),
    Row(
        *("POST", ASSET + "fork/", Act.CHANGE_ASSETS, 201),
        {"name": "Copy", "asset_type": "animal"},
    ),
    Row(
        *("POST", SPACE + "describe/", Act.DESCRIBE, 200),
        lambda it: {"variant_id": str(it.variant.pk)},
    ),
    Row(
        *("POST", SPACE + "compare/", Act.DESCRIBE, 200),
        lambda it: {"variant_ids": [str(it.variant.pk), str(it.other.pk)]},
    ),
    Row("GET", SPACE + "export/", Act.EXPORT, 200),
    Row("GET", SPACE + "training-export/", Act.EXPORT, 200),
]

#: doors that ask for no role: anybody signed in may ask to be let in, and members may go
OPEN = {"POST {id}/access-requests/", "POST {id}/leave/"}
