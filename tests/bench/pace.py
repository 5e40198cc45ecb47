"""How long and how often each figure is taken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Seconds and counts of one run."""

    warm_up: float = 1.0
    seconds: float = 2.0
    repetitions: int = 5
    #: of four pictures each, for the rows that work through a heap
    generations: int = 500
    #: of the row that measures the way of single pictures
    steady_seconds: float = 20.0
    #: generations of the large gallery, three pictures each
    gallery: int = 100_000
    #: of the crowd that follows one space
    crowd_seconds: float = 60.0
    is_quick: bool = False


USUAL = Pace()
QUICK = Pace(
    warm_up=0.3,
    seconds=0.8,
    repetitions=2,
    generations=120,
    steady_seconds=6,
    gallery=5000,
    crowd_seconds=10,
    is_quick=True,
)
