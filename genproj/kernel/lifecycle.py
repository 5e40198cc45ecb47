"""A lifecycle is a table of allowed moves; moving is one UPDATE that names the state it believes
in."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Any, Generic, TypeVar

from genproj.kernel.errors import InvalidTransition

S = TypeVar("S", bound=StrEnum)


class Lifecycle(Generic[S]):
    """The states a row may take and the moves between them, checked when it is declared.

    Args:
        start: the state of a new row.
        moves: for every state, the states it may become; an empty set is an end.
        also: other states that a new row may begin in.
        field: the name of the row's column.

    Raises:
        ValueError: a state is missing, unknown or cannot be reached.
    """

    def __init__(
        self,
        start: S,
        moves: Mapping[S, Set[S]],
        *,
        also: Set[S] = frozenset(),
        field: str = "status",
    ) -> None:
        states = set(type(start))
        if set(moves) != states:
            raise ValueError(f"{type(start).__name__}: moves must name every state once.")
        reached, todo = {start, *also}, [start, *also]
        while todo:
            for state in moves[todo.pop()] - reached:
                reached.add(state)
                todo.append(state)
        if reached != states:
            raise ValueError(f"{type(start).__name__}: {states - reached} cannot be reached.")
        self.start, self.moves, self.field = start, moves, field

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The states as Django's `choices=`."""
        return [(state.value, state.value.replace("_", " ")) for state in self.moves]

    def is_final(self, state: S) -> bool:
        """Whether nothing follows `state`."""
        return not self.moves[state]

    def advance(self, row: Any, to: S, **facts: Any) -> None:
        """Move `row` to `to` and set `facts`, if it still is where it was read.

        Raises:
            InvalidTransition: the move is not allowed, or somebody moved it first.
        """
        before = type(to)(getattr(row, self.field))
        if to not in self.moves[before]:
            raise InvalidTransition(f"It is {before.value} and cannot become {to.value}.")
        believed = type(row)._default_manager.filter(pk=row.pk, **{self.field: before})
        if believed.update(**{self.field: to}, **facts) == 0:
            raise InvalidTransition(f"It is not {before.value} any more.")
        setattr(row, self.field, to)
        for name, value in facts.items():
            setattr(row, name, value)
