"""Outbound deliveries and the endpoints they go to."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.webhooks import queries
from genproj.webhooks.models import Attempt, Delivery, Endpoint
from genproj.webhooks.operations import replaying

ENDPOINT, DELIVERIES = "webhooks_endpoint_change", "webhooks_delivery_changelist"
#: state -> (word, tone, symbol)
STATES = {
    "pending": ("Waiting", "", "clock"),
    "held": ("Held", "partial", "slash"),
    "delivered": ("Delivered", "done", "check"),
    "dead": ("Dead", "failed", "failed"),
}


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, words[0]) for name, words in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> Any:
        state = queries.STATES.get(self.value() or "")
        return queryset if state is None else queryset.filter(state)


@admin.register(Delivery)
class DeliveryAdmin(staff.LookedAt):
    list_display = ("event", "type", "goes_to", "owner", "state", "tries_made", "next", "created")
    list_filter = (StateFilter, "type", "created_at")
    list_select_related = ("endpoint__owner",)
    search_fields = ("event_id", "endpoint__url", "endpoint__owner__username")
    search_help_text = "Search by webhook-id, address or owner"
    ordering = ("-created_at",)
    actions = ("try_now", "give_up")
    fields: Any = (
        *("event_id", "type", "goes_to", "owner", "state"),
        *(staff.when(name) for name in ("created_at", "delivered_at", "dead_at", "due_at")),
        *(staff.when("leased_until"), "attempts", "failures", "last_error"),
        *("body_as_sent", "attempts_made"),
    )
    readonly_fields = fields

    @admin.display(description="Event", ordering="created_at")
    def event(self, row: Delivery) -> str:
        return row.event_id

    @admin.display(description="Endpoint")
    def goes_to(self, row: Delivery) -> SafeString | str:
        return staff.link(row.endpoint.url[:80], ENDPOINT, row.endpoint_id)

    @admin.display(description="Owner")
    def owner(self, row: Delivery) -> str:
        return row.endpoint.owner.get_username()

    @admin.display(description="State")
    def state(self, row: Delivery) -> SafeString:
        return staff.chip(*STATES[queries.state_of(row)])

    @admin.display(description="Attempts", ordering="attempts")
    def tries_made(self, row: Delivery) -> int:
        return row.attempts

    @admin.display(description="Next attempt", ordering="due_at")
    def next(self, row: Delivery) -> SafeString | str:
        return staff.ago(row.due_at)

    @admin.display(description="Created", ordering="created_at")
    def created(self, row: Delivery) -> SafeString | str:
        return staff.ago(row.created_at)

    @admin.display(description="Body")
    def body_as_sent(self, row: Delivery) -> SafeString:
        return staff.body_shown(bytes(row.body))

    @admin.display(description="Attempts made")
    def attempts_made(self, row: Delivery) -> SafeString | str:
        tries = queries.attempts_of(row)
        return format_html_join("", "{}", ((_shown(attempt),) for attempt in tries)) or "None yet."

    @admin.action(description="Try now", permissions=["operate"])
    def try_now(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = replaying.try_now(actor=request.user, delivery_ids=ids)
        messages.success(request, f"{count} will be sent; disabled endpoints are passed over.")

    @admin.action(description="Give up", permissions=["operate"])
    def give_up(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = replaying.give_up(actor=request.user, delivery_ids=ids)
        messages.success(request, f"{count} given up; those that were delivered stay so.")


def _shown(attempt: Attempt) -> SafeString:
    return format_html(
        "<details><summary>{} · {} · {} · {} ms</summary>{}{}{}<pre>{}</pre></details>",
        f"Attempt {attempt.number}",
        attempt.status or "no answer",
        f"{attempt.at:%d %b %Y %H:%M:%S} UTC",
        attempt.latency_ms,
        attempt.error,
        staff.pretty(attempt.request_headers),
        staff.pretty(attempt.response_headers),
        attempt.response_body,
    )


@admin.register(Endpoint)
class EndpointAdmin(staff.LookedAt):
    list_display = ("url", "owner", "status", "failing", "owed", "created")
    list_filter = ("enabled", "disabled_reason", "created_at")
    list_select_related = ("owner",)
    search_fields = ("url", "description", "owner__username")
    search_help_text = "Search by address, description or owner"
    ordering = ("-created_at",)
    fields: Any = (
        *("url", "owner", "audience", "description", "types", "conversation", "status"),
        *(staff.when(name) for name in ("created_at", "failing_since", "disabled_at")),
        *(staff.when("previous_until", "Former secret until"), "owed"),
    )
    readonly_fields = fields

    @admin.display(description="Status", ordering="enabled")
    def status(self, row: Endpoint) -> SafeString:
        if not row.enabled:
            return staff.chip(f"Disabled: {row.get_disabled_reason_display()}", "failed", "slash")
        if row.failing_since:
            return staff.chip("Failing", "partial", "partial")
        return staff.chip("Enabled", "done", "check")

    @admin.display(description="Failing since", ordering="failing_since")
    def failing(self, row: Endpoint) -> SafeString | str:
        return staff.ago(row.failing_since)

    @admin.display(description="Deliveries")
    def owed(self, row: Endpoint) -> SafeString | str:
        return staff.link("show", DELIVERIES, endpoint__id__exact=row.pk)

    @admin.display(description="Created", ordering="created_at")
    def created(self, row: Endpoint) -> SafeString | str:
        return staff.ago(row.created_at)
