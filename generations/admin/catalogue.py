"""The catalogue as galleries read it; looked at only."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generations.admin.states import short
from generations.models import Artifact, Generation
from genproj.kernel import staff

ENTRY = "generations_registerentry_change"


def all_fields(model: Any) -> tuple[str, ...]:
    """Every column of a table."""
    return tuple(field.name for field in model._meta.concrete_fields)


@admin.register(Generation)
class GenerationAdmin(staff.LookedAt):
    list_display = ("entry", "prompt_short", "model", "owner", "count", "created")
    list_filter = ("kind", "provider", "created_at")
    list_select_related = ("owner",)
    search_fields = ("prompt", "owner__username")
    ordering = ("-id",)
    sortable_by = ()
    actions = None
    fields = readonly_fields = ("entry", *all_fields(Generation))

    @admin.display(description="Register entry")
    def entry(self, row: Generation) -> SafeString | str:
        return staff.link(short(row.pk), ENTRY, row.pk)

    @admin.display(description="Prompt")
    def prompt_short(self, row: Generation) -> str:
        return row.prompt[:80] or "—"

    @admin.display(description="Artifacts")
    def count(self, row: Generation) -> str:
        return f"{row.artifact_count}/{row.expected_count}"

    @admin.display(description="Age")
    def created(self, row: Generation) -> SafeString | str:
        return staff.ago(row.created_at)


@admin.register(Artifact)
class ArtifactAdmin(staff.LookedAt):
    list_display = ("thumb", "entry", "index", "prompt_short", "model", "owner", "shape", "created")
    list_display_links = ("index",)
    list_filter = ("kind", "provider", "content_type", "late")
    list_select_related = ("owner",)
    search_fields = ("prompt", "owner__username", "sha256")
    ordering = ("-id",)
    sortable_by = ()
    actions = None
    fields = readonly_fields = ("thumb", "entry", *all_fields(Artifact))

    @admin.display(description="")
    def thumb(self, row: Artifact) -> SafeString:
        address = f"/media/{row.pk}/thumb"
        return format_html('<img class="thumb" src="{}" alt="" loading="lazy">', address)

    @admin.display(description="Register entry")
    def entry(self, row: Artifact) -> SafeString | str:
        return staff.link(short(row.generation_id), ENTRY, row.generation_id)

    @admin.display(description="Prompt")
    def prompt_short(self, row: Artifact) -> str:
        return row.prompt[:60] or "—"

    @admin.display(description="Size")
    def shape(self, row: Artifact) -> str:
        return f"{row.width} × {row.height}, {row.size:,} bytes"

    @admin.display(description="Age")
    def created(self, row: Artifact) -> SafeString | str:
        return staff.ago(row.created_at)
