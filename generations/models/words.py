"""Columns that several tables share."""

from typing import Any

from django.db import models

from generations.states import Kind

KINDS = [(kind.value, kind.value) for kind in Kind]


def money(**options: object) -> "models.DecimalField[Any, Any]":
    """An amount in US dollars."""
    return models.DecimalField(max_digits=14, decimal_places=6, **options)  # type: ignore[arg-type]
