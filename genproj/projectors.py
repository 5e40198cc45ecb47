"""TABLE: who turns settled entries into rows of an app, and at which stages.

The engine knows its own catalogue and, of the apps above it, only these names.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Projector:
    """`run` is the dotted name of an operation that takes a list of entries and returns nothing;
    it is called inside a transaction, and raising means that the projection failed."""

    run: str
    stages: frozenset[str]


PROJECTORS = {
    "catalogue": Projector(
        run="generations.operations.cataloguing.catalogue",
        stages=frozenset({"settled", "late"}),
    ),
}
