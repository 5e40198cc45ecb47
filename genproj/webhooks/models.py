"""Receipts: deliveries as they came. Endpoints, and what we deliver to them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from genproj.kernel.leases import Leased


class Receipt(Leased):
    """One delivery, byte for byte. `applied_at` null: nobody has read it yet."""

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.CharField(max_length=40)
    subject = models.CharField(max_length=80, db_index=True)
    delivery_id = models.CharField(max_length=64)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    received_at = models.DateTimeField(db_index=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["source", "delivery_id"], name="receipt_once"),
        ]
        indexes = [
            # for the claim of `generations.jobs.apply_receipts` and the clock's look
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="receipt_unapplied"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.subject} {self.received_at:%H:%M:%S}"


class Endpoint(models.Model):
    """An address of somebody's that is told what happens. It is shown with no secret."""

    class Reason(models.TextChoices):
        """Why nothing is sent there."""

        OWNER = "owner", "switched off"
        GONE = "gone", "the receiver answered 410 Gone"
        FAILING = "failing", "nothing got through for five days"

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    audience = models.CharField(max_length=80, db_index=True)
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True, default="")
    types = models.JSONField(default=list, blank=True, help_text="Empty: everything.")
    conversation = models.UUIDField(
        null=True, blank=True, help_text="Only what belongs to this conversation."
    )
    secret = models.TextField(help_text="Sealed.")
    previous_secret = models.TextField(blank=True, default="", help_text="Sealed.")
    previous_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(
        max_length=20, choices=Reason.choices, blank=True, default=""
    )
    disabled_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="The first failure after the last success."
    )
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(enabled=True, disabled_reason="", disabled_at=None)
                | Q(enabled=False, disabled_at__isnull=False),
                name="endpoint_disabled_says_when",
            ),
        ]
        indexes = [
            # for the list of one person's endpoints
            models.Index(fields=["owner", "-created_at", "-id"], name="endpoint_by_owner"),
        ]

    def __str__(self) -> str:
        return self.url


class Delivery(Leased):
    """One event owed to one endpoint. Neither delivered nor dead nor due: held, because the
    endpoint is disabled. `failures` is the place in the schedule of repetitions."""

    id = models.UUIDField(primary_key=True, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=40, help_text="The `webhook-id` of every attempt.")
    type = models.CharField(max_length=60)
    body = models.BinaryField(help_text="Exactly what is sent.")
    created_at = models.DateTimeField(db_index=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(delivered_at=None) | Q(dead_at=None), name="delivery_not_both"
            ),
        ]
        indexes = [
            # for the claim of `genproj.webhooks.jobs.deliver`: the first due one of each endpoint
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(due_at__isnull=False),
                name="delivery_due_by_endpoint",
            ),
            # for the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="delivery_due"),
            # for the count of those that nobody tries any more
            models.Index(
                fields=["dead_at"], condition=Q(dead_at__isnull=False), name="delivery_dead"
            ),
            # for the list of an endpoint's deliveries
            models.Index(fields=["endpoint", "-created_at", "-id"], name="delivery_by_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.type}"


class Attempt(models.Model):
    """One time that a delivery was sent, and what came of it."""

    id = models.UUIDField(primary_key=True, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField(help_text="Of the claim: a gap is a lost worker.")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(default=0, help_text="0: no answer.")
    latency_ms = models.PositiveIntegerField(default=0)
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True, default="", help_text="Its first 4 kB.")
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_once"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"
