"""The demo world's pictures and film, made through the engine, the chat and the sandbox."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from generations.operations import register
from generations.queries import demo
from generations.states import GenerationState
from genproj import production
from genproj.assistant.operations import conversations
from genproj.kernel import logs, rows
from genproj.kernel.errors import Refusal
from genproj.runtime import operations as runtime
from videos.operations import gates, wishes
from videos.queries import demo as films
from videos.states import ENDED, NEEDS_ANSWER, VideoStatus

LONGEST_WAIT = 60.0
DRILL = "drill:projection"
#: the request that the demo film's lines, turn and entries name; it is known by it
FILM = "demo-film"
#: the same of the demo space
SPACE = "demo-space"
FILM_OWNER = "alice"
SENTENCE = "Create a video of a lighthouse at dusk, waves breaking on the rocks below"
Wait = Callable[[Callable[[], bool]], bool]


@dataclass(frozen=True)
class Wish:
    """One demo request; `fault` is what the sandbox does to it."""

    owner: str
    prompt: str
    count: int
    size: tuple[int, int]
    tags: tuple[str, ...] = ()
    fault: dict[str, Any] | None = None
    drill: bool = False
    outcome: GenerationState = GenerationState.COMPLETED


WISHES = (
    Wish("alice", "a lighthouse in fog, first light on wet granite", 4, (1024, 1024), ("coast",)),
    Wish("alice", "harbour at dusk, lanterns mirrored in still water", 2, (1344, 768), ("coast",)),
    Wish(
        "bob", "a fox asleep in a field of poppies, gouache on paper", 2, (768, 1024), ("animals",)
    ),
    Wish("bob", "night train crossing a viaduct under the milky way", 2, (1536, 640), ("travel",)),
    Wish("alice", "an orchard of glass trees after rain", 2, (832, 1216), ("garden",)),
    Wish(
        "alice",
        "four seasons of one small island, seen from the same window",
        4,
        (1024, 768),
        ("coast", "series"),
        fault={"fault": "one_fails", "result": 3},
        outcome=GenerationState.PARTIAL,
    ),
    Wish(
        "bob",
        "a street market painted by somebody who only heard of it",
        2,
        (1024, 1024),
        ("city",),
        fault={"fault": "content_policy"},
        outcome=GenerationState.FAILED,
    ),
    Wish("admin", "a drill: paper boats on a staircase", 1, (768, 768), ("drill",), drill=True),
)


def wait_until(happened: Callable[[], bool]) -> bool:
    """Wait for other processes to make it so; whether they did in time."""
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        try:
            if happened():
                return True
        except OperationalError:  # the database may be away for a while
            connection.close()
        time.sleep(0.25)
    return False


def make_pictures(*, wait: Wait = wait_until) -> Iterator[str]:
    """Make them once, in a register that holds nothing else; an interrupted making is ended.

    Yields what happened, line by line.
    """
    if not settings.RUNWARE_BASE_URL.startswith(settings.SANDBOX_URL):
        yield "The provider is not the sandbox; no demo pictures are made."
        return
    people = {person.get_username(): person for person in get_user_model().objects.all()}
    standing = demo.standing(beside=(FILM, SPACE))
    if standing is None or not people.keys() >= {wish.owner for wish in WISHES}:
        return
    fine = {wish.prompt: {wish.outcome, GenerationState.PENDING} for wish in WISHES}
    kept = {prompt: id for prompt, (id, state) in standing.items() if state in fine.get(prompt, ())}
    missing = [wish for wish in WISHES if wish.prompt not in kept]
    if not missing and all(state != GenerationState.PENDING for _, state in standing.values()):
        return
    with _faults([{**wish.fault, "match": wish.prompt} for wish in WISHES if wish.fault]):
        opened = [_open(wish, people[wish.owner]) for wish in missing if not wish.drill]
        settled = wait(lambda: demo.are_settled([*kept.values(), *opened]))
    if not settled:
        yield "Some demo pictures are still on their way."
    left = sum(_drill(wish, people[wish.owner], wait) for wish in missing if wish.drill)
    yield f"Demo pictures: {len(opened)} requests made; {left} failed projection left for replay."


def make_film(*, wait: Wait = wait_until) -> Iterator[str]:
    """Make one film as a person would: by a sentence in the chat, its questions, and confirm.

    Goes on wherever an interrupted making stopped, tries a failed one again, and leaves alone
    what has ended otherwise. Yields what happened, line by line.
    """
    addresses = (settings.RUNWARE_BASE_URL, settings.GEMINI_BASE_URL, settings.ANTHROPIC_BASE_URL)
    if not all(address.startswith(settings.SANDBOX_URL) for address in addresses):
        yield "A provider or the language model is not the sandbox; no demo film is made."
        return
    film = films.standing(FILM)
    if film is not None and film.status in {VideoStatus.COMPLETED, VideoStatus.CANCELLED}:
        return
    if FILM_OWNER not in production.demo_accounts():
        return
    owner = get_user_model()._default_manager.get(username=FILM_OWNER)
    with logs.bound(request_id=FILM):
        yield _film_made(owner, wait)


def _film_made(owner: User, wait: Wait) -> str:
    if films.standing(FILM) is None:
        _say(owner)
    wait(lambda: (film := films.standing(FILM)) is not None and film.answered)
    with contextlib.suppress(Refusal):  # its owner was quicker
        _press(owner)
    wait(lambda: (film := films.standing(FILM)) is None or film.status in ENDED)
    film = films.standing(FILM)
    return f"Demo film: {film.status or 'not understood'}." if film else "No demo film."


@rows.atomically
def _say(owner: User) -> None:
    conversation = conversations.begin(actor=owner)
    conversations.say(actor=owner, conversation_id=conversation.pk, content=SENTENCE)


def _press(owner: User) -> None:
    """Take the defaults and confirm; each as far as it has not been done."""
    film = films.standing(FILM)
    if film is None or film.video_id is None:
        return
    if film.status == VideoStatus.PENDING_CLARIFICATION:
        wishes.clarify(actor=owner, video_id=film.video_id, responses={})
    if film.status in NEEDS_ANSWER:
        gates.confirm(actor=owner, video_id=film.video_id)
    elif film.status == VideoStatus.FAILED:
        gates.retry(actor=owner, video_id=film.video_id)


def _open(wish: Wish, owner: User) -> UUID:
    width, height = wish.size
    entry = register.open_entry(
        actor=owner,
        audience=f"user:{owner.pk}",
        model=demo.model(),
        input={
            "prompt": wish.prompt,
            "negative_prompt": "",
            "width": width,
            "height": height,
            "seed": None,
            "output_format": "PNG",
            "reference_artifacts": [],
            "parameters": {},
        },
        expected_count=wish.count,
        deadline_seconds=300,
        tags=list(wish.tags),
        annotations={"demo": True, **({"drill": True} if wish.drill else {})},
    )
    return entry.pk


def _drill(wish: Wish, owner: User, wait: Wait) -> bool:
    """Let one projection fail, as a bug would make it; the drill's marker spares all others."""
    runtime.turn(DRILL, on=True, reason="the demo world shows a failed projection")
    time.sleep(runtime.SWITCH_CACHED_SECONDS + 0.2)  # until every worker knows
    try:
        entry = _open(wish, owner)
        return wait(lambda: demo.has_failed_projection(entry))
    finally:
        runtime.turn(DRILL, on=False, reason="the demo world is made")


@contextlib.contextmanager
def _faults(rules: list[dict[str, Any]]) -> Iterator[None]:
    """Add rules to the sandbox's own, and take them out again."""
    before = _control("GET")["rules"]
    _control("PUT", [*rules, *before])
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the sandbox ends with everything else
            _control("PUT", [rule for rule in _control("GET")["rules"] if rule not in rules])


def _control(method: str, rules: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    parts = urlsplit(settings.SANDBOX_URL)
    asked = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        body = None if rules is None else json.dumps({"rules": rules})
        asked.request(method, "/control/faults", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(asked.getresponse().read())
        return answer
    finally:
        asked.close()
