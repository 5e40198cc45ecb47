"""Icons, and how figures and states are put into words on a page."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from genproj.kernel.clock import now

register = template.Library()

#: state -> (word, tone, icon); a pending one is told by its phase instead
STATES = {
    "completed": ("Done", "done", "check"),
    "partial": ("Partial", "partial", "partial"),
    "failed": ("Failed", "failed", "failed"),
    "cancelled": ("Cancelled", "", "slash"),
    "pending": ("Waiting", "", "clock"),
}
PHASES = {
    "queued": ("Queued", "", "clock"),
    "sending": ("Sending", "running", "running"),
    "rendering": ("Rendering", "running", "running"),
    "fetching": ("Fetching", "running", "running"),
    "ready": ("Ready", "done", "check"),
}


@register.simple_tag
def icon(name: str, kind: str = "icon") -> SafeString:
    """One symbol of the sprite, hidden from screen readers: a word always stands beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        kind,
        static("genproj/icons.svg"),
        name,
    )


@register.inclusion_tag("partials/state.html")
def state_chip(generation: Any) -> dict[str, str]:
    """The one chip that tells a generation's state."""
    table, key = STATES, generation.state
    if generation.state == "pending":
        table, key = PHASES, generation.phase
    word, tone, symbol = table.get(key, (key, "", "clock"))
    return {"word": word, "tone": tone, "icon_name": symbol}


@register.inclusion_tag("partials/problem.html")
def problem(explanation: Any, tone: str = "failed") -> dict[str, Any]:
    """What went wrong, in plain words."""
    return {"told": explanation, "tone": tone}


@register.filter
def phase_word(phase: str) -> str:
    """A phase as a word."""
    return PHASES.get(phase, (phase, "", ""))[0]


@register.filter
def span(seconds: float | None) -> str:
    """A length of time: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@register.filter
def until(begin: datetime | None, end: datetime | None) -> str:
    """How long it was from one moment to the other."""
    return span((end - begin).total_seconds()) if begin and end else ""


@register.filter
def usual(pair: tuple[float, float] | None) -> str:
    """The usual time: `usually 4–9 s`."""
    if not pair:
        return ""
    low, high = max(1, round(pair[0])), max(1, round(pair[1]))
    return f"usually {low} s" if low == high else f"usually {low}–{high} s"


@register.filter
def money(amount: Decimal | float | None) -> str:
    """An amount of dollars, never rounded to nothing."""
    if amount is None:
        return ""
    text = f"{Decimal(amount):.6f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.ljust(2, '0')} USD"


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """A moment as its age; the exact time stands in the title."""
    if moment is None:
        return "never"
    seconds = (now() - moment).total_seconds()
    return format_html(
        '<time datetime="{0}" data-age title="{1} UTC">{2}</time>',
        moment.isoformat(),
        moment.strftime("%-d %b %Y, %H:%M:%S"),
        age(seconds),
    )


def age(seconds: float) -> str:
    """An age as a person says it; time.js says the same."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now" if seconds < 10 else f"{int(seconds)} s ago"


@register.simple_tag
def elapsed(begin: datetime, end: datetime | None = None) -> SafeString:
    """How long something has taken; counts on while it is not over."""
    if end:
        return format_html("<span>{}</span>", until(begin, end))
    return format_html(
        '<time datetime="{0}" data-since>{1}</time>',
        begin.isoformat(),
        f"{int((now() - begin).total_seconds())} s",
    )


@register.simple_tag(takes_context=True)
def here(context: Any, **changes: Any) -> str:
    """This page's address with some parameters changed; an empty value removes one."""
    query = context["request"].GET.copy()
    for name in ("part", "cursor", *changes):
        query.pop(name, None)
    for name, value in changes.items():
        if value not in (None, ""):
            query[name] = value
    return "?" + urlencode(list(query.items()))


@register.simple_tag(takes_context=True)
def current(context: Any, *names: str) -> SafeString | str:
    """`aria-current` when this page is one of those."""
    match = context["request"].resolver_match
    found = match is not None and match.url_name in names
    return format_html('{}="page"', "aria-current") if found else ""


@register.filter
def shortened(text: str, length: int = 80) -> str:
    """The beginning of a prompt."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


@register.filter
def named(id: str, names: dict[str, str]) -> str:
    """What something is called; its id where it has no name."""
    return names.get(id, id)


@register.filter
def as_json(value: Any) -> str:
    """A payload as it would go over the wire, for reading."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


@register.filter
def many(count: int, noun: str) -> str:
    """`1 picture`, `4 pictures`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
