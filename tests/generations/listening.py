"""A projector of the tests: writes down what it hears."""

from generations.models import RegisterEntry

HEARD: list[tuple[str, str]] = []


def _hear(stage: str, entries: list[RegisterEntry]) -> None:
    HEARD.extend((stage, str(entry.pk)) for entry in entries)


def submitted(entries: list[RegisterEntry]) -> None:
    _hear("submitted", entries)


def progress(entries: list[RegisterEntry]) -> None:
    _hear("progress", entries)


def output(entries: list[RegisterEntry]) -> None:
    _hear("output", entries)


def settled(entries: list[RegisterEntry]) -> None:
    _hear("settled", entries)


def late(entries: list[RegisterEntry]) -> None:
    _hear("late", entries)


def final(entries: list[RegisterEntry]) -> None:
    _hear("final", entries)


def heard(entry: RegisterEntry) -> list[str]:
    """The stages that were heard of an entry, in order."""
    return [stage for stage, id in HEARD if id == str(entry.pk)]
