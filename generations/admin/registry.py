"""The registry of models: the one table that staff edit by hand."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from generations import providers
from generations.models import ProviderModel
from genproj.kernel import staff
from genproj.kernel.clock import now

#: how long before its end a model is marked as retiring
WARNED = timedelta(days=90)
SIZES = {
    "type": "object",
    "required": ["min", "max", "multiple", "default"],
    "properties": {
        "min": {"type": "integer", "minimum": 1},
        "max": {"type": "integer", "minimum": 1},
        "multiple": {"type": "integer", "minimum": 1},
        "default": {"$ref": "#/$defs/size"},
        "presets": {"type": "array", "items": {"$ref": "#/$defs/size"}},
    },
    "additionalProperties": False,
    "$defs": {
        "size": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 2,
            "maxItems": 2,
        }
    },
}


class ProviderModelForm(forms.ModelForm):
    """Refuses what would make requests fail later."""

    class Meta:
        model = ProviderModel
        fields = (
            *("id", "name", "description", "provider", "kind", "enabled", "position"),
            *("price", "max_count", "max_references", "sizes", "parameters"),
            *("sunset_at", "replacement"),
        )
        widgets = {
            "sizes": forms.Textarea(attrs={"rows": 8, "cols": 80, "class": "json"}),
            "parameters": forms.Textarea(attrs={"rows": 16, "cols": 80, "class": "json"}),
            "description": forms.Textarea(attrs={"rows": 2, "cols": 80}),
        }

    def clean_provider(self) -> str:
        name: str = self.cleaned_data["provider"]
        if name not in providers.PROVIDERS:
            known = ", ".join(providers.PROVIDERS)
            raise ValidationError(f"There is no such provider here; known: {known}.")
        return name

    def clean_price(self) -> Any:
        price = self.cleaned_data["price"]
        if price is not None and price < 0:
            raise ValidationError("A price is not negative.")
        return price

    def clean_parameters(self) -> Any:
        schema = self.cleaned_data["parameters"]
        if not isinstance(schema, dict) or schema.get("type", "object") != "object":
            raise ValidationError("This must be the JSON schema of an object.")
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as problem:
            where = "/".join(str(part) for part in problem.absolute_path)
            raise ValidationError(f"Not a JSON schema: {where}: {problem.message}") from problem
        return schema

    def clean_sizes(self) -> Any:
        sizes = self.cleaned_data["sizes"]
        for problem in Draft202012Validator(SIZES).iter_errors(sizes):
            where = "/".join(str(part) for part in problem.absolute_path)
            raise ValidationError(f"{where}: {problem.message}" if where else problem.message)
        sides = [side for size in [sizes["default"], *sizes.get("presets", [])] for side in size]
        for side in sides:
            if not sizes["min"] <= side <= sizes["max"] or side % sizes["multiple"]:
                raise ValidationError(
                    f"{side} does not fit: from {sizes['min']} to {sizes['max']}, "
                    f"a multiple of {sizes['multiple']}."
                )
        return sizes

    def clean(self) -> Any:
        given = super().clean() or {}
        replacement = given.get("replacement")
        if replacement is not None and replacement.pk == self.instance.pk:
            self.add_error("replacement", "A model cannot replace itself.")
        return given


@admin.register(ProviderModel)
class ProviderModelAdmin(admin.ModelAdmin):
    form = ProviderModelForm
    list_display = ("name", "id", "provider", "kind", "price", "state", "replacement", "enabled")
    list_filter = ("enabled", "provider", "kind", ("sunset_at", admin.EmptyFieldListFilter))
    list_select_related = ("replacement",)
    list_editable = ("price", "enabled")
    search_fields = ("id", "name", "description")
    actions = None

    def get_changelist_form(self, request: HttpRequest, **options: Any) -> Any:
        # in the list only two columns are edited; the form of the page checks the others
        return forms.ModelForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # entries name their model for ever; it is disabled instead

    @admin.display(description="State", ordering="sunset_at")
    def state(self, row: ProviderModel) -> SafeString:
        if row.sunset_at and row.sunset_at <= now():
            return staff.chip(f"Retired {row.sunset_at:%d %b %Y}", "failed", "failed")
        if row.sunset_at and row.sunset_at - now() < WARNED:
            return staff.chip(f"Retiring {row.sunset_at:%d %b %Y}", "partial", "clock")
        if not row.enabled:
            return staff.chip("Disabled", "", "slash")
        if row.price is None:
            return staff.chip("No price", "partial", "partial")
        return staff.chip("In use", "done", "check")
