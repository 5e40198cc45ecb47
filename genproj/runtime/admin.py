"""Signs of life, the switches that people turn, and the breakers that turn themselves."""

import re
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.kernel.clock import after
from genproj.runtime import breakers, operations
from genproj.runtime.breakers import State
from genproj.runtime.models import Breaker, Heartbeat, Switch


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


TARGET = re.compile(r"[a-z0-9_.:-]{1,80}")
#: state of a breaker -> word, tone, symbol
CHIPS = {
    State.CLOSED: ("Closed", "done", "check"),
    State.HALF_OPEN: ("Half open", "partial", "clock"),
    State.OPEN: ("Open", "failed", "failed"),
}


@admin.register(Breaker)
class BreakerAdmin(staff.LookedAt):
    list_display = ("target", "state", "mode", "failures", "failed", "next_try", "last_error")
    list_filter = ("mode",)
    search_fields = ("target", "last_error")
    fields = (
        *("target", "state", "mode", "reason", "failures", "failed_at"),
        *("opened_at", "probe_at", "last_error", "changed_at"),
    )
    readonly_fields = fields
    actions = ("keep_open", "keep_closed", "leave")

    def get_urls(self) -> list[Any]:
        force = self.admin_site.admin_view(self.force)
        return [path("force/", force, name="runtime_breaker_force"), *super().get_urls()]

    def force(self, request: HttpRequest) -> HttpResponse:
        """One breaker from the overview, which also shows those that never failed."""
        target, _, mode = request.POST.get("act", "").partition(" ")
        if request.method != "POST" or not TARGET.fullmatch(target) or mode not in Breaker.Mode:
            raise Http404
        if not self.has_operate_permission(request):
            raise PermissionDenied
        _force(request, [target], Breaker.Mode(mode))
        return redirect("admin:index")

    @admin.display(description="State")
    def state(self, row: Breaker) -> SafeString:
        return staff.chip(*CHIPS[breakers.state_of(row)])

    @admin.display(description="Failed", ordering="failed_at")
    def failed(self, row: Breaker) -> SafeString | str:
        return staff.ago(row.failed_at)

    @admin.display(description="Next try", ordering="probe_at")
    def next_try(self, row: Breaker) -> SafeString | str:
        by_itself = row.mode == Breaker.Mode.AUTO
        return staff.ago(row.probe_at) if row.probe_at and by_itself else "-"

    @admin.action(description="Keep open: ask nothing", permissions=["operate"])
    def keep_open(self, request: HttpRequest, queryset: "QuerySet[Breaker]") -> None:
        _force(request, [row.target for row in queryset], Breaker.Mode.OPEN)

    @admin.action(description="Keep closed: ask whatever happens", permissions=["operate"])
    def keep_closed(self, request: HttpRequest, queryset: "QuerySet[Breaker]") -> None:
        _force(request, [row.target for row in queryset], Breaker.Mode.CLOSED)

    @admin.action(description="Leave to itself", permissions=["operate"])
    def leave(self, request: HttpRequest, queryset: "QuerySet[Breaker]") -> None:
        _force(request, [row.target for row in queryset], Breaker.Mode.AUTO)


def _force(request: HttpRequest, targets: list[str], mode: Breaker.Mode) -> None:
    person: Any = request.user
    for target in targets:
        reason = f"by {request.user} in the admin"
        breakers.force(actor=person, target=target, mode=mode, reason=reason)
    words = f"{', '.join(targets)}: {mode.label}. Processes follow within a second."
    messages.success(request, words)
