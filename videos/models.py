"""Videos, the jobs that render them, and the workers that take jobs."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from genproj.assistant.models import Conversation, Message
from genproj.kernel.leases import Leased
from videos.states import MAX_ATTEMPTS, VIDEO


def money(**options: Any) -> "models.DecimalField[Any, Any]":
    """An amount in US dollars."""
    return models.DecimalField(max_digits=14, decimal_places=6, **options)


class Video(models.Model):
    """A wish on its way to a film. The film itself is the engine's entry `generation`."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    audience = models.CharField(max_length=80)
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(max_length=24, choices=VIDEO.choices)
    prompt = models.TextField()
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    parameters = models.JSONField(default=dict)
    clarification_questions = models.JSONField(null=True, blank=True)
    clarification_responses = models.JSONField(default=dict)
    asked_by = models.CharField(
        max_length=20, blank=True, default="", help_text="`model` or `heuristic`."
    )
    told_summary = models.JSONField(
        null=True, blank=True, help_text="What was last put before the owner to confirm."
    )
    changes = models.JSONField(
        default=list, help_text="What differs from the summary before: {field, before, now}."
    )
    estimate_cost = money(null=True, blank=True)
    estimate_seconds = models.FloatField(null=True, blank=True)
    priority = models.PositiveSmallIntegerField(default=5)
    confirmations = models.PositiveSmallIntegerField(
        default=0, help_text="How often it was confirmed or retried; names the hold."
    )
    generation = models.UUIDField(
        null=True, blank=True, db_index=True, help_text="The entry of the newest attempt."
    )
    error = models.JSONField(null=True, blank=True)
    error_history = models.JSONField(default=list)
    request_id = models.CharField(max_length=80, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    trashed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            # for the list of one person's videos
            models.Index(fields=["audience", "-created_at", "-id"], name="video_by_audience"),
            # for the list of a conversation's videos
            models.Index(fields=["conversation", "-created_at"], name="video_by_conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Worker(models.Model):
    """Somebody who takes jobs: a machine that registered, or this installation's own workers."""

    id = models.CharField(max_length=60, primary_key=True)
    name = models.CharField(max_length=120)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    secret = models.TextField(blank=True, default="", help_text="Sealed; signs its reports.")
    registered_at = models.DateTimeField()
    last_heartbeat_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_heartbeat_at", "id"]

    def __str__(self) -> str:
        return self.name or self.id


class Job(Leased):
    """One confirmed wish in the queue. `attempts` counts its claims and is the attempt's number.

    `due_at` null: rendered by the engine, or finished. A worker on another machine holds a lease;
    when that lapses the job is due again.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="jobs")
    priority = models.PositiveSmallIntegerField(default=5)
    created_at = models.DateTimeField()
    to_front_at = models.DateTimeField(null=True, blank=True)
    worker = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    progress = models.PositiveSmallIntegerField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["video"],
                condition=Q(finished_at__isnull=True),
                name="one_open_job_per_video",
            ),
        ]
        indexes = [
            # for the claim of `videos.jobs.run_queue` and the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="job_due"),
            # for the queue's page, positions and slots
            models.Index(
                fields=["priority", "created_at"],
                condition=Q(finished_at__isnull=True),
                name="job_open",
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.id} of {self.video_id}"


class Attempt(models.Model):
    """One try of a job: who took it, which entry it opened, how it ended."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=60)
    generation = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, default="")
    error = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["job", "number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_once_per_number"),
            models.CheckConstraint(name="attempts_are_few", condition=Q(number__lte=MAX_ATTEMPTS)),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"


class Report(models.Model):
    """A signed report of a worker, by its webhook id; a repeated one is known by it."""

    webhook_id = models.CharField(max_length=120, primary_key=True)
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="reports")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="reports")
    attempt = models.PositiveSmallIntegerField()
    type = models.CharField(max_length=40)
    applied = models.BooleanField()
    received_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.webhook_id


class Step(models.Model):
    """Something that happened to a video, for its timeline."""

    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.video_id}"
