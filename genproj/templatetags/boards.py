"""The boards of the admin's first page, with the addresses of the lists that they count."""

from typing import Any

from django import template

from genproj import overview
from genproj.kernel import staff
from genproj.kernel.boards import Figure

register = template.Library()


@register.simple_tag
def boards() -> list[dict[str, Any]]:
    """Every board, its figures with their addresses and chips."""
    return [
        {"board": board, "figures": [_shown(figure) for figure in board.figures]}
        for board in overview.boards()
    ]


def _shown(figure: Figure) -> dict[str, Any]:
    return {
        "figure": figure,
        "address": staff.address(figure.page, **dict(figure.query)) if figure.page else "",
        "chip": staff.chip(*figure.chip) if figure.chip else "",
    }
