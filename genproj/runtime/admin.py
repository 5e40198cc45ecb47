"""Signs of life, and the switches that people turn."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.kernel.clock import after
from genproj.runtime import operations
from genproj.runtime.models import Heartbeat, Switch


@admin.register(Heartbeat)
class HeartbeatAdmin(staff.LookedAt):
    list_display = ("name", "life", "last", "kind", "host", "pid", "up")
    list_filter = ("kind", "host")
    fields = ("name", "life", "kind", "host", "pid", "started_at", "last_at")
    readonly_fields = fields
    actions = None

    @admin.display(description="State")
    def life(self, row: Heartbeat) -> SafeString:
        if row.last_at >= after(-settings.SILENCE_SECONDS):
            return staff.chip("Live", "done", "check")
        return staff.chip("Silent", "failed", "failed")

    @admin.display(description="Last sign", ordering="last_at")
    def last(self, row: Heartbeat) -> SafeString | str:
        return staff.ago(row.last_at)

    @admin.display(description="Up for", ordering="started_at")
    def up(self, row: Heartbeat) -> str:
        return staff.span((row.last_at - row.started_at).total_seconds())


@admin.register(Switch)
class SwitchAdmin(admin.ModelAdmin):
    list_display = ("name", "state", "reason", "changed")
    list_filter = ("on",)
    search_fields = ("name", "reason")
    fields = ("name", "on", "reason", "changed_at")
    actions = ("turn_on", "turn_off")

    def get_readonly_fields(self, request: HttpRequest, obj: Switch | None = None) -> Any:
        return ("changed_at",) if obj is None else ("name", "changed_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Switch, form: Any, change: Any) -> None:
        operations.turn(obj.name, on=obj.on, reason=obj.reason)
        obj.pk = Switch.objects.values_list("pk", flat=True).get(name=obj.name)

    @admin.display(description="State", ordering="on")
    def state(self, row: Switch) -> SafeString:
        return staff.chip("On", "partial", "check") if row.on else staff.chip("Off", "", "slash")

    @admin.display(description="Changed", ordering="changed_at")
    def changed(self, row: Switch) -> SafeString | str:
        return staff.ago(row.changed_at)

    @admin.action(description="Turn on", permissions=["change"])
    def turn_on(self, request: HttpRequest, queryset: "QuerySet[Switch]") -> None:
        _turn(request, queryset, on=True)

    @admin.action(description="Turn off", permissions=["change"])
    def turn_off(self, request: HttpRequest, queryset: "QuerySet[Switch]") -> None:
        _turn(request, queryset, on=False)


def _turn(request: HttpRequest, queryset: "QuerySet[Switch]", *, on: bool) -> None:
    for row in queryset:
        operations.turn(row.name, on=on, reason=f"by {request.user} in the admin")
    word = "on" if on else "off"
    messages.success(request, f"{len(queryset)} turned {word}; processes follow within a second.")
