"""The ledger as it was written, budgets, and what the billing service was told.

Nothing of it can be added, changed or deleted here; lines can be told again.
"""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.usage.models import Budget, ExportedLine, LedgerLine
from genproj.usage.operations import exporting
from genproj.usage.queries import budgets as known

#: kind -> (word, tone, symbol)
KINDS = {
    "hold": ("Held", "running", "clock"),
    "settle": ("Settled", "done", "check"),
    "release": ("Released", "", "slash"),
    "charge": ("Charged", "done", "check"),
}


@admin.register(LedgerLine)
class LedgerLineAdmin(staff.LookedAt):
    list_display = (
        *("written", "movement", "amount", "what", "units", "about"),
        *("audience", "owner", "model", "reason"),
    )
    list_filter = ("kind", "what", "provider", "created_at")
    list_select_related = ("owner",)
    search_fields = ("subject", "audience")
    search_help_text = "Search by subject (entry:ID, video:ID) or audience"
    ordering = ("-created_at", "-id")
    fields = (
        *("written", "movement", "amount", "held", "what", "units", "about", "audience", "owner"),
        *("provider", "model", "key", "reason", "closes"),
    )
    readonly_fields = fields

    @admin.display(description="Written", ordering="created_at")
    def written(self, line: LedgerLine) -> SafeString | str:
        return staff.ago(line.created_at)

    @admin.display(description="Movement", ordering="kind")
    def movement(self, line: LedgerLine) -> SafeString:
        return staff.chip(*KINDS[line.kind])

    @admin.display(description="Was held")
    def held(self, line: LedgerLine) -> Decimal | str:
        return line.closes.amount if line.closes else staff.NOTHING

    @admin.display(description="For", ordering="subject")
    def about(self, line: LedgerLine) -> SafeString | str:
        kind, _, id = line.subject.partition(":")
        if kind == "entry":
            return staff.link(line.subject, "generations_registerentry_change", id)
        return line.subject


#: state -> (word, tone, symbol)
STATES = {
    "owed": ("Waiting", "", "clock"),
    "told": ("Told", "done", "check"),
    "dead": ("Dead", "failed", "failed"),
}
#: state of a budget -> (word, tone, symbol)
FULLNESS = {
    "ok": ("Within", "done", "check"),
    "warning": ("Over 80 %", "partial", "partial"),
    "exhausted": ("Exhausted", "failed", "failed"),
}


@admin.register(ExportedLine)
class ExportedLineAdmin(staff.LookedAt):
    list_display = ("event", "amount", "customer", "told", "attempts", "next", "outcome")
    list_filter = ("state", "written_at")
    list_select_related = ("line__owner",)
    search_fields = ("line__subject", "outcome", "line__owner__username")
    search_help_text = "Search by subject, outcome or person"
    ordering = ("-written_at",)
    actions = ("replay",)
    fields: Any = (
        *("event", "amount", "customer", "told", "outcome", "body"),
        *(staff.when(name) for name in ("written_at", "told_at", "due_at", "leased_until")),
        *("attempts", "failures", "last_error"),
    )
    readonly_fields = fields

    @admin.display(description="Line")
    def event(self, row: ExportedLine) -> SafeString | str:
        return staff.link(row.line.subject, "usage_ledgerline_change", row.line_id)

    @admin.display(description="Amount")
    def amount(self, row: ExportedLine) -> Decimal:
        return row.line.amount

    @admin.display(description="Customer")
    def customer(self, row: ExportedLine) -> str:
        return row.line.owner.get_username() if row.line.owner else row.line.audience

    @admin.display(description="State", ordering="state")
    def told(self, row: ExportedLine) -> SafeString:
        return staff.chip(*STATES[row.state])

    @admin.display(description="Next attempt", ordering="due_at")
    def next(self, row: ExportedLine) -> SafeString | str:
        return staff.ago(row.due_at)

    @admin.display(description="Event as it is sent")
    def body(self, row: ExportedLine) -> SafeString | str:
        return staff.pretty(exporting.event_of(row.line))

    @admin.action(description="Tell again", permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: "QuerySet[ExportedLine]") -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = exporting.replay(actor=request.user, line_ids=ids)
        messages.success(request, f"{count} will be told again, under the same ids.")


@admin.register(Budget)
class BudgetAdmin(staff.LookedAt):
    list_display = ("audience", "person", "model", "limit", "used", "state", "hard", "created_by")
    list_filter = ("hard",)
    list_select_related = ("person", "created_by")
    search_fields = ("audience", "person__username", "model")
    fields: Any = (
        *("audience", "person", "model", "limit", "used", "state", "hard", "created_by"),
        *(staff.when(name) for name in ("warned_at", "exhausted_at", "created_at", "updated_at")),
    )
    readonly_fields = fields

    @admin.display(description="Used this month")
    def used(self, row: Any) -> str:
        # Added up once for each row; `state` stands beside it on every page.
        row.seen = known.view(row)
        return known.amount(row.seen.used.total)

    @admin.display(description="State")
    def state(self, row: Any) -> SafeString:
        return staff.chip(*FULLNESS[row.seen.state])
