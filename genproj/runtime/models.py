"""Heartbeats, switches and idempotent answers."""

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
    """A pause, a breaker or a drill that people turn on and off: `provider:runware`."""

    name = models.CharField(max_length=120, unique=True)
    on = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True, default="")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "switches"
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {'on' if self.on else 'off'}"


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
