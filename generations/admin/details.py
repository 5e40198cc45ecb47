"""The parts of an entry's page: outputs, steps, deliveries, projections, errors, acts."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generations import queries
from generations.admin.states import projection_chip
from generations.models import Output, RegisterEntry
from genproj.kernel import staff
from genproj.webhooks.models import Receipt

MOST = 200


def details_of(entry: RegisterEntry, *, viewer: User) -> list[tuple[str, SafeString | str]]:
    """Headings and what stands under them."""
    if entry.purged_at:
        return [("Purged", "What it held is gone; the row stays so that late results are known.")]
    return [
        ("Outputs", _outputs(entry)),
        ("Errors", _errors(entry)),
        ("Projections", _projections(entry)),
        ("Timeline", _timeline(entry, viewer)),
        ("Deliveries", _receipts(entry)),
        ("Acts of staff", _acts(entry)),
    ]


def _outputs(entry: RegisterEntry) -> SafeString | str:
    rows = entry.outputs.select_related("preview")[:MOST]
    return staff.table(
        ["", "Slot", "Kept", "Size", "SHA-256", "Attempts", "Error", "As it came"],
        [
            (
                _thumb(row),
                "—" if row.index is None else row.index + 1,
                row.storage_key or staff.NOTHING,
                _size(row),
                format_html('<code title="{}">{}</code>', row.sha256, row.sha256[:12]),
                f"{row.attempts} ({row.failures} failed)",
                _folded("Error", [*row.error_history, *([row.error] if row.error else [])]),
                _folded("Raw", row.raw),
            )
            for row in rows
        ],
        empty="Nothing has come.",
    )


def _thumb(row: Output) -> SafeString | str:
    if row.stored_at is None:
        return staff.chip("Failed", "failed", "failed") if row.error else staff.chip("Waiting")
    words = f"Output {(row.index or 0) + 1}" + (", late" if row.late else "")
    return format_html(
        '<a href="/media/{0}/original"><img src="/media/{0}/thumb" alt="{1}" loading="lazy"></a>',
        row.pk,
        words,
    )


def _size(row: Output) -> str:
    if row.size is None:
        return staff.NOTHING
    return f"{row.width} × {row.height}, {row.size:,} bytes, {row.content_type}"


def _folded(word: str, value: Any) -> SafeString | str:
    if not value:
        return staff.NOTHING
    return format_html("<details><summary>{}</summary>{}</details>", word, staff.pretty(value))


def _errors(entry: RegisterEntry) -> SafeString | str:
    if not entry.error and not entry.error_history:
        return "None."
    return format_html(
        "<h4>Now</h4>{}<h4>Before</h4>{}",
        staff.pretty(entry.error),
        staff.pretty(entry.error_history),
    )


def _projections(entry: RegisterEntry) -> SafeString | str:
    return staff.table(
        ["Projector", "Stage", "State", "Attempts", "Cause"],
        [
            (
                staff.link(row.projector, "generations_projection_change", row.pk),
                row.stage,
                projection_chip(row),
                row.attempts,
                _folded("Cause", row.cause),
            )
            for row in entry.projections.order_by("created_at")
        ],
        empty="None is due before it settles.",
    )


def _timeline(entry: RegisterEntry, viewer: User) -> SafeString | str:
    return staff.table(
        ["When", "After", "What", "Who", "Details"],
        [
            (
                f"{step.at:%d %b %H:%M:%S.%f}"[:-3],
                "" if step.seconds is None else f"+{step.seconds:.3f} s",
                staff.chip(step.title, "failed" if step.failed else "", ""),
                step.actor,
                _folded("Details", step.detail),
            )
            for step in queries.timeline(viewer=viewer, id=entry.pk)
        ],
        empty="Nothing has happened.",
    )


def _receipts(entry: RegisterEntry) -> SafeString | str:
    rows = Receipt.objects.filter(subject=str(entry.pk)).order_by("received_at")[:MOST]
    return staff.table(
        ["Received", "Outcome", "Bytes", "Attempts"],
        [
            (
                staff.link(f"{row.received_at:%d %b %H:%M:%S}", "webhooks_receipt_change", row.pk),
                row.outcome or "waiting",
                len(row.body),
                row.attempts,
            )
            for row in rows
        ],
        empty="The provider has not called back.",
    )


def _acts(entry: RegisterEntry) -> SafeString | str:
    return staff.table(
        ["When", "Who", "What", "Why"],
        [
            (f"{act.at:%d %b %H:%M:%S}", act.actor or "command line", act.act, act.reason)
            for act in entry.acts.select_related("actor")
        ],
        empty="None.",
    )
