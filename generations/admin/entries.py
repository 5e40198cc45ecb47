"""Register entries: what was asked, what came of it, and what staff may do about it."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generations import queries
from generations.admin.details import details_of
from generations.admin.states import (
    ErrorFilter,
    ProjectionFilter,
    StateFilter,
    short,
    state_chip,
    with_stored,
)
from generations.models import RegisterEntry
from generations.operations import keeping, register, tending
from generations.queries.work import KINDS, waiting_work
from genproj.kernel import staff
from genproj.kernel.clock import now
from genproj.kernel.errors import Refusal

LONGEST_PROMPT = 70
MOST_ROWS = 200
MOMENTS = (
    *("created_at", "submit_started_at", "dispatched_at", "deadline_at"),
    *("completed_at", "cancelled_at", "catalogued_at", "purged_at"),
)

#: act -> (what is done to one entry, its past participle)
ACTS: dict[str, tuple[Callable[..., Any], str]] = {
    "cancel": (register.cancel_entry, "cancelled"),
    "retry": (register.retry_entry, "opened again for what is missing"),
    "delete": (keeping.trash_entry, "moved to the trash"),
    "restore": (keeping.restore_entry, "restored"),
}


class AgeFilter(admin.SimpleListFilter):
    title, parameter_name = "age", "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stuck", "Open past its deadline"), ("trash", "In the trash")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        if self.value() == "stuck":
            return queryset.filter(completed_at__isnull=True, deadline_at__lt=now())
        if self.value() == "trash":
            return queryset.filter(trashings__output__isnull=True, trashings__isnull=False)
        return queryset


@admin.register(RegisterEntry)
class RegisterEntryAdmin(staff.LookedAt):
    list_display = (
        *("short_id", "prompt", "model", "owner", "state", "progress_shown", "age"),
        *("attempts", "error_code"),
    )
    list_filter = (
        *(StateFilter, ProjectionFilter, ErrorFilter, AgeFilter),
        *("kind", "provider", "created_at"),
    )
    list_select_related = ("owner",)
    # ids are made of the time: this order is the primary key's
    ordering = ("-id",)
    search_fields = ("input__prompt",)
    search_help_text = "Search by id (or its end), prompt or owner"
    sortable_by = ("short_id", "attempts")
    actions = ("cancel", "retry", "ask_now", "trash", "restore")
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    *("prompt_whole", "state", "progress_shown", "owner", "audience"),
                    *("kind", "provider", "model", "expected_count"),
                )
            },
        ),
        (
            "Moments",
            {"fields": tuple(staff.when(name) for name in MOMENTS)},
        ),
        (
            "Work",
            {
                "fields": (
                    *(staff.when("due_at"), staff.when("leased_until"), "attempts", "failures"),
                    *("last_error", "polls", staff.when("asked_at"), "provider_ref", "hold"),
                    *("calls_back", "request_id", "retry_shown", "key_prefix"),
                )
            },
        ),
        ("Asked for", {"fields": ("input_shown", "annotations_shown")}),
    )
    readonly_fields = tuple(name for _, part in fieldsets for name in part["fields"])
    change_form_template = "admin/generations/registerentry/change_form.html"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return with_stored(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> Any:
        for word in search_term.replace("…", "").split():
            found = Q(input__prompt__icontains=word) | Q(owner__username__icontains=word)
            try:
                found |= Q(pk=UUID(word))
            except ValueError:
                if len(word) >= 4:
                    found |= Q(pk__endswith=word)
            queryset = queryset.filter(found)
        return queryset, False

    @admin.display(description="Id", ordering="id")
    def short_id(self, row: RegisterEntry) -> SafeString:
        return format_html('<code title="{}">{}</code>', row.pk, short(row.pk))

    @admin.display(description="Prompt")
    def prompt(self, row: RegisterEntry) -> str:
        words = str(row.input.get("prompt", "")) or "—"
        return words if len(words) <= LONGEST_PROMPT else f"{words[:LONGEST_PROMPT]}…"

    @admin.display(description="Prompt")
    def prompt_whole(self, row: RegisterEntry) -> str:
        return str(row.input.get("prompt", "")) or "—"

    @admin.display(description="State")
    def state(self, row: Any) -> SafeString:
        return state_chip(row, row.stored)

    @admin.display(description="Progress")
    def progress_shown(self, row: Any) -> str:
        percent = f" ({row.progress} %)" if row.progress and not row.completed_at else ""
        return f"{row.stored}/{row.expected_count}{percent}"

    @admin.display(description="Age", ordering="id")
    def age(self, row: RegisterEntry) -> SafeString | str:
        return staff.ago(row.created_at)

    @admin.display(description="Error")
    def error_code(self, row: RegisterEntry) -> str:
        return (row.error or {}).get("code", "") or row.last_error[:60] or "—"

    @admin.display(description="Retry of")
    def retry_shown(self, row: RegisterEntry) -> SafeString | str:
        if row.retry_of_id is None:
            return staff.NOTHING
        return staff.link(
            short(row.retry_of_id), "generations_registerentry_change", row.retry_of_id
        )

    @admin.display(description="Input")
    def input_shown(self, row: RegisterEntry) -> SafeString | str:
        return staff.pretty(row.input)

    @admin.display(description="Annotations")
    def annotations_shown(self, row: RegisterEntry) -> SafeString | str:
        return staff.pretty(row.annotations)

    # --- acts --------------------------------------------------------------------------------
    def _act(self, request: HttpRequest, ids: list[UUID], name: str) -> None:
        act, done = ACTS[name]
        outcomes: list[Refusal | None] = []
        for id in ids:
            outcomes.append(staff.attempted(partial(act, actor=request.user, entry_id=id)))
            if outcomes[-1] is None:
                tending.note(actor=request.user, entry_ids=[id], act=name, reason="")
        staff.say(request, outcomes, done=done, nothing="Nothing was chosen.")

    def _ask(self, request: HttpRequest, ids: list[UUID]) -> None:
        count = tending.ask_now(actor=request.user, entry_ids=ids)
        messages.success(request, f"The provider is asked about {count} now.")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._act(request, _ids(queryset), "cancel")

    @admin.action(description="Retry what is missing", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._act(request, _ids(queryset), "retry")

    @admin.action(description="Ask the provider now", permissions=["operate"])
    def ask_now(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._ask(request, _ids(queryset))

    @admin.action(description="Move to trash", permissions=["operate"])
    def trash(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._act(request, _ids(queryset), "delete")

    @admin.action(description="Restore from trash", permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        self._act(request, _ids(queryset), "restore")

    # --- pages -------------------------------------------------------------------------------
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One entry with all that belongs to it; its buttons post back here."""
        if request.method == "POST":
            return self._act_on_one(request, unquote(object_id))
        entry = self.get_object(request, unquote(object_id))
        if entry is None or not self.has_view_permission(request, entry):
            return super().change_view(request, object_id, form_url, extra_context)
        more: dict[str, Any] = {"details": details_of(entry, viewer=request.user)}
        if self.has_operate_permission(request):
            view = queries.generation_view(viewer=request.user, id=entry.pk)
            more["acts"] = view.acts | {"ask": view.provider != "upload"}
        return super().change_view(request, object_id, form_url, more | (extra_context or {}))

    def _act_on_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        name = request.POST.get("_act", "")
        if not self.has_operate_permission(request) or name not in {*ACTS, "ask"}:
            raise PermissionDenied
        if name == "ask":
            self._ask(request, [UUID(object_id)])
        else:
            self._act(request, [UUID(object_id)], name)
        return HttpResponseRedirect(request.path)

    def get_urls(self) -> list[URLPattern]:
        work = path("work/", self.admin_site.admin_view(self.work_view), name="generations_work")
        return [work, *super().get_urls()]

    def work_view(self, request: HttpRequest) -> HttpResponse:
        """What waits to be worked: attempts, failures, leases; with two acts on chosen rows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            if not self.has_operate_permission(request):
                raise PermissionDenied
            self._tend(request)
            return HttpResponseRedirect(reverse("admin:generations_work"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Waiting work",
            "opts": self.opts,
            "groups": waiting_work(most=MOST_ROWS),
            "most": MOST_ROWS,
            "may_operate": self.has_operate_permission(request),
        }
        return TemplateResponse(request, "admin/generations/registerentry/work.html", context)

    def _tend(self, request: HttpRequest) -> None:
        release = "_release" in request.POST
        act = tending.release_lease if release else tending.try_now
        count = 0
        for kind in KINDS:
            if chosen := request.POST.getlist(kind):
                count += act(actor=request.user, kind=kind, ids=chosen)
        word = "released" if release else "due now"
        messages.success(request, f"{count} {'row is' if count == 1 else 'rows are'} {word}.")


def _ids(queryset: "QuerySet[Any]") -> list[UUID]:
    return list(queryset.values_list("pk", flat=True))
