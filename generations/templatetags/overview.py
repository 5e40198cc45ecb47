"""The boards of the admin's first page, with the addresses of the lists that they count."""

from typing import Any

from django import template

from generations.queries import overview as boards
from genproj.kernel import staff

register = template.Library()


@register.simple_tag
def overview() -> list[dict[str, Any]]:
    """Every board, its figures with their addresses."""
    return [
        {
            "heading": board.heading,
            "figures": [
                {
                    "name": figure.name,
                    "value": figure.value,
                    "tone": figure.tone,
                    "address": staff.address(figure.page, **dict(figure.query))
                    if figure.page
                    else "",
                }
                for figure in board.figures
            ],
        }
        for board in boards.overview()
    ]


@register.filter
def span(moment: Any) -> Any:
    """How long ago, or in how long."""
    return staff.ago(moment)
