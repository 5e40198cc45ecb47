"""In which order jobs are taken: a pure function, the same for the claim and for positions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

HIGHEST = 10
#: a job rises by one priority for each time it has waited this long, so that none starves
AGE = timedelta(minutes=10)


@dataclass(frozen=True)
class Waiting:
    """What the order depends on."""

    job_id: UUID
    owner_id: int
    priority: int
    created_at: datetime
    to_front_at: datetime | None = None


#: the columns of a job that a Waiting is made of, in its order
COLUMNS = ("pk", "video__owner_id", "priority", "created_at", "to_front_at")


def rank_of(job: Waiting, *, at: datetime) -> int:
    """Its priority with what it has gained by waiting."""
    return min(HIGHEST, job.priority + max(0, int((at - job.created_at) / AGE)))


def in_order(
    waiting: Iterable[Waiting], *, active: Mapping[int, int], at: datetime
) -> list[Waiting]:
    """Waiting jobs as they will be taken.

    First what staff moved to the front, the last moved first; then by priority; within one
    priority fairly between people, each person's own first in first out: who has fewer running
    or nearer to their turn comes next.

    Args:
        active: how many jobs of each person run now.
    """
    jobs = sorted(waiting, key=lambda job: (job.created_at, job.job_id))
    front = [job for job in jobs if job.to_front_at is not None]
    front.sort(key=lambda job: job.to_front_at or at, reverse=True)
    served = Counter(active)
    served.update(job.owner_id for job in front)
    groups: dict[int, list[Waiting]] = defaultdict(list)
    for job in jobs:
        if job.to_front_at is None:
            groups[rank_of(job, at=at)].append(job)
    ordered = list(front)
    for rank in sorted(groups, reverse=True):
        ordered += _fairly(groups[rank], served)
    return ordered


def _fairly(jobs: list[Waiting], served: Counter[int]) -> list[Waiting]:
    turns = []
    for place, job in enumerate(jobs):
        turns.append((served[job.owner_id], place, job))
        served[job.owner_id] += 1
    return [job for _, _, job in sorted(turns, key=lambda turn: turn[:2])]
