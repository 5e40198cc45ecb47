"""What a Messages request says of the talk so far: the words, and the film that is spoken of."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from genproj.sandbox import hearing

ANSWERS = ("clarification_responses", "responses", "answers", "given", "said", "choices")
ASKED = ("asked", "missing", "open_questions")
SETTINGS = ("duration", "aspect_ratio", "resolution", "style", "sound")
OPEN = ("", "pending_clarification", "pending_confirmation", "needs_clarification", "draft")
LABEL = re.compile(r"^[^\n.!?]{0,80}:[ \t]*$|</?[\w-]+(?: [^<>]*)?>", re.M)


@dataclass
class Film:
    """The film being discussed, as the request declares it or the talk implies."""

    prompt: str
    status: str = ""
    known: dict[str, Any] = field(default_factory=dict)  # what the person said of it
    settings: dict[str, Any] = field(default_factory=dict)  # what it would be made with
    asked: list[str] | None = None  # the questions that are open, where the request tells
    gone: bool = False  # spoken of earlier, but no longer one that can be changed

    @property
    def open(self) -> bool:
        """Whether it can still be changed freely."""
        return self.status in OPEN


@dataclass
class Conversation:
    system: str
    words: str  # what the person said last
    before: list[str]  # what the person said earlier, oldest first
    turns: int
    declared: list[Any]  # all JSON in the system prompt and the messages
    film: Film | None = None


def heard(body: dict[str, Any]) -> Conversation:
    """The talk that a request carries."""
    system = _text(body.get("system", ""))
    messages = body["messages"]
    texts = [(one["role"], _text(one["content"])) for one in messages]
    declared = [found for text in (system, *(text for _, text in texts)) for found in jsons(text)]
    said = [spoken(text) for role, text in texts if role == "user"]
    said = [words for words in said if words]
    words = said[-1] if said else ""
    talk = Conversation(system, words, said[:-1], len(messages), declared)
    talk.film = _declared_film(declared) or _implied_film(talk)
    if talk.film is not None and talk.film.status not in OPEN:
        talk.film.gone = talk.film.status == "completed"
    return talk


def lengths(declared: list[Any]) -> list[int]:
    """The durations that a declared schema allows, shortest first."""
    for name, value in _pairs(declared):
        choices = value.get("enum") if isinstance(value, dict) else None
        if name == "duration" and isinstance(choices, list):
            return sorted(one for one in choices if isinstance(one, int))
    return []


def settings(declared: list[Any]) -> set[str]:
    """Which of a film's settings a declared schema has; empty when none is declared."""
    for value in (*declared, *(value for _, value in _pairs(declared))):
        inside = value.get("properties") if isinstance(value, dict) else None
        if isinstance(inside, dict) and "duration" in inside:
            return set(inside)
    return set()


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block.get("type") == "text")


def spoken(text: str) -> str:
    """The words around the JSON of a message."""
    found = list(_objects(text))
    for _, start, end in reversed(found):
        text = text[:start] + "\n" + text[end:]
    return (LABEL.sub("", text) if found else text).strip()


def jsons(text: str) -> Iterator[Any]:
    return (found for found, _, _ in _objects(text))


def _objects(text: str) -> Iterator[tuple[Any, int, int]]:
    decoder, at = json.JSONDecoder(), 0
    while match := re.compile(r"[{\[]\s*[\"{\[}\]]").search(text, at):
        try:
            found, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = match.start() + 1
            continue
        yield found, match.start(), at


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield str(name), one
            yield from _pairs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _pairs(one)


def _declared_film(declared: list[Any]) -> Film | None:
    films = [film for found in declared for film in _films(found, {})]
    return next((film for film in films if film.open), films[-1] if films else None)


def _films(value: Any, around: dict[str, Any]) -> Iterator[Film]:
    """The films in a declared value; what stands around one may tell its status."""
    if isinstance(value, list):
        for one in value:
            yield from _films(one, {})
    if not isinstance(value, dict):
        return
    prompt = value.get("prompt")
    told = value.keys() & {"status", "state", "parameters", "model", *ANSWERS, *SETTINGS}
    if isinstance(prompt, str) and prompt.strip() and told:
        yield _film(prompt.strip(), {**around, **value})
        return
    for one in value.values():
        yield from _films(one, value)


def _film(prompt: str, told: dict[str, Any]) -> Film:
    settings = _known(told)
    for name, value in told.items():
        if name not in ANSWERS:
            settings |= _known(value)
    asked = next((told[name] for name in ASKED if isinstance(told.get(name), list)), None)
    given = next((told[name] for name in ANSWERS if isinstance(told.get(name), dict)), None)
    known = _known(given) if given is not None else settings
    status = told.get("status", told.get("state", ""))
    film = Film(prompt, status if isinstance(status, str) else "", known, settings | known)
    film.asked = [one for one in asked if isinstance(one, str)] if asked is not None else None
    return film


def _known(values: Any) -> dict[str, Any]:
    """A film's settings, also where they are written to be read: "8 seconds", "on"."""
    known: dict[str, Any] = {}
    for name in SETTINGS:
        value = values.get(name) if isinstance(values, dict) else None
        if name == "duration" and isinstance(value, str):
            digits = re.search(r"\d+", value)
            value = int(digits[0]) if digits else None
        if name == "sound" and isinstance(value, str):
            value = value == "on"
        if value is not None:
            known[name] = value
    return known


def _implied_film(talk: Conversation) -> Film | None:
    """The last film that was wished for earlier in the talk."""
    film = None
    for words in talk.before:
        if hearing.is_wish(words):
            film = Film(hearing.subject_of(words), "", hearing.parameters_in(words))
        elif film is not None:
            film.known |= hearing.parameters_in(words, answering=True)
    if film is not None:
        film.settings = film.known
        # Who declares things would have declared a film that can still be changed.
        film.gone = bool(talk.declared)
    return film
