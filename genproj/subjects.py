"""TABLE: what money was for, in words: kind of subject (`entry:ID`) -> its page and its titles."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class Kind:
    """`titles` gives the titles of some ids; without it, `word` says what it is."""

    word: str
    url: str = ""
    titles: str = ""


TABLE = {
    "entry": Kind("A generation", "/generations/{}/", "generations.queries.costs.titles_of"),
    "video": Kind("A film", "/videos/{}/", "videos.queries.mine.titles_of"),
    "turn": Kind("A reply of the assistant"),
}


@dataclass(frozen=True)
class Subject:
    """A subject as a page shows it; `url` is empty where it has no page."""

    title: str
    url: str


@cache
def _titles(path: str) -> Any:
    return resolve_name(path)


def described(subjects: Iterable[str]) -> dict[str, Subject]:
    """Titles and addresses of subjects; one that is gone has its kind's word and no address."""
    by_kind: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        kind, _, key = subject.partition(":")
        by_kind.setdefault(kind, []).append(key)
    found = {}
    for name, keys in by_kind.items():
        about = TABLE.get(name, Kind(name))
        titles = _titles(about.titles)(keys) if about.titles else {}
        for key in keys:
            url = about.url.format(key) if key in titles else ""
            found[f"{name}:{key}"] = Subject(titles.get(key) or about.word, url)
    return found
