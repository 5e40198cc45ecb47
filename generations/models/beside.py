"""What stands beside the catalogue: tags, stars, trash, uses, and the record of staff acts."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from generations.models.register import Output, RegisterEntry
from genproj.kernel.leases import Leased


class EntryTag(models.Model):
    """A word somebody put on a generation."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "entry"], name="entry_tag_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ArtifactTag(models.Model):
    """A word somebody put on a picture; it begins with its generation's words."""

    output = models.ForeignKey(Output, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "output"], name="artifact_tag_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Star(models.Model):
    """A picture somebody wants to find again."""

    output = models.OneToOneField(
        Output, primary_key=True, on_delete=models.CASCADE, related_name="star"
    )
    starred_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"star on {self.output_id}"


class Trash(Leased):
    """A generation (`output` null) or a single picture on its way out; due when it is purged."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="trashings")
    output = models.ForeignKey(
        Output, null=True, blank=True, on_delete=models.CASCADE, related_name="trashings"
    )
    trashed_at = models.DateTimeField()
    trashed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "trash"
        constraints = [
            models.UniqueConstraint(
                fields=["entry"], condition=Q(output__isnull=True), name="entry_trashed_once"
            ),
            models.UniqueConstraint(
                fields=["output"], condition=Q(output__isnull=False), name="output_trashed_once"
            ),
        ]
        indexes = [
            # for the claim of `generations.jobs.purge` and the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="trash_due"),
        ]

    def __str__(self) -> str:
        return f"trash {self.output_id or self.entry_id}"


class ArtifactUse(models.Model):
    """That something of an app's needs a picture: nobody's purge takes it, and whoever belongs to
    the audience may see it."""

    output = models.ForeignKey(Output, on_delete=models.CASCADE, related_name="uses")
    holder = models.CharField(max_length=80, help_text="What needs it, as `variant:ID`.")
    audience = models.CharField(max_length=80)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holder", "output"], name="use_once_per_holder"),
        ]

    def __str__(self) -> str:
        return f"{self.output_id} for {self.holder}"


class Act(models.Model):
    """What staff did to an entry: who, what, why. Never changed."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="acts")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    act = models.CharField(max_length=40)
    reason = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.act} by {self.actor_id}"
