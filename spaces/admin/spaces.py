"""Spaces, their people and doors: staff look, throw away, bring back."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.kernel import staff
from spaces.models import AccessRequest, Invitation, Member, Space
from spaces.operations import spaces
from spaces.queries import doors


@admin.register(Space)
class SpaceAdmin(staff.LookedAt):
    list_display = ("name", "created_by", "standing", "age", "id")
    list_filter = (("trashed_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("created_by",)
    ordering = ("-created_at",)
    search_fields = ("name", "created_by__username", "id")
    search_help_text = "Search by name, maker or id"
    actions = ("trash", "restore")
    fieldsets: Any = (
        (None, {"fields": ("name", "created_by", "standing", "members_shown", "conversation")}),
        (
            "Style",
            {"fields": ("style_enabled", "style_description", "style_shown", "style_version")},
        ),
        (
            "Moments",
            {
                "fields": (
                    *(staff.when(name) for name in ("created_at", "updated_at", "trashed_at")),
                    "version",
                )
            },
        ),
    )
    readonly_fields = tuple(name for _, part in fieldsets for name in part["fields"])

    @admin.display(description="Standing", ordering="trashed_at")
    def standing(self, space: Space) -> SafeString:
        return staff.chip("In the trash", "", "slash") if space.trashed_at else staff.chip("In use")

    @admin.display(description="Age", ordering="created_at")
    def age(self, space: Space) -> SafeString | str:
        return staff.ago(space.created_at)

    @admin.display(description="Members")
    def members_shown(self, space: Space) -> SafeString | str:
        rows = [
            (member.user.get_username(), member.role, staff.ago(member.created_at))
            for member in space.members.select_related("user")
        ]
        return staff.table(("Who", "Role", "Since"), rows, empty="Nobody.")

    @admin.display(description="Pictures")
    def style_shown(self, space: Space) -> SafeString | str:
        return staff.pretty(space.style_artifacts)

    def _each(
        self, request: HttpRequest, rows: "QuerySet[Space]", verb: Callable[..., Any], done: str
    ) -> None:
        ids = rows.values_list("pk", flat=True)
        staff.each(request, ids, verb, named="space_id", done=done)

    @admin.action(description="Move to the trash", permissions=["operate"])
    def trash(self, request: HttpRequest, rows: "QuerySet[Space]") -> None:
        self._each(request, rows, spaces.trash, "moved to the trash")

    @admin.action(description="Bring back from the trash", permissions=["operate"])
    def restore(self, request: HttpRequest, rows: "QuerySet[Space]") -> None:
        self._each(request, rows, spaces.restore, "brought back")


@admin.register(Member)
class MemberAdmin(staff.LookedAt):
    list_display = ("user", "role", "space", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "space")
    ordering = ("-created_at",)
    search_fields = ("user__username", "space__name", "space__id")
    readonly_fields = fields = ("user", "role", "space", "created_at")


@admin.register(Invitation)
class InvitationAdmin(staff.LookedAt):
    list_display = ("space", "role", "user", "standing", "created_by", "created_at", "expires_at")
    list_filter = ("role", "created_at")
    list_select_related = ("user", "space", "created_by", "accepted_by")
    ordering = ("-created_at",)
    search_fields = ("user__username", "space__name", "id")
    readonly_fields = fields = (
        *("space", "role", "user", "standing", "created_by", "created_at", "expires_at"),
        *("revoked_at", "accepted_at", "accepted_by"),
    )

    @admin.display(description="Standing")
    def standing(self, invitation: Invitation) -> SafeString:
        return staff.chip(doors.invitation_json(invitation)["status"])


@admin.register(AccessRequest)
class AccessRequestAdmin(staff.LookedAt):
    list_display = ("user", "space", "created_at", "decided_at", "granted_role", "decided_by")
    list_select_related = ("user", "space", "decided_by")
    ordering = ("-created_at",)
    search_fields = ("user__username", "space__name")
    readonly_fields = fields = list_display
