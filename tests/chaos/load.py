"""What people do meanwhile: pictures, variants, films and talk, through the public doors only."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.chaos.installation import PEOPLE, Installation

FLUX, GEMINI, VEO, RUNWARE_FILM = (
    *("runware:100@1", "gemini-3.1-flash-image", "veo-3.1-fast-generate-001", "google:3@3"),
)
SMALL = {"duration": 4, "aspect_ratio": "16:9", "resolution": "720p", "style": "natural"}
ENDED = {"completed", "partial", "failed", "cancelled"}
#: answers that ask to come back; an idempotency key makes that safe
AGAIN = {409, 429, 500, 502, 503, 504}
#: seconds between two wishes of a kind, and how many at most, whatever the seconds
PACES = {"picture": 1.2, "variant": 2.5, "talk": 4.0, "proposal": 8.0, "film": 14.0}
MOST = {"film": 12}


@dataclass
class Wish:
    """Something somebody asked for, and what became of it as far as they know.

    `ids` are what the accepted request was answered with; `mark` is in its prompt and nowhere else.
    """

    kind: str
    mark: str
    at: float
    who: str
    seed: int
    accepted: bool = False
    refused: str = ""
    ids: list[str] = field(default_factory=list)
    conversation: str = ""
    retried: int = 0
    cancelled: bool = False
    settled: bool = False
    state: str = ""


class GivenUp(Exception):
    """No answer came for so long that the person went away."""


class Load:
    """Wishes at their moments, the same for a seed; each is insisted on until it is answered."""

    def __init__(self, one: Installation, name: str, seed: int, seconds: float) -> None:
        self.one = one
        self.wishes = plan(name, seed, seconds)
        self.over = threading.Event()
        #: answers that nobody should get: 5xx that is no "come back later", and refusals
        self.odd: list[str] = []
        self._threads = ThreadPoolExecutor(24, thread_name_prefix="people")

    def run(self) -> None:
        """Make every wish at its moment; returns when the last was begun."""
        began = time.monotonic()
        for wish in self.wishes:
            time.sleep(max(0.0, began + wish.at - time.monotonic()))
            self._threads.submit(self._begin, wish)

    def finish(self) -> None:
        """Nobody waits any longer."""
        self.over.set()
        self._threads.shutdown(wait=True)

    def _begin(self, wish: Wish) -> None:
        try:
            KINDS[wish.kind](self, wish)
        except GivenUp:
            pass
        except Exception as error:  # noqa: BLE001 - the audit tells of it
            self.odd.append(f"{wish.mark}: the person stumbled: {error!r}")

    def insist(self, wish: Wish, path: str, body: Any, step: str = "") -> Any:
        """Ask with one key until there is an answer; None when it is a refusal."""
        key = f"{wish.mark}-{step or path}"
        while not self.over.is_set():
            try:
                status, answer = self.one.ask(wish.who, "POST", path, body, key)
            except OSError:
                self.over.wait(0.4)
                continue
            if status < 300:
                return answer
            code = (answer or {}).get("code", "") if isinstance(answer, dict) else ""
            if status == 500 or (status >= 500 and not code):
                self.odd.append(f"{wish.mark}: POST {path} answered {status} {code}")
            if status not in AGAIN or code == "invalid_transition":
                wish.refused = f"{status} {code}"
                return None
            self.over.wait(0.4)
        raise GivenUp

    def read(self, wish: Wish, path: str) -> Any:
        """Look until it can be seen."""
        while not self.over.is_set():
            try:
                return self.one.read(wish.who, path)
            except OSError:
                self.over.wait(0.4)
        raise GivenUp


def plan(name: str, seed: int, seconds: float) -> list[Wish]:
    """Who wishes for what, and when."""
    chance = random.Random(f"load {seed}")
    found: list[Wish] = []
    for kind, pace in PACES.items():
        at, number = chance.uniform(0.0, min(pace, 1.5)), 0
        while at < seconds and number < MOST.get(kind, 10**6):
            mark = f"{name}-{kind}-{number}-of-{seed}"
            who = PEOPLE[0] if kind in {"variant", "proposal"} else chance.choice(PEOPLE)
            found.append(Wish(kind, mark, at, who, chance.randrange(2**31)))
            at += pace * chance.uniform(0.6, 1.4)
            number += 1
    return sorted(found, key=lambda wish: wish.at)


# --- the wishes -----------------------------------------------------------------------------------


def _picture(load: Load, wish: Wish) -> None:
    chance = random.Random(wish.seed)
    size = {"width": 256, "height": 256, "count": chance.randint(1, 4)}
    body = {"model": FLUX, "prompt": f"a lighthouse, {wish.mark}", **size}
    answer = load.insist(wish, "/api/v1/generations/", body)
    if answer is None:
        return
    wish.ids, wish.accepted = [answer["id"]], True
    if chance.random() < 0.1:
        time.sleep(chance.uniform(0, 1.5))
        load.insist(wish, f"/api/v1/generations/{answer['id']}/cancel/", {})
        wish.refused, wish.cancelled = "", True


def _variant(load: Load, wish: Wish) -> None:
    """A batch of two or three, of either provider; one that failed is asked for once more."""
    chance = random.Random(wish.seed)
    body = {
        **{"name": wish.mark[:100], "asset_type": "scene", "mode": "explore"},
        **{"prompt": f"a buoy, {wish.mark}", "count": chance.randint(2, 3)},
        "model": chance.choice((FLUX, GEMINI)),
    }
    answer = load.insist(wish, f"/api/v1/spaces/{load.one.space}/batch/", body)
    if answer is None:
        return
    wish.ids, wish.accepted = [variant["id"] for variant in answer["variants"]], True
    if chance.random() < 0.3:
        _retry_failed(load, wish)


def _retry_failed(load: Load, wish: Wish) -> None:
    base = f"/api/v1/spaces/{load.one.space}/variants"
    for id in wish.ids:
        while (status := load.read(wish, f"{base}/{id}/")["status"]) not in ENDED:
            load.over.wait(0.5)
        if status == "failed":
            load.insist(wish, f"{base}/{id}/retry/", {})
            wish.retried += 1
            wish.refused = ""


def _talk(load: Load, wish: Wish) -> None:
    made = load.insist(wish, "/api/v1/conversations/", {"title": wish.mark[:80]}, "open")
    if made is None:
        return
    wish.conversation = made["id"]
    said = {"content": f"Hello, what can you do? {wish.mark}"}
    answer = load.insist(wish, f"/api/v1/conversations/{made['id']}/messages/", said)
    if answer is not None:
        wish.ids, wish.accepted = [answer["id"]], True


def _proposal(load: Load, wish: Wish) -> None:
    """Somebody asks the space's assistant for a picture and approves what it proposes."""
    space = f"/api/v1/spaces/{load.one.space}"
    said = {"content": f"Generate a picture of a red buoy at sea, {wish.mark}"}
    answer = load.insist(wish, f"{space}/chat/", said)
    if answer is None:
        return
    wish.ids, wish.accepted = [_message_of(answer)], True
    while not load.over.is_set():
        for approval in load.read(wish, f"{space}/approvals/?page_size=200")["results"]:
            if wish.mark in str(approval["arguments"]) and approval["status"] == "pending":
                load.insist(wish, f"{space}/approvals/{approval['id']}/approve/", {})
                wish.refused = ""  # somebody may have been faster; once is enough
                return
        load.over.wait(1.0)


