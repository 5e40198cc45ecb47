"""Notices."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Notice(models.Model):
    """A line for one person: what happened, and where to look. `kind` is the event's name."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    url = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="notice_by_owner"),
            # for the count at the bell
            models.Index(fields=["owner"], condition=Q(read_at__isnull=True), name="notice_unread"),
            # for the sweep that forgets what was read long ago
            models.Index(
                fields=["read_at"], condition=Q(read_at__isnull=False), name="notice_read"
            ),
        ]

    def __str__(self) -> str:
        return self.title
