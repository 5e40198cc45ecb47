"""One row for each scenario, and every finding below."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.audit import Verdict
from tests.chaos.load import Wish

HEADS = (
    *("scenario", "seed", "faults", "started", "settled", "failed", "lost", "doubled", "stuck"),
    *("wrong", "mended in"),
)


@dataclass
class Row:
    """What came of one scenario."""

    name: str
    seed: int
    wishes: list[Wish]
    verdict: Verdict
    faults: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    grace: float = 0.0

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and not self.odd

    def cells(self) -> tuple[str, ...]:
        accepted = [wish for wish in self.wishes if wish.accepted]
        failed = sum(1 for wish in accepted if "failed" in wish.state or "partial" in wish.state)
        counts = (
            *(len(self.faults), len(accepted), sum(wish.settled for wish in accepted), failed),
            *(len(self.verdict.lost), len(self.verdict.doubled), len(self.verdict.stuck)),
            len(self.verdict.wrong) + len(self.odd),
        )
        return (self.name, str(self.seed), *map(str, counts), f"{self.grace:.0f} s")


def table(rows: Sequence[Row]) -> str:
    """All rows under their heads."""
    cells = [HEADS, *(row.cells() for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(HEADS))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines)


def findings(row: Row, *, most: int = 40) -> list[str]:
    """What is not as it should be, with the faults that were about."""
    if row.is_clean:
        return []
    found = [*row.verdict.lines(), *(f"odd: {line}" for line in row.odd)]
    more = [f"… and {len(found) - most} more"] if len(found) > most else []
    return [f"{row.name} {row.seed}", *found[:most], *more, f"faults: {'; '.join(row.faults)}"]
