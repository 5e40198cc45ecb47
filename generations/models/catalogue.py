"""The catalogue: what lists and galleries query. Immutable but for a late success."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from generations.models.words import KINDS, money


class Generation(models.Model):
    """The catalogue's row of a settled entry; immutable but for a late success."""

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=KINDS)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    input = models.JSONField()
    audience = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    prompt = models.TextField(blank=True, default="")
    expected_count = models.PositiveSmallIntegerField()
    artifact_count = models.PositiveSmallIntegerField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["audience", "-created_at", "-id"], name="generation_of_audience"),
            models.Index(fields=["-created_at", "-id"], name="generation_newest"),
            models.Index(
                fields=["audience", "model", "-created_at", "-id"], name="generation_by_model"
            ),
            models.Index(
                fields=["audience", "kind", "-created_at", "-id"], name="generation_by_kind"
            ),
            models.Index(
                fields=["audience", "-created_at", "-id"],
                condition=Q(cancelled_at__isnull=False),
                name="generation_cancelled",
            ),
            models.Index(
                fields=["audience", "-created_at", "-id"],
                condition=Q(artifact_count__gt=0, artifact_count__lt=F("expected_count")),
                name="generation_partial",
            ),
            # "show me failures", the founding schema's question
            models.Index(
                fields=["audience", "-created_at", "-id"],
                condition=Q(artifact_count=0),
                name="generation_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.model}"


class Artifact(models.Model):
    """The catalogue's row of a stored output, under the output's own id; immutable."""

    id = models.UUIDField(primary_key=True, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="artifacts")
    index = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=KINDS)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    audience = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    prompt = models.TextField(blank=True, default="")
    storage_key = models.CharField(max_length=300)
    content_type = models.CharField(max_length=80)
    seed = models.DecimalField(max_digits=20, decimal_places=0, null=True, blank=True)
    cost = money(null=True, blank=True)
    metadata = models.JSONField(default=dict)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    duration = models.FloatField(null=True, blank=True)
    late = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["generation", "index"], name="artifact_once_per_position"
            ),
        ]
        indexes = [
            models.Index(fields=["audience", "-created_at", "-id"], name="artifact_of_audience"),
            models.Index(fields=["-created_at", "-id"], name="artifact_newest"),
            models.Index(
                fields=["audience", "model", "-created_at", "-id"], name="artifact_by_model"
            ),
            models.Index(
                fields=["audience", "kind", "-created_at", "-id"], name="artifact_by_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.content_type}"
