"""Projections, above all the failed ones: tried, replayed, or resolved with a reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from generations.admin.states import projection_chip, short
from generations.errors import EntryError
from generations.models import Artifact, Generation, Output, Projection
from generations.operations import replay
from generations.operations.replay import Replayed
from genproj.kernel import staff

LIST = "admin:generations_projection_changelist"
#: rows that one request replays at most
MOST = 1000


class StatusFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "status"
    CONDITIONS = {
        "waiting": {"failed_at__isnull": False, "resolved_at__isnull": True},
        "resolved": {"resolved_at__isnull": False},
        "due": {"due_at__isnull": False},
        "done": {"done_at__isnull": False},
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", "Failed"),
            ("resolved", "Resolved"),
            ("due", "Due"),
            ("done", "Done"),
            ("all", "All"),
        ]

    def choices(self, changelist: Any) -> Any:
        for value, words in self.lookup_choices:
            yield {
                "selected": (self.value() or "waiting") == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": words,
            }

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        condition = self.CONDITIONS.get(self.value() or "waiting")
        return queryset.filter(**condition) if condition else queryset


@dataclass(frozen=True)
class Line:
    """One row of a result page."""

    id: int
    done: Replayed
    entry: SafeString | str
    chip: SafeString
    prompt: str


OUTCOMES = {
    "created": ("Created", "done", "check"),
    "changed": ("Changed", "done", "check"),
    "unchanged": ("Unchanged", "", "check"),
    "failed": ("Failed", "failed", "failed"),
}


WOULD = {
    "created": "Would create",
    "changed": "Would change",
    "unchanged": "Nothing to do",
    "failed": "Fails",
}


@admin.register(Projection)
class ProjectionAdmin(staff.LookedAt):
    list_display = (
        *("generation", "prompt", "projector", "stage", "state", "error_class"),
        *("first_seen", "last_seen", "attempts", "artifacts"),
    )
    list_display_links = ("projector",)
    list_filter = (StatusFilter, "projector", "stage", "failed_at")
    list_select_related = ("entry",)
    search_fields = ("entry__input__prompt", "cause__error")
    search_help_text = "Search by prompt, error or id"
    ordering = ("-failed_at", "-created_at")
    actions = ("dry_run", "replay_chosen", "mark_resolved")
    change_list_template = "admin/generations/projection/change_list.html"
    fields: Any = (
        *("generation", "prompt", "projector", "stage", "state"),
        *(staff.when(name) for name in ("created_at", "done_at", "failed_at")),
        *("cause_shown", staff.when("resolved_at"), "resolved_reason", "artifacts"),
        *(staff.when(name) for name in ("due_at", "leased_until")),
        *("attempts", "failures", "last_error"),
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> Any:
        term = search_term.strip().replace("…", "")
        if len(term) >= 8 and set(term) <= set("0123456789abcdef-"):
            return queryset.filter(entry__pk__endswith=term), False
        return super().get_search_results(request, queryset, search_term)

    # --- columns -----------------------------------------------------------------------------
    @admin.display(description="Generation")
    def generation(self, row: Projection) -> SafeString | str:
        return staff.link(short(row.entry_id), "generations_registerentry_change", row.entry_id)

    @admin.display(description="Prompt")
    def prompt(self, row: Projection) -> str:
        return str(row.entry.input.get("prompt", ""))[:60] or "—"

    @admin.display(description="State")
    def state(self, row: Projection) -> SafeString:
        return projection_chip(row)

    @admin.display(description="Error")
    def error_class(self, row: Projection) -> str:
        return str((row.cause or {}).get("error", "")).partition(":")[0] or "—"

    @admin.display(description="First seen")
    def first_seen(self, row: Projection) -> SafeString | str:
        return staff.ago(_first_failure(row) or row.failed_at)

    @admin.display(description="Last seen", ordering="failed_at")
    def last_seen(self, row: Projection) -> SafeString | str:
        return staff.ago(row.failed_at)

    @admin.display(description="Register / catalogue")
    def artifacts(self, row: Projection) -> str:
        # two small queries a row: as subqueries they would be run before the sort, for every row
        stored = Output.objects.filter(entry=row.entry_id, stored_at__isnull=False).count()
        return f"{stored} / {Artifact.objects.filter(generation=row.entry_id).count()}"

    @admin.display(description="Cause")
    def cause_shown(self, row: Projection) -> SafeString | str:
        return staff.pretty(row.cause)

    # --- acts --------------------------------------------------------------------------------
    @admin.action(description="Dry run: show what a replay would do", permissions=["operate"])
    def dry_run(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse:
        return self._replayed(request, queryset, dry_run=True)

    @admin.action(description="Replay selected", permissions=["operate"])
    def replay_chosen(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse:
        return self._replayed(request, queryset, dry_run=False)

    @admin.action(description="Mark resolved, with a reason", permissions=["operate"])
    def mark_resolved(self, request: HttpRequest, queryset: "QuerySet[Any]") -> HttpResponse | None:
        waiting = replay.failed_projections().filter(pk__in=_ids(queryset))
        reason, missing = request.POST.get("reason", ""), False
        if "apply" in request.POST:
            entries = list(dict.fromkeys(waiting.values_list("entry_id", flat=True)))
            if reason.strip():
                marked = sum(
                    replay.resolve(actor=request.user, entry_id=entry, reason=reason)
                    for entry in entries
                )
                messages.success(request, f"{marked} marked as resolved.")
                return None
            missing = True
        context = {
            **self._page(request, "Mark as resolved"),
            "rows": list(waiting),
            "reason": reason,
            "missing": missing,
        }
        return TemplateResponse(request, "admin/generations/projection/resolve.html", context)

    def _replayed(
        self, request: HttpRequest, queryset: "QuerySet[Any]", *, dry_run: bool
    ) -> HttpResponse:
        """Replay what of a list has failed, and show a line for each."""
        waiting = replay.failed_projections().filter(pk__in=_ids(queryset))
        matching = waiting.count()
        chosen = list(waiting[:MOST])
        before = _catalogue_size()
        done = replay.replay(actor=request.user, projections=chosen, dry_run=dry_run)
        after = _catalogue_size()
        lines = [
            Line(
                id=row.pk,
                done=answer,
                entry=self.generation(row),
                chip=_chip(answer.outcome, dry_run=dry_run),
                prompt=self.prompt(row),
            )
            for row, answer in zip(chosen, done, strict=True)
        ]
        context = {
            **self._page(request, "Dry run" if dry_run else "Replayed"),
            "lines": lines,
            "is_dry_run": dry_run,
            "counts": _counts(done, dry_run=dry_run),
            "generations": sum(answer.generations for answer in done),
            "artifacts": sum(answer.artifacts for answer in done),
            "changed": tuple(b - a for a, b in zip(before, after, strict=True)),
            "failed": [line.id for line in lines if line.done.outcome == "failed"],
            "all": [line.id for line in lines],
            "left": matching - len(chosen),
        }
        return TemplateResponse(request, "admin/generations/projection/replayed.html", context)

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "list": reverse(LIST),
            "doors": {
                "all": reverse("admin:generations_projection_replay_all"),
                "some": reverse("admin:generations_projection_replay_some"),
            },
        }

    # --- doors beside the list -----------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "replay-all/",
                view(self.replay_all_view),
                name="generations_projection_replay_all",
            ),
            path("replay/", view(self.replay_some_view), name="generations_projection_replay_some"),
            *super().get_urls(),
        ]

    def replay_all_view(self, request: HttpRequest) -> HttpResponse:
        """Replay everything that the filters in the address match, on all pages."""
        if refused := self._refused(request):
            return refused
        matching = self.get_changelist_instance(request).queryset
        return self._replayed(request, matching, dry_run="dry_run" in request.POST)

    def replay_some_view(self, request: HttpRequest) -> HttpResponse:
        """Replay rows by their numbers: the failed ones of a result, or those of a dry run."""
        if refused := self._refused(request):
            return refused
        chosen = [text for text in request.POST.getlist("id") if text.isdigit()]
        return self._replayed(request, Projection.objects.filter(pk__in=chosen), dry_run=False)

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        if request.method == "GET":
            return HttpResponseRedirect(reverse(LIST))
        return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; two buttons work all that its filters match."""
        more = {
            "replay_all": f"{reverse('admin:generations_projection_replay_all')}"
            f"?{request.GET.urlencode()}",
            "may_operate": self.has_operate_permission(request),
            "title": "Failed projections"
            if request.GET.get("status", "waiting") == "waiting"
            else "Projections",
        }
        return super().changelist_view(request, more | (extra_context or {}))


def _ids(queryset: "QuerySet[Any]") -> Collection[int]:
    return list(queryset.values_list("pk", flat=True))


def _catalogue_size() -> tuple[int, int]:
    return Generation.objects.count(), Artifact.objects.count()


def _counts(done: Sequence[Replayed], *, dry_run: bool) -> list[tuple[str, int]]:
    found = [(word, sum(1 for answer in done if answer.outcome == word)) for word in OUTCOMES]
    would = "would be " if dry_run else ""
    return [
        (word if word == "failed" else f"{would}{word}", count) for word, count in found if count
    ]


def _chip(outcome: str, *, dry_run: bool) -> SafeString:
    word, tone, symbol = OUTCOMES[outcome]
    return staff.chip(WOULD[outcome] if dry_run else word, tone, symbol)


def _first_failure(row: Projection) -> Any:
    """When this projector first failed on the entry, as far as its history reaches back."""
    errors = [*row.entry.error_history, *([row.entry.error] if row.entry.error else [])]
    moments = [
        error["at"]
        for error in errors
        if error.get("code") == EntryError.PROJECTION_FAILED
        and error.get("detail", {}).get("projector") == row.projector
    ]
    return staff.moment(min(moments)) if moments else None
