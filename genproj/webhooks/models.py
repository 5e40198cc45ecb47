"""Receipts: deliveries as they came."""

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
