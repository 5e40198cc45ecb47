"""The webhook inbox: what came, byte for byte, and what was made of it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.webhooks.models import Receipt
from genproj.webhooks.operations import receipts

ENTRY = "generations_registerentry_change"
#: outcome -> (word, tone, symbol)
OUTCOMES = {
    "": ("Waiting", "", "clock"),
    "applied": ("Applied", "done", "check"),
    "late": ("Late", "done", "check"),
    "progress": ("Progress", "done", "check"),
    "repeated": ("Repeated", "", "copy"),
    "ignored": ("Ignored", "", "slash"),
    "discarded": ("Discarded", "partial", "slash"),
    "unknown": ("Unknown", "partial", "failed"),
    "unparsable": ("Unparsable", "failed", "failed"),
    "failed": ("Failed", "failed", "failed"),
}
SHOWN = 50


class OutcomeFilter(admin.SimpleListFilter):
    title, parameter_name = "outcome", "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key or "waiting", words[0]) for key, words in OUTCOMES.items()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Receipt]") -> Any:
        if self.value() is None:
            return queryset
        return queryset.filter(outcome="" if self.value() == "waiting" else self.value())


@admin.register(Receipt)
class ReceiptAdmin(staff.LookedAt):
    list_display = ("received", "source", "about", "result", "siblings", "bytes", "attempts")
    list_filter = (OutcomeFilter, "source", "received_at")
    search_fields = ("subject", "delivery_id")
    search_help_text = "Search by generation or delivery id"
    ordering = ("-received_at",)
    actions = ("reprocess", "mark_ignored")
    fields: Any = (
        *(staff.when("received_at"), "source", "about", "delivery_id", "result"),
        *(staff.when(name) for name in ("applied_at", "due_at", "leased_until")),
        *("attempts", "failures", "last_error"),
        *("headers_shown", "body_as_it_came", "others"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Receipt]":
        same = Receipt.objects.filter(subject=OuterRef("subject")).order_by().values("subject")
        count = Subquery(same.annotate(count=Count("pk")).values("count"))
        return super().get_queryset(request).annotate(of_subject=count)

    @admin.display(description="Received", ordering="received_at")
    def received(self, row: Receipt) -> SafeString | str:
        return staff.ago(row.received_at)

    @admin.display(description="Generation")
    def about(self, row: Receipt) -> SafeString | str:
        return staff.link(f"…{row.subject[-8:]}", ENTRY, row.subject) if row.subject else "—"

    @admin.display(description="Outcome", ordering="outcome")
    def result(self, row: Receipt) -> SafeString:
        return staff.chip(*OUTCOMES.get(row.outcome, (row.outcome, "", "")))

    @admin.display(description="Of this generation")
    def siblings(self, row: Any) -> SafeString | str:
        page = "webhooks_receipt_changelist"
        return staff.link(str(row.of_subject), page, q=row.subject)

    @admin.display(description="Bytes")
    def bytes(self, row: Receipt) -> int:
        return len(row.body)

    @admin.display(description="Headers")
    def headers_shown(self, row: Receipt) -> SafeString | str:
        return staff.pretty(row.headers)

    @admin.display(description="Body")
    def body_as_it_came(self, row: Receipt) -> SafeString:
        return staff.body_shown(b"".join([row.body]))

    @admin.display(description="Others of this generation")
    def others(self, row: Receipt) -> SafeString | str:
        same = Receipt.objects.filter(subject=row.subject).exclude(pk=row.pk)[:SHOWN]
        return staff.table(
            ["Received", "Outcome", "Same bytes", "Delivery"],
            [
                (
                    staff.link(f"{other.received_at:%d %b %H:%M:%S}", OWN, other.pk),
                    self.result(other),
                    "yes" if other.body == row.body else "no",
                    other.delivery_id[:16],
                )
                for other in same
            ],
            empty="None.",
        )

    @admin.action(description="Reprocess", permissions=["operate"])
    def reprocess(self, request: HttpRequest, queryset: "QuerySet[Receipt]") -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = receipts.reprocess(actor=request.user, receipt_ids=ids)
        messages.success(request, f"{count} will be read again.")

    @admin.action(description="Mark ignored", permissions=["operate"])
    def mark_ignored(self, request: HttpRequest, queryset: "QuerySet[Receipt]") -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = receipts.ignore(actor=request.user, receipt_ids=ids)
        messages.success(
            request, f"{count} marked as ignored; those that were applied stay applied."
        )


OWN = "webhooks_receipt_change"
