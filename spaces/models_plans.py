"""What the assistant plans: calls of its tools, one after the other."""

from typing import Any

from django.conf import settings
from django.db import models

from genproj.assistant.models import Conversation
from spaces.states import PLAN, STEP


def _person() -> Any:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )


class Plan(models.Model):
    """Steps that people start, pause and stop. `note` is why it does not go on by itself."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey("spaces.Space", on_delete=models.CASCADE, related_name="plans")
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=PLAN.choices)
    note = models.CharField(max_length=300, blank=True, default="")
    ceiling = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    spent = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    auto_advance = models.BooleanField(default=False)
    requested_by = _person()
    started_by = _person()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["space", "created_at"], name="plan_in_space")]

    def __str__(self) -> str:
        return self.title


class PlanStep(models.Model):
    """One call of a plan; `approval` is its newest attempt."""

    id = models.UUIDField(primary_key=True, editable=False)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200, blank=True, default="")
    tool = models.CharField(max_length=40)
    arguments = models.JSONField(default=dict)
    cost = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    status = models.CharField(max_length=10, choices=STEP.choices)
    approval = models.UUIDField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="step_once_per_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.tool} {self.status}"
