"""States in the admin: as chips on rows, and as filters over facts."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.safestring import SafeString

from generations.models import Output, Projection, RegisterEntry
from generations.states import Facts, derive_state
from genproj.kernel import staff

#: state -> (word, tone, symbol), as on the pages of everybody
STATES = {
    "pending": ("Pending", "running", "running"),
    "completed": ("Done", "done", "check"),
    "partial": ("Partial", "partial", "partial"),
    "failed": ("Failed", "failed", "failed"),
    "cancelled": ("Cancelled", "", "slash"),
}
#: state -> the facts it is read off; `stored` counts stored outputs
FACTS = {
    "pending": Q(completed_at__isnull=True),
    "completed": Q(
        completed_at__isnull=False, cancelled_at__isnull=True, stored__gte=F("expected_count")
    ),
    "partial": Q(
        completed_at__isnull=False,
        cancelled_at__isnull=True,
        stored__gt=0,
        stored__lt=F("expected_count"),
    ),
    "failed": Q(completed_at__isnull=False, cancelled_at__isnull=True, stored=0),
    "cancelled": Q(cancelled_at__isnull=False),
}


def with_stored(rows: "QuerySet[Any]", *, entry: str = "pk") -> "QuerySet[Any]":
    """Rows with `stored`: how many outputs of their entry are stored."""
    outputs = Output.objects.filter(entry=OuterRef(entry), stored_at__isnull=False)
    counted = outputs.order_by().values("entry").annotate(count=Count("pk")).values("count")
    none = Value(0, output_field=IntegerField())
    return rows.annotate(stored=Coalesce(Subquery(counted), none))


def state_chip(entry: RegisterEntry, stored: int) -> SafeString:
    """The chip of an entry of which `stored` outputs are stored."""
    facts = Facts(entry.completed_at, entry.cancelled_at, stored, entry.expected_count)
    return staff.chip(*STATES[derive_state(facts).value])


def projection_chip(row: Projection) -> SafeString:
    """How one projection stands."""
    if row.resolved_at:
        return staff.chip("Resolved", "", "check")
    if row.failed_at:
        return staff.chip("Failed", "failed", "failed")
    if row.done_at:
        return staff.chip("Done", "done", "check")
    return staff.chip("Waiting", "", "clock")


def short(id: UUID) -> str:
    """The end of an id; its beginning is the time and the same for neighbours."""
    return f"…{str(id)[-8:]}"


def failed_entries() -> Collection[UUID]:
    """Entries of which a projection waits for a person."""
    waiting = Projection.objects.filter(failed_at__isnull=False, resolved_at__isnull=True)
    return waiting.values("entry_id")  # type: ignore[return-value]


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, words[0]) for state, words in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        condition = FACTS.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class ErrorFilter(admin.SimpleListFilter):
    title, parameter_name = "error", "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Has an error"), ("output", "An output has one"), ("no", "None")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        broken = Output.objects.filter(error__isnull=False).values("entry_id")
        if self.value() == "yes":
            return queryset.filter(error__isnull=False)
        if self.value() == "output":
            return queryset.filter(pk__in=broken)
        if self.value() == "no":
            return queryset.filter(error__isnull=True).exclude(pk__in=broken)
        return queryset


class ProjectionFilter(admin.SimpleListFilter):
    title, parameter_name = "projection", "projection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "Failed"), ("fine", "Not failed")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        if self.value() == "failed":
            return queryset.filter(pk__in=failed_entries())
        if self.value() == "fine":
            return queryset.exclude(pk__in=failed_entries())
        return queryset
