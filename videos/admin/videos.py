"""Videos: where each stands, what happened to it, and what staff may do about it."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.kernel import staff
from videos import queries
from videos.models import Video
from videos.operations import gates

#: status -> (word, tone, symbol), as on the pages of everybody
STATES = {
    "pending_clarification": ("Needs answers", "", "clock"),
    "pending_confirmation": ("Needs confirmation", "", "clock"),
    "queued": ("Queued", "", "clock"),
    "processing": ("Processing", "running", "running"),
    "completed": ("Done", "done", "check"),
    "failed": ("Failed", "failed", "failed"),
    "cancelled": ("Cancelled", "", "slash"),
}
MOMENTS = (
    *("created_at", "confirmed_at", "started_at", "completed_at", "failed_at"),
    *("cancelled_at", "trashed_at"),
)


def status_chip(status: str) -> SafeString:
    """A video's state as a chip."""
    return staff.chip(*STATES[status])


@admin.register(Video)
class VideoAdmin(staff.LookedAt):
    list_display = ("short_prompt", "state", "owner", "model", "priority", "age", "error_code")
    list_filter = ("status", "provider", "asked_by", "created_at")
    list_select_related = ("owner",)
    ordering = ("-created_at",)
    search_fields = ("prompt", "owner__username", "id", "generation", "request_id")
    search_help_text = "Search by prompt, owner or any id"
    actions = ("move_to_front", "cancel", "retry")
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    *("prompt", "state", "owner", "audience", "conversation"),
                    *("provider", "model", "priority", "attempts_shown", "generation_shown"),
                )
            },
        ),
        ("Moments", {"fields": tuple(staff.when(name) for name in MOMENTS)}),
        (
            "Wish",
            {
                "fields": (
                    *("parameters_shown", "questions_shown", "answers_shown", "asked_by"),
                    *("estimate_cost", "estimate_seconds", "confirmations"),
                )
            },
        ),
        ("Errors", {"fields": ("error_shown", "history_shown")}),
        ("Timeline", {"fields": ("timeline_shown", "request_id")}),
    )
    readonly_fields = tuple(name for _, part in fieldsets for name in part["fields"])

    def get_form(self, request: HttpRequest, *given: Any, **options: Any) -> Any:
        self.viewer = request.user
        return super().get_form(request, *given, **options)

    @admin.display(description="Film")
    def short_prompt(self, video: Video) -> str:
        return queries.short(video.prompt, 70)

    @admin.display(description="State", ordering="status")
    def state(self, video: Video) -> SafeString:
        return status_chip(video.status)

    @admin.display(description="Age", ordering="created_at")
    def age(self, video: Video) -> SafeString | str:
        return staff.ago(video.created_at)

    @admin.display(description="Error")
    def error_code(self, video: Video) -> str:
        return video.error["code"] if video.error else staff.NOTHING

    @admin.display(description="Generation")
    def generation_shown(self, video: Video) -> SafeString | str:
        if video.generation is None:
            return staff.NOTHING
        name = "generations_registerentry_change"
        return staff.link(str(video.generation), name, video.generation)

    @admin.display(description="Jobs and attempts")
    def attempts_shown(self, video: Video) -> SafeString | str:
        rows = [
            (
                staff.link(f"…{str(job.pk)[-8:]}", "videos_job_change", job.pk),
                attempt.number,
                attempt.worker,
                staff.ago(attempt.started_at),
                attempt.outcome or "running",
                attempt.error["code"] if attempt.error else staff.NOTHING,
            )
            for job in video.jobs.prefetch_related("tries")
            for attempt in job.tries.all()
        ]
        heads = ("Job", "Attempt", "Worker", "Started", "Outcome", "Error")
        return staff.table(heads, rows, empty="No attempt yet.")

    @admin.display(description="Timeline")
    def timeline_shown(self, video: Video) -> SafeString | str:
        lines = queries.timeline(viewer=self.viewer, id=video.pk)
        rows = [
            (f"{line.at:%d %b %H:%M:%S}", line.title, line.actor, staff.pretty(line.detail))
            for line in lines
        ]
        return staff.table(("At", "What", "Who", "Detail"), rows, empty="Nothing yet.")

    @admin.display(description="Parameters")
    def parameters_shown(self, video: Video) -> SafeString | str:
        return staff.pretty(video.parameters)

    @admin.display(description="Questions")
    def questions_shown(self, video: Video) -> SafeString | str:
        return staff.pretty(video.clarification_questions)

    @admin.display(description="Answers")
    def answers_shown(self, video: Video) -> SafeString | str:
        return staff.pretty(video.clarification_responses)

    @admin.display(description="Error")
    def error_shown(self, video: Video) -> SafeString | str:
        return staff.pretty(video.error)

    @admin.display(description="Earlier errors")
    def history_shown(self, video: Video) -> SafeString | str:
        return staff.pretty(video.error_history)

    def _each(
        self, request: HttpRequest, rows: "QuerySet[Video]", verb: Callable[..., Any], done: str
    ) -> None:
        ids = rows.values_list("pk", flat=True)
        staff.each(request, ids, verb, named="video_id", done=done)

    @admin.action(description="Move to the front of the queue", permissions=["operate"])
    def move_to_front(self, request: HttpRequest, rows: "QuerySet[Video]") -> None:
        self._each(request, rows, gates.move_to_front, "moved to the front")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, rows: "QuerySet[Video]") -> None:
        self._each(request, rows, gates.cancel, "cancelled")

    @admin.action(description="Retry as it was", permissions=["operate"])
    def retry(self, request: HttpRequest, rows: "QuerySet[Video]") -> None:
        self._each(request, rows, gates.retry, "queued again")
