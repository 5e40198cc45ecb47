"""The order of the queue: priority, then fairness, then who came first; nobody starves."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from genproj.kernel.ids import uuid7
from videos.queries.order import AGE, Waiting, in_order

START = datetime(2026, 11, 20, tzinfo=UTC)


def job(owner: int, *, priority: int = 5, after: float = 0, front: float | None = None) -> Waiting:
    return Waiting(
        job_id=uuid7(),
        owner_id=owner,
        priority=priority,
        created_at=START + timedelta(seconds=after),
        to_front_at=None if front is None else START + timedelta(seconds=front),
    )


def order(*jobs: Waiting, active: dict[int, int] | None = None, after: float = 60) -> list[Waiting]:
    return in_order(jobs, active=active or {}, at=START + timedelta(seconds=after))


def test_higher_priority_goes_first_and_within_it_who_came_first() -> None:
    low, high, later = job(1, priority=1), job(1, priority=9, after=5), job(1, priority=9, after=9)
    assert order(low, later, high) == [high, later, low]


def test_people_take_turns_within_a_priority() -> None:
    many = [job(1, after=number) for number in range(3)]
    one = job(2, after=30)
    assert order(*many, one) == [many[0], one, many[1], many[2]]


def test_who_already_has_films_running_comes_after_who_has_none() -> None:
    first, second = job(1), job(2, after=30)
    assert order(first, second, active={1: 2}) == [second, first]


def test_what_waits_long_rises_until_it_is_taken() -> None:
    old = job(1, priority=0)
    waited = 11 * AGE.total_seconds()
    new = job(2, priority=9, after=waited)
    assert order(old, new, after=waited + 1) == [old, new]


def test_what_staff_moved_to_the_front_is_next() -> None:
    first, moved, moved_later = job(1, priority=10), job(2, front=1), job(3, priority=0, front=2)
    assert order(first, moved, moved_later) == [moved_later, moved, first]


JOBS = st.lists(
    st.builds(
        job,
        st.integers(1, 4),
        priority=st.integers(0, 10),
        after=st.integers(0, 600).map(float),
    ),
    max_size=30,
)


@given(JOBS, st.dictionaries(st.integers(1, 4), st.integers(0, 3)))
def test_the_order_is_the_same_however_the_rows_come_and_loses_nobody(
    jobs: list[Waiting], active: dict[int, int]
) -> None:
    found = order(*jobs, active=active, after=700)
    assert found == order(*reversed(jobs), active=active, after=700)
    assert Counter(one.job_id for one in found) == Counter(one.job_id for one in jobs)


@given(JOBS)
def test_of_one_person_and_priority_the_first_is_never_passed(jobs: list[Waiting]) -> None:
    places = {one.job_id: place for place, one in enumerate(order(*jobs, after=601))}
    for one in jobs:
        for other in jobs:
            same = (one.owner_id, one.priority) == (other.owner_id, other.priority)
            if same and one.created_at < other.created_at:
                assert places[one.job_id] < places[other.job_id]
