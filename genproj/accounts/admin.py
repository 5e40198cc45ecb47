"""Keys of people and programs: who has which, and their end. Secrets are not kept, nor shown."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.accounts import operations
from genproj.accounts.models import AccessKey
from genproj.kernel import staff
from genproj.kernel.clock import now


@admin.register(AccessKey)
class AccessKeyAdmin(staff.LookedAt):
    list_display = ("start", "user", "name", "kind", "scopes_shown", "state", "used", "created")
    list_filter = ("kind", "created_at", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("user__username", "name", "prefix")
    fields = (
        *("start", "user", "name", "kind", "scopes_shown", "state"),
        *("created_at", "expires_at", "last_used_at", "revoked_at"),
    )
    readonly_fields = fields
    actions = ("revoke",)

    @admin.display(description="Begins with", ordering="prefix")
    def start(self, row: AccessKey) -> str:
        return f"{row.prefix}…"

    @admin.display(description="May")
    def scopes_shown(self, row: AccessKey) -> str:
        return ", ".join(row.scopes)

    @admin.display(description="State")
    def state(self, row: AccessKey) -> SafeString:
        if row.revoked_at:
            return staff.chip("Revoked", "", "slash")
        if row.expires_at and row.expires_at <= now():
            return staff.chip("Expired", "", "clock")
        return staff.chip("Usable", "done", "check")

    @admin.display(description="Last used", ordering="last_used_at")
    def used(self, row: AccessKey) -> SafeString | str:
        return staff.ago(row.last_used_at)

    @admin.display(description="Made", ordering="created_at")
    def created(self, row: AccessKey) -> SafeString | str:
        return staff.ago(row.created_at)

    @admin.action(description="Revoke", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: "QuerySet[AccessKey]") -> None:
        outcomes = []
        for row in queryset.filter(revoked_at__isnull=True).select_related("user"):
            act = lambda row=row: operations.revoke_key(actor=row.user, key_id=row.pk)  # noqa: E731
            outcomes.append(staff.attempted(act))
            self.log_change(request, row, "Revoked.")
        nothing = "They were revoked before."
        staff.say(request, outcomes, done="revoked; they are useless from now on", nothing=nothing)
