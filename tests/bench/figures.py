"""What a figure is, how it is printed, and how it is kept."""

import json
import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.load import median


@dataclass(frozen=True)
class Figure:
    """One line of the table. `held` is None where nothing is promised or nothing was measured."""

    name: str
    unit: str
    values: Sequence[float] = ()
    ceiling: float | None = None
    ceiling_name: str = ""
    ratio: float | None = None
    hold_to: str = ""
    held: bool | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """The median of the repetitions."""
        return median(self.values)


def figure(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    ceilings: Sequence[float] = (),
    ceiling_name: str = "",
    hold_to: str = "",
    holds: Callable[[float, float], bool] | None = None,
    note: str = "",
) -> Figure:
    """A figure from its repetitions. Ratios are taken pair by pair, since the machine's other work
    falls on both of a pair; `holds` is given the median and the median ratio."""
    pairs = list(zip(values, ceilings, strict=False))
    ratio = median(value / ceiling for value, ceiling in pairs) if pairs else None
    middle = median(values)
    return Figure(
        name=name,
        unit=unit,
        values=list(values),
        ceiling=median(ceilings) if ceilings else None,
        ceiling_name=ceiling_name,
        ratio=ratio,
        hold_to=hold_to,
        held=holds(middle, ratio if ratio is not None else float("nan")) if holds else None,
        note=note,
    )


def missing(name: str, why: str) -> Figure:
    """A figure that could not be taken."""
    return Figure(name=name, unit="", note=f"not measured: {why}")


def machine() -> str:
    """The line that says where the figures were taken."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load {load:.1f} at the start"
    )


def _number(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}"


def _cells(row: Figure) -> tuple[str, ...]:
    if not row.values:
        return (row.name, "–", "", "", "", "", row.note)
    spread = f"{_number(min(row.values))}–{_number(max(row.values))}"
    ceiling = f"{_number(row.ceiling)} {row.ceiling_name}" if row.ceiling is not None else ""
    held = {True: "held", False: "NOT HELD", None: ""}[row.held]
    return (
        row.name,
        f"{_number(row.value)} {row.unit}",
        spread if len(row.values) > 1 else "",
        ceiling,
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        f"{row.hold_to}  {held}".strip(),
        row.note,
    )


HEAD = ("figure", "median", "min–max", "ceiling", "ratio", "hold to", "note")


def table(rows: Sequence[Figure]) -> str:
    """The rows under their heads, in columns; notes below, so that lines stay short."""
    cells = [HEAD[:-1], *(_cells(row)[:-1] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(HEAD) - 1)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, "─" * (sum(widths) + 2 * len(widths)))
    notes = [f"  {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, "", *notes])


def _summary(row: Figure) -> dict[str, float | None]:
    """The median of a row's repetitions and how far they lie apart."""
    if not row.values:
        return {"value": None, "least": None, "most": None}
    return {"value": row.value, "least": min(row.values), "most": max(row.values)}


def keep(path: Path, rows: Sequence[Figure], *, machine_line: str, quick: bool) -> None:
    """Write the figures for whoever compares runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine_line,
        "quick": quick,
        "figures": [asdict(row) | _summary(row) for row in rows],
    }
    path.write_text(json.dumps(found, indent=1) + "\n")
