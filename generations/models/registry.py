"""The registry of models that providers serve."""

from django.db import models

from generations.models.words import KINDS, money


class ProviderModel(models.Model):
    """A model that a provider serves: a row, because providers retire them every few months."""

    id = models.CharField(max_length=120, primary_key=True)
    provider = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=KINDS)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True, default="")
    parameters = models.JSONField(default=dict, help_text="JSON schema of `parameters`.")
    sizes = models.JSONField(
        default=dict, help_text="{min, max, multiple, presets: [[w, h]], default: [w, h]}"
    )
    max_count = models.PositiveSmallIntegerField(default=10)
    max_references = models.PositiveSmallIntegerField(default=0)
    price = money(null=True, blank=True, help_text="US dollars per unit; empty: unknown.")
    price_unit = models.CharField(
        max_length=10, choices=[("output", "output"), ("second", "second")], default="output"
    )
    sunset_at = models.DateTimeField(null=True, blank=True)
    replacement = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
