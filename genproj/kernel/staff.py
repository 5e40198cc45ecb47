"""What the admin pages of all apps share: looking without changing, acts in words, chips."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid, Refusal

NOTHING = "—"


class LookedAt(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that staff look at and act on through operations, but never add, edit or delete."""

    change_list_template = "admin/live_change_list.html"
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may act on these rows: staff who may change them as far as Django is concerned."""
        name = f"{self.opts.app_label}.change_{self.opts.model_name}"
        return bool(request.user.has_perm(name))


def say(
    request: HttpRequest, outcomes: Iterable[Refusal | None], *, done: str, nothing: str
) -> None:
    """Tell what became of each row of an act: how many were `done`, and each refusal once."""
    listed = list(outcomes)
    count = sum(1 for outcome in listed if outcome is None)
    refused: dict[str, int] = {}
    for outcome in listed:
        if outcome is not None:
            refused[outcome.detail] = refused.get(outcome.detail, 0) + 1
    if count:
        messages.success(request, f"{count} {done}.")
    for detail, times in refused.items():
        messages.warning(request, f"{times} refused: {detail}")
    if not listed:
        messages.info(request, nothing)


def attempted(act: Callable[[], object]) -> Refusal | None:
    """Carry out an act; a refusal is given back instead of raised."""
    try:
        act()
    except Invalid as refusal:
        refusal.detail = "; ".join(row["detail"] for row in refusal.errors)
        return refusal
    except Refusal as refusal:
        return refusal
    return None


def each(
    request: HttpRequest,
    ids: Iterable[object],
    act: Callable[..., object],
    *,
    named: str,
    done: str,
) -> None:
    """Have staff act on each of these, which the act takes as `named`, and tell what became."""
    outcomes = [attempted(partial(act, actor=request.user, **{named: id})) for id in ids]
    say(request, outcomes, done=done, nothing="Nothing was selected.")


def chip(word: str, tone: str = "", symbol: str = "") -> SafeString:
    """A state as a word, a colour and a symbol."""
    mark = SafeString("")
    if symbol:
        address = static("genproj/icons.svg")
        mark = format_html(
            '<svg class="icon" width="13" height="13" aria-hidden="true"><use href="{}#{}"/></svg>',
            address,
            symbol,
        )
    return format_html('<span class="chip" data-tone="{}">{}{}</span>', tone, mark, word)


def pretty(value: Any) -> SafeString | str:
    """A JSON value as staff read it."""
    if value in (None, {}, [], ""):
        return NOTHING
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="json">{}</pre>', text)


def body_shown(body: bytes) -> SafeString:
    """A delivery's bytes: as JSON where they are, and as they came."""
    try:
        readable: SafeString | str = pretty(json.loads(body))
    except ValueError:
        readable = "Not JSON."
    return format_html(
        "{}<details><summary>{} bytes as they came</summary><pre>{}</pre></details>",
        readable,
        len(body),
        body[:100_000].decode("utf-8", "backslashreplace"),
    )


def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, or in how long; the exact time stands in the title."""
    if moment is None:
        return NOTHING
    seconds = (now() - moment).total_seconds()
    words = roughly(abs(seconds))
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(),
        moment.strftime("%-d %b %Y, %H:%M:%S"),
        f"{words} ago" if seconds >= 0 else f"in {words}",
    )


def roughly(seconds: float) -> str:
    """A length of time in its largest unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def when(name: str, words: str = "") -> Callable[[Any], SafeString | str]:
    """A read-only field: the moment of that name, to the second, and how long ago it was."""

    @admin.display(description=words or name.replace("_", " ").capitalize())
    def shown(row: Any) -> SafeString | str:
        at: datetime | None = getattr(row, name)
        if at is None:
            return NOTHING
        return format_html("{} UTC <small>({})</small>", f"{at:%d %b %Y %H:%M:%S.%f}"[:-3], ago(at))

    return shown


def moment(text: str) -> datetime:
    """A moment as errors hold it."""
    return datetime.fromisoformat(text)


def span(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def address(page: str, *args: Any, **query: Any) -> str:
    """The address of an admin page (`webhooks_receipt_changelist`); empty if there is none."""
    try:
        path = reverse(f"admin:{page}", args=args)
    except NoReverseMatch:
        return ""
    return f"{path}?{urlencode(query)}" if query else path


def link(text: str, page: str, *args: Any, **query: Any) -> SafeString | str:
    """A link to an admin page; the bare text where there is none."""
    target = address(page, *args, **query)
    return format_html('<a href="{}">{}</a>', target, text) if target else text


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> SafeString | str:
    """A small table within a page."""
    lines = [(format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows]
    if not lines:
        return empty
    return format_html(
        '<table class="inner"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        format_html_join("", "<th>{}</th>", ((word,) for word in head)),
        format_html_join("", "<tr>{}</tr>", lines),
    )
