"""Words of the admin's pages about work."""

from typing import Any

from django import template

from genproj.kernel import staff

register = template.Library()


@register.filter
def span(moment: Any) -> Any:
    """How long ago, or in how long."""
    return staff.ago(moment)