def _message_of(answer: dict[str, Any]) -> str:
    found = answer.get("message", answer)
    return str(found["id"])


def _film(load: Load, wish: Wish) -> None:
    chance = random.Random(wish.seed)
    talk = load.insist(wish, "/api/v1/conversations/", {"title": wish.mark[:80]}, "open")
    if talk is None:
        return
    wish.conversation = talk["id"]
    body = {"prompt": f"a sunset over Lisbon, {wish.mark}", "parameters": SMALL}
    body |= {"model": chance.choice((VEO, RUNWARE_FILM)), "conversation": talk["id"]}
    made = load.insist(wish, "/api/v1/videos/", body)
    if made is None:
        return
    confirmed = load.insist(wish, f"/api/v1/videos/{made['id']}/confirm/", {})
    if confirmed is not None:
        wish.ids, wish.accepted = [made["id"]], True


KINDS: dict[str, Callable[[Load, Wish], None]] = {
    "picture": _picture,
    "variant": _variant,
    "talk": _talk,
    "proposal": _proposal,
    "film": _film,
}


# --- what has become of them ----------------------------------------------------------------------


def state_of(one: Installation, wish: Wish) -> list[str]:
    """How each of its things stands, by the public doors; `lost` for what is not there.

    Raises OSError when nobody can say just now.
    """
    return [PLACES[wish.kind](one, wish, id) for id in wish.ids]


def _seen(one: Installation, wish: Wish, path: str) -> dict[str, Any] | None:
    status, found = one.ask(wish.who, "GET", path)
    if status == 404:
        return None
    if status != 200:
        raise OSError(f"{path}: {status}")
    return dict(found)


def _thing(path: str, name: str) -> Callable[[Installation, Wish, str], str]:
    def state(one: Installation, wish: Wish, id: str) -> str:
        found = _seen(one, wish, path.format(space=one.space, id=UUID(id)))
        return "lost" if found is None else str(found[name])

    return state


def _answered(one: Installation, wish: Wish, id: str) -> str:
    """Whether the assistant has answered a message of a conversation."""
    talk = f"/api/v1/conversations/{wish.conversation}/"
    if (found := _seen(one, wish, talk)) is None:
        return "lost"
    said = one.all_of(wish.who, f"{talk}messages/")
    return _judged(said, id, working=found["working"])


def _decided(one: Installation, wish: Wish, id: str) -> str:
    """The same in a space's chat, which is one for all: what comes after belongs to many."""
    said = one.all_of(wish.who, f"/api/v1/spaces/{one.space}/chat/")
    return _judged(said, id, working=False)


def _judged(said: list[dict[str, Any]], id: str, *, working: bool) -> str:
    places = [place for place, row in enumerate(said) if row["id"] == id]
    if not places:
        return "lost"
    answered = any(row["role"] == "assistant" for row in said[places[0] + 1 :])
    return "completed" if answered and not working else "pending"


PLACES: dict[str, Callable[[Installation, Wish, str], str]] = {
    "picture": _thing("/api/v1/generations/{id}/", "state"),
    "variant": _thing("/api/v1/spaces/{space}/variants/{id}/", "status"),
    "film": _thing("/api/v1/videos/{id}/", "status"),
    "talk": _answered,
    "proposal": _decided,
}
