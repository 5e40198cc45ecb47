"""What the staff overview is made of: figures and lines, on boards by subject. It knows no app."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One figure: `page` and `query` name the list that it counts; red ones need a person.

    `chip` is a word, a tone and a symbol. `acts` are what staff may do about it: words, and what
    the button says to the act's address.
    """

    name: str
    value: str
    tone: str = ""  # done | partial | failed
    page: str = ""
    query: tuple[tuple[str, str], ...] = ()
    chip: tuple[str, str, str] | None = None
    acts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Board:
    """The figures of one subject. `wide`: its lines need the room of two."""

    heading: str
    figures: tuple[Figure, ...]
    empty: str = ""
    wide: bool = field(default=False)


def counted(name: str, count: int, page: str, **query: str) -> Figure:
    """A count that should be nought, with the list of what is counted."""
    return Figure(name, str(count), "failed" if count else "done", page, tuple(query.items()))


def span(seconds: float) -> str:
    """A length of time in one unit."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
