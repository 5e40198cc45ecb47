"""Heartbeats, switches, breakers and idempotent answers."""

from django.db import models


class Heartbeat(models.Model):
    """A process that does work, and when it last showed itself."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-last_at"]

    def __str__(self) -> str:
        return self.name


class Switch(models.Model):
    """A pause or a drill that people turn on and off: `queue:all`."""

    name = models.CharField(max_length=120, unique=True)
    on = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True, default="")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "switches"
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {'on' if self.on else 'off'}"


class Breaker(models.Model):
    """What is known of something that is asked for answers: `provider:runware`, `storage`.

    Whether it is open is read off these facts; people may also keep it open or closed.
    """

    class Mode(models.TextChoices):
        AUTO = "auto", "by itself"
        OPEN = "open", "kept open"
        CLOSED = "closed", "kept closed"

    target = models.CharField(max_length=80, unique=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.AUTO)
    failures = models.PositiveIntegerField(default=0)  # in a row
    failed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    opened_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["target"]

    def __str__(self) -> str:
        return self.target


class IdempotentAnswer(models.Model):
    """The answer that a spending request got, so that its repetition gets the same one."""

    scope = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="answer_once_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
