"""The queue: jobs with their attempts and leases, workers, and the reports they sent."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from generations.providers import PROVIDERS
from genproj.kernel import staff
from genproj.kernel.clock import after, now
from genproj.runtime.operations import is_on
from videos import queries
from videos.admin.videos import status_chip
from videos.models import Job, Report, Worker
from videos.operations import gates, pausing, queue
from videos.queries.queue import SILENT, places


class OpenFilter(admin.SimpleListFilter):
    title, parameter_name = "standing", "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("running", "Running"), ("finished", "Finished")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        ended = Q(finished_at__isnull=False)
        conditions = {
            "waiting": Q(finished_at__isnull=True, video__status="queued"),
            "running": Q(finished_at__isnull=True, video__status="processing"),
            "finished": ended,
        }
        condition = conditions.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


@admin.register(Job)
class JobAdmin(staff.LookedAt):
    list_display = (
        *("film", "state", "owner", "place", "priority", "attempts"),
        *("worker", "lease", "age"),
    )
    list_filter = (OpenFilter, "video__provider", "created_at")
    list_select_related = ("video", "video__owner", "worker")
    ordering = ("-created_at",)
    search_fields = ("id", "video__id", "video__prompt", "video__owner__username")
    actions = ("move_to_front", "cancel", "pause_all", "resume_all")
    fields: Any = (
        *("film", "state", "owner", "place", "priority", "attempts", "worker", "lease"),
        *(staff.when("created_at"), staff.when("due_at"), staff.when("started_at")),
        *(staff.when("finished_at"), "progress", "attempts_shown", "reports_shown"),
    )
    readonly_fields: Any = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"subtitle": _standing(), **(extra_context or {})})

    @admin.display(description="Film")
    def film(self, job: Job) -> SafeString | str:
        text = queries.short(job.video.prompt, 60)
        return staff.link(text, "videos_video_change", job.video_id)

    @admin.display(description="State")
    def state(self, job: Job) -> SafeString:
        return staff.chip("Finished") if job.finished_at else status_chip(job.video.status)

    @admin.display(description="Owner")
    def owner(self, job: Job) -> str:
        return job.video.owner.get_username()

    @admin.display(description="Place")
    def place(self, job: Job) -> str:
        found = None if job.finished_at else places().get(job.pk)
        return str(found.position) if found else staff.NOTHING

    @admin.display(description="Lease")
    def lease(self, job: Job) -> SafeString | str:
        if job.worker_id == queue.ENGINE and job.finished_at is None:
            return "the engine's"
        return staff.ago(job.leased_until)

    @admin.display(description="Waits since", ordering="created_at")
    def age(self, job: Job) -> SafeString | str:
        return staff.ago(job.created_at)

    @admin.display(description="Attempts")
    def attempts_shown(self, job: Job) -> SafeString | str:
        rows = [
            (
                attempt.number,
                attempt.worker,
                staff.ago(attempt.started_at),
                attempt.outcome or "running",
                staff.link(
                    str(attempt.generation or ""),
                    "generations_registerentry_change",
                    attempt.generation or "",
                ),
                staff.pretty(attempt.error),
            )
            for attempt in job.tries.all()
        ]
        heads = ("Number", "Worker", "Started", "Outcome", "Generation", "Error")
        return staff.table(heads, rows, empty="No attempt yet.")

    @admin.display(description="Reports")
    def reports_shown(self, job: Job) -> SafeString | str:
        rows = [
            (
                report.webhook_id,
                report.type,
                report.attempt,
                "applied" if report.applied else "not applied",
                staff.ago(report.received_at),
            )
            for report in job.reports.order_by("received_at")
        ]
        heads = ("Webhook id", "Type", "Attempt", "Outcome", "Received")
        return staff.table(heads, rows, empty="None; the engine reports by itself.")

    def _each(self, request: HttpRequest, rows: "QuerySet[Job]", verb: Any, done: str) -> None:
        ids = rows.values_list("video_id", flat=True)
        staff.each(request, ids, verb, named="video_id", done=done)

    @admin.action(description="Move to the front", permissions=["operate"])
    def move_to_front(self, request: HttpRequest, rows: "QuerySet[Job]") -> None:
        self._each(request, rows, gates.move_to_front, "moved to the front")

    @admin.action(description="Cancel their films", permissions=["operate"])
    def cancel(self, request: HttpRequest, rows: "QuerySet[Job]") -> None:
        self._each(request, rows, gates.cancel, "cancelled")

    @admin.action(description="Pause the whole queue", permissions=["operate"])
    def pause_all(self, request: HttpRequest, rows: "QuerySet[Job]") -> None:
        outcome = staff.attempted(lambda: pausing.pause(actor=request.user, on=True))
        staff.say(request, [outcome], done="queue paused", nothing="")

    @admin.action(description="Resume the whole queue", permissions=["operate"])
    def resume_all(self, request: HttpRequest, rows: "QuerySet[Job]") -> None:
        outcome = staff.attempted(lambda: pausing.pause(actor=request.user, on=False))
        staff.say(request, [outcome], done="queue resumed", nothing="")


def _standing() -> str:
    """The queue in one line."""
    used = queue.slots()
    parts = [
        f"{used.of_engine} of {settings.VIDEO_SLOTS} places of this installation are taken",
        f"{queue.waiting_jobs().count()} films wait",
    ]
    if is_on(queue.PAUSE_ALL):
        parts.insert(0, "the queue is paused")
    paused = [name for name in PROVIDERS if is_on(queue.pause_of_provider(name))]
    parts += [f"{name} is paused" for name in paused]
    return "; ".join(parts)


@admin.register(Worker)
class WorkerAdmin(staff.LookedAt):
    list_display = ("id", "name", "state", "owner", "heartbeat", "jobs_done")
    list_select_related = ("owner",)
    search_fields = ("id", "name")
    fields: Any = (
        *("id", "name", "state", "owner", staff.when("registered_at")),
        *(staff.when("last_heartbeat_at"), staff.when("retired_at"), "jobs_shown"),
    )
    readonly_fields: Any = fields

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).annotate(done=Count("jobs"))

    @admin.display(description="State")
    def state(self, worker: Worker) -> SafeString:
        if worker.retired_at:
            return staff.chip("Retired", "", "slash")
        seen = worker.last_heartbeat_at
        if worker.pk != queue.ENGINE and (seen is None or seen < after(-SILENT)):
            return staff.chip("Lost", "failed", "failed")
        busy = worker.jobs.filter(finished_at__isnull=True).exists()
        return staff.chip("Busy", "running", "running") if busy else staff.chip("Idle", "done")

    @admin.display(description="Heartbeat", ordering="last_heartbeat_at")
    def heartbeat(self, worker: Worker) -> SafeString | str:
        return staff.ago(worker.last_heartbeat_at)

    @admin.display(description="Jobs", ordering="done")
    def jobs_done(self, worker: Any) -> int:
        return int(worker.done)

    @admin.display(description="Newest jobs")
    def jobs_shown(self, worker: Worker) -> SafeString | str:
        rows = [
            (
                staff.link(queries.short(job.video.prompt, 60), "videos_job_change", job.pk),
                status_chip(job.video.status),
                staff.ago(job.started_at or now()),
            )
            for job in worker.jobs.select_related("video").order_by("-created_at")[:20]
        ]
        return staff.table(("Film", "State", "Started"), rows, empty="None yet.")


@admin.register(Report)
class ReportAdmin(staff.LookedAt):
    list_display = ("webhook_id", "type", "worker", "job", "attempt", "applied", "received_at")
    list_filter = ("type", "applied", "received_at")
    search_fields = ("webhook_id", "job__id", "job__video__id")
    ordering = ("-received_at",)
    fields = list_display
    readonly_fields = fields
