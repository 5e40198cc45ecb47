"""Assets, variants and their lineage, to be looked at."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from genproj.kernel import staff
from spaces.models import Asset, Lineage, Variant

#: status -> (word, tone, symbol), as on the pages of everybody
STATES = {
    "pending": ("Pending", "", "clock"),
    "processing": ("Processing", "running", "running"),
    "uploading": ("Uploading", "running", "running"),
    "completed": ("Done", "done", "check"),
    "failed": ("Failed", "failed", "failed"),
}


@admin.register(Asset)
class AssetAdmin(staff.LookedAt):
    list_display = ("name", "asset_type", "space", "parent", "created_by", "created_at")
    list_filter = ("asset_type", "created_at")
    list_select_related = ("space", "parent", "created_by")
    ordering = ("-created_at",)
    search_fields = ("name", "id", "space__name", "space__id")
    readonly_fields = fields = (
        *("name", "asset_type", "space", "parent", "tags", "active_variant", "variants_shown"),
        *("created_by", "created_at", "updated_at", "version"),
    )

    @admin.display(description="Variants")
    def variants_shown(self, asset: Asset) -> SafeString | str:
        rows = [
            (
                staff.link(f"…{str(row.pk)[-8:]}", "spaces_variant_change", row.pk),
                staff.chip(*STATES[row.status]),
                row.label or staff.NOTHING,
                staff.ago(row.created_at),
            )
            for row in asset.variants.all()[:200]
        ]
        return staff.table(("Variant", "State", "Label", "Age"), rows, empty="None yet.")


@admin.register(Variant)
class VariantAdmin(staff.LookedAt):
    list_display = ("short_id", "state", "asset", "space", "attempt", "error_code", "created_at")
    list_filter = ("status", "rating", "starred", "created_at")
    list_select_related = ("asset", "space")
    ordering = ("-created_at",)
    search_fields = ("id", "asset__name", "space__id", "generation", "artifact")
    search_help_text = "Search by asset or any id"
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    *("id", "state", "asset", "space", "label", "position", "attempt"),
                    *("generation_shown", "artifact", "batch", "description"),
                )
            },
        ),
        ("Judged", {"fields": ("starred", "rating", "comment", "rated_by")}),
        ("Recipe", {"fields": ("recipe_shown", "error_shown")}),
        (
            "Moments",
            {
                "fields": (
                    *(staff.when(name) for name in ("created_at", "updated_at")),
                    *("created_by", "version"),
                )
            },
        ),
    )
    readonly_fields = tuple(name for _, part in fieldsets for name in part["fields"])

    @admin.display(description="Variant")
    def short_id(self, variant: Variant) -> str:
        return f"…{str(variant.pk)[-8:]}"

    @admin.display(description="State", ordering="status")
    def state(self, variant: Variant) -> SafeString:
        return staff.chip(*STATES[variant.status])

    @admin.display(description="Error")
    def error_code(self, variant: Variant) -> str:
        return variant.error["code"] if variant.error else staff.NOTHING

    @admin.display(description="Generation")
    def generation_shown(self, variant: Variant) -> SafeString | str:
        if variant.generation is None:
            return staff.NOTHING
        name = "generations_registerentry_change"
        return staff.link(str(variant.generation), name, variant.generation)

    @admin.display(description="Recipe")
    def recipe_shown(self, variant: Variant) -> SafeString | str:
        return staff.pretty(variant.recipe)

    @admin.display(description="Error")
    def error_shown(self, variant: Variant) -> SafeString | str:
        return staff.pretty(variant.error)


@admin.register(Lineage)
class LineageAdmin(staff.LookedAt):
    list_display = ("child_name", "relation", "parent_name", "space", "created_at", "severed_at")
    list_filter = ("relation", ("severed_at", admin.EmptyFieldListFilter))
    list_select_related = ("space",)
    ordering = ("-created_at",)
    search_fields = ("parent_variant", "child_variant", "parent_name", "child_name", "space__id")
    readonly_fields = fields = (
        *("space", "relation", "parent_name", "parent_variant", "child_name", "child_variant"),
        *("created_at", "severed_at", "severed_by"),
    )
