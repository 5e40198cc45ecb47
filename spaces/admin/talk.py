"""What a space's assistant proposes and plans, what was allowed once and for all, and the links
that were given away: to be looked at."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.templatetags.ui import money
from spaces.models import Approval, Plan, ShareLink, Snippet, StandingPermission
from spaces.queries.shares import status_of

#: status -> (word, tone, symbol)
DECISIONS = {
    "pending": ("Waits for a decision", "partial", "question"),
    "approved": ("Being carried out", "running", "running"),
    "rejected": ("Rejected", "", "slash"),
    "expired": ("Expired", "", "clock"),
    "executed": ("Carried out", "done", "check"),
    "failed": ("Failed", "failed", "failed"),
}
PLANS = {
    "draft": ("Draft", "", "pencil"),
    "running": ("Running", "running", "running"),
    "paused": ("Paused", "partial", "clock"),
    "done": ("Done", "done", "check"),
    "stopped": ("Stopped", "", "slash"),
}
STEPS = {
    "waiting": ("Waits", "", "clock"),
    "running": ("Running", "running", "running"),
    "done": ("Done", "done", "check"),
    "failed": ("Failed", "failed", "failed"),
    "skipped": ("Skipped", "", "slash"),
}
LINKS = {
    "open": ("Open", "done", "check"),
    "expired": ("Expired", "", "clock"),
    "revoked": ("Revoked", "", "slash"),
}
APPROVAL = "spaces_approval_change"


@admin.register(Approval)
class ApprovalAdmin(staff.LookedAt):
    list_display = ("tool", "state", "space", "requested_by", "decided_by", "cost", "age")
    list_filter = ("status", "tool", ("standing", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("space", "requested_by", "decided_by")
    ordering = ("-created_at",)
    search_fields = ("=id", "=turn", "space__name", "=space__id", "requested_by__username")
    search_help_text = "Search by space, asker or any id"
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    *("id", "tool", "state", "space", "conversation", "requested_by"),
                    *("decided_by", "reason", "cost", "standing", "step", "turn"),
                )
            },
        ),
        ("Call", {"fields": ("given", "as_asked", "came")}),
        ("Work", {"fields": ("attempts", "failures", "last_error")}),
        (
            "Moments",
            {
                "fields": (
                    *(staff.when(name) for name in ("created_at", "decided_at", "expires_at")),
                    *(staff.when(name) for name in ("updated_at", "due_at", "leased_until")),
                    "version",
                )
            },
        ),
    )
    readonly_fields = tuple(name for _, part in fieldsets for name in part["fields"])

    @admin.display(description="State", ordering="status")
    def state(self, row: Approval) -> SafeString:
        return staff.chip(*DECISIONS[row.status])

    @admin.display(description="Age", ordering="created_at")
    def age(self, row: Approval) -> SafeString | str:
        return staff.ago(row.created_at)

    @admin.display(description="Arguments")
    def given(self, row: Approval) -> SafeString | str:
        return staff.pretty(row.arguments)

    @admin.display(description="As the assistant asked")
    def as_asked(self, row: Approval) -> SafeString | str:
        same = row.arguments == row.original_arguments
        return "The same." if same else staff.pretty(row.original_arguments)

    @admin.display(description="What came of it")
    def came(self, row: Approval) -> SafeString | str:
        return staff.pretty(row.result)


@admin.register(Plan)
class PlanAdmin(staff.LookedAt):
    list_display = ("title", "state", "space", "requested_by", "started_by", "spent", "age")
    list_filter = ("status", "auto_advance", "created_at")
    list_select_related = ("space", "requested_by", "started_by")
    ordering = ("-created_at",)
    search_fields = ("title", "=id", "space__name", "=space__id", "requested_by__username")
    search_help_text = "Search by title, space, asker or id"
    fields: Any = (
        *("id", "title", "state", "note", "space", "conversation", "requested_by", "started_by"),
        *("ceiling", "spent", "auto_advance", "steps_shown"),
        *(staff.when(name) for name in ("created_at", "updated_at")),
        "version",
    )
    readonly_fields = fields

    @admin.display(description="State", ordering="status")
    def state(self, row: Plan) -> SafeString:
        return staff.chip(*PLANS[row.status])

    @admin.display(description="Age", ordering="created_at")
    def age(self, row: Plan) -> SafeString | str:
        return staff.ago(row.created_at)

    @admin.display(description="Steps")
    def steps_shown(self, row: Plan) -> SafeString | str:
        lines = [
            (
                step.position,
                step.tool,
                staff.chip(*STEPS[step.status]),
                money(step.cost) or staff.NOTHING,
                staff.pretty(step.arguments),
                staff.link("its call", APPROVAL, step.approval) if step.approval else staff.NOTHING,
            )
            for step in row.steps.all()
        ]
        return staff.table(("", "Tool", "State", "Cost", "Arguments", ""), lines, empty="None.")


@admin.register(StandingPermission)
class StandingPermissionAdmin(staff.LookedAt):
    list_display = ("tool", "standing", "space", "given_by", "whom", "spent", "ceiling", "age")
    list_filter = ("tool", ("revoked_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("space", "given_by", "conversation")
    ordering = ("-created_at",)
    search_fields = ("=id", "space__name", "=space__id", "given_by__username")
    search_help_text = "Search by space, giver or id"
    fields: Any = (
        *("id", "tool", "standing", "space", "given_by", "whom", "spent", "ceiling"),
        *(staff.when(name) for name in ("created_at", "revoked_at")),
        "revoked_by",
    )
    readonly_fields = fields

    @admin.display(description="Standing", ordering="revoked_at")
    def standing(self, row: StandingPermission) -> SafeString:
        if row.revoked_at:
            return staff.chip("Revoked", "", "slash")
        used_up = row.ceiling and row.spent >= row.ceiling
        return staff.chip("Used up", "partial", "partial") if used_up else staff.chip("Holds")

    @admin.display(description="For")
    def whom(self, row: StandingPermission) -> str:
        return "one conversation" if row.conversation_id else "its giver"

    @admin.display(description="Age", ordering="created_at")
    def age(self, row: StandingPermission) -> SafeString | str:
        return staff.ago(row.created_at)


@admin.register(ShareLink)
class ShareLinkAdmin(staff.LookedAt):
    list_display = (
        *("called", "state", "space", "created_by", "pictures", "guarded", "views", "downloads"),
        *("age", "expires_at"),
    )
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        *("download", "show_prompt", "created_at", "expires_at"),
    )
    list_select_related = ("space", "created_by", "asset")
    ordering = ("-created_at",)
    search_fields = ("=id", "name", "space__name", "=space__id", "created_by__username")
    search_help_text = "Search by name, space, maker or id"
    fields: Any = (
        *("id", "called", "state", "space", "asset", "pictures", "guarded", "download"),
        *("show_prompt", "created_by", "views", "downloads"),
        *(staff.when(name) for name in ("created_at", "last_viewed_at", "expires_at")),
        staff.when("revoked_at"),
    )
    readonly_fields = fields

    @admin.display(description="Name", ordering="name")
    def called(self, row: ShareLink) -> str:
        return row.name or "A link"

    @admin.display(description="State")
    def state(self, row: ShareLink) -> SafeString:
        return staff.chip(*LINKS[status_of(row)])

    @admin.display(description="Pictures")
    def pictures(self, row: ShareLink) -> int:
        return len(row.variants)

    @admin.display(description="Password", boolean=True)
    def guarded(self, row: ShareLink) -> bool:
        return bool(row.password)

    @admin.display(description="Age", ordering="created_at")
    def age(self, row: ShareLink) -> SafeString | str:
        return staff.ago(row.created_at)


@admin.register(Snippet)
class SnippetAdmin(staff.LookedAt):
    list_display = ("name", "text", "space", "created_by", "created_at")
    list_select_related = ("space", "created_by")
    ordering = ("-created_at",)
    search_fields = ("name", "text", "space__name", "=space__id")
    readonly_fields = fields = list_display
