"""Takes the money of people who leave with everything that was theirs out of the ledger."""

from collections.abc import Collection

from genproj.kernel import rows
from genproj.usage.models import ExportedLine, LedgerLine


@rows.atomically
def forget_everything_of(*, owner_ids: Collection[int]) -> int:
    """Delete these people's lines. Returns how many. Not to be undone, and safe to repeat."""
    lines = LedgerLine.objects.filter(owner_id__in=owner_ids)
    ExportedLine.objects.filter(line__in=lines).delete()
    closed = lines.filter(closes__isnull=False).delete()[0]
    return closed + lines.delete()[0]
