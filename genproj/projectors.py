"""TABLE: who turns what happens to entries into rows of an app, and at which stages.

The engine knows its own catalogue and, of the apps above it, only these names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

#: the stages of an entry, in the order in which they come true:
#:   submitted  the provider has accepted it
#:   progress   the provider named a higher percentage; owed again each time
#:   output     an output was stored or failed while the entry was open; owed again each time
#:   settled    it is complete
#:   late       an output was stored after that; owed again each time
#:   final      it is complete, and nothing more is awaited of the provider: with `settled`, unless
#:              it was cancelled after the provider had been told
STAGES = ("submitted", "progress", "output", "settled", "late", "final")
AGAIN = frozenset({"progress", "output", "late"})


@dataclass(frozen=True)
class Projector:
    """`runs`: stage -> dotted name of an operation that takes a list of entries and returns
    nothing; it is called inside a transaction, and raising means that the projection failed.

    `only` is the annotation that an entry must have for the projector to hear of it. `locks` is
    the dotted name of what locks the app's own rows, given the entries' ids, before the entries
    are locked.
    """

    runs: Mapping[str, str]
    only: str = ""
    locks: str = ""


PROJECTORS = {
    "catalogue": Projector(
        runs={
            "settled": "generations.operations.cataloguing.catalogue",
            "late": "generations.operations.cataloguing.catalogue",
        },
    ),
    "video": Projector(
        runs={
            "submitted": "videos.operations.rendering.note_submitted",
            "progress": "videos.operations.rendering.note_progress",
            "settled": "videos.operations.rendering.settle",
            "late": "videos.operations.rendering.note_late",
            "final": "videos.operations.rendering.close_money",
        },
        only="video",
        locks="videos.operations.rendering.lock_videos",
    ),
    "variant": Projector(
        runs={
            "submitted": "spaces.operations.settling.note_submitted",
            "settled": "spaces.operations.settling.settle",
            "late": "spaces.operations.settling.note_late",
        },
        only="variant",
        locks="spaces.operations.settling.lock_spaces",
    ),
}
