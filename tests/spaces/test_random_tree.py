"""Three people work at once on lines that break: in the end all see what the server has."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from genproj.accounts import operations as accounts
from genproj.events.models import Event
from spaces.models import Asset, Member, Space
from spaces.permissions import Role
from spaces.queries import full_state_of
from tests.spaces.wires import Wire, beside, opened, run, stop_threads
from tests.spaces.world import asset_in, line_between, variant_of

__all__ = ["stop_threads"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

STEPS = 40
NAMES = {"asset": "assets", "variant": "variants", "lineage": "lineage"}


class Page:
    """What a page does: it keeps things by version, asks with ids, and sends again what was not
    answered."""

    def __init__(self, space: Space, person: User, chance: random.Random) -> None:
        self.space, self.person, self.chance = space, person, chance
        self.things: dict[str, dict[str, Any]] = {name: {} for name in NAMES.values()}
        self.seq: int | None = None
        self.waiting: list[dict[str, Any]] = []
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.seqs: list[int] = []

    # --- hearing ----------------------------------------------------------------------------

    def take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "sync:state":
            self.seq = frame["seq"]
            self.things = {
                name: {thing["id"]: thing for thing in frame[name]} for name in self.things
            }
        elif kind == "sync:delta":
            for missed in frame["events"]:
                self.apply(missed)
            assert self.seq == frame["seq"]
        elif "seq" in frame:
            self.apply(frame)
        elif kind in {"ack", "error"}:
            self.answers.setdefault(frame["request_id"], []).append(frame)
            known = [wish for wish in self.waiting if wish["request_id"] == frame["request_id"]]
            for wish in known:
                self.waiting.remove(wish)

    def apply(self, frame: dict[str, Any]) -> None:
        assert self.seq is not None
        assert frame["seq"] == self.seq + 1, "a gap, or a frame told twice"
        self.seq = frame["seq"]
        for noun, name in NAMES.items():
            if noun not in frame:
                continue
            thing, things = frame[noun], self.things[name]
            if frame["type"] == f"{noun}:deleted":
                things.pop(thing["id"], None)
            elif things.get(thing["id"], {}).get("version", 0) <= thing.get("version", 0):
                things[thing["id"]] = thing

    # --- asking -----------------------------------------------------------------------------

    def wish(self) -> dict[str, Any]:
        """Something that may or may not be possible."""
        chance = self.chance
        assets, variants = list(self.things["assets"]), list(self.things["variants"])
        lines = list(self.things["lineage"])
        some = chance.choice(assets) if assets else str(uuid4())
        other = chance.choice([*assets, None, str(uuid4())])
        variant = chance.choice(variants) if variants else str(uuid4())
        version = chance.choice([{}, {}, {"version": chance.randint(1, 4)}])
        name = f"Thing {chance.randint(1, 1000)}"
        wishes: list[dict[str, Any]] = [
            {"type": "asset:create", "name": name, "asset_type": "x", "parent_asset_id": other},
            {"type": "asset:create", "name": name, "asset_type": "x"},
            {"type": "asset:update", "asset_id": some, "changes": {"name": name}, **version},
            {"type": "asset:update", "asset_id": some, "changes": {"parent_asset_id": other}},
            {"type": "asset:update", "asset_id": some, "changes": {"parent_asset_id": other}},
            {"type": "asset:setActive", "asset_id": some, "variant_id": variant},
            {"type": "asset:delete", "asset_id": some},
            {"type": "variant:star", "variant_id": variant, "starred": chance.random() < 0.5},
            {"type": "variant:rate", "variant_id": variant, "rating": "approved", **version},
            {"type": "variant:delete", "variant_id": variant},
            {"type": "lineage:sever", "lineage_id": chance.choice([*lines, str(uuid4())])},
        ]
        return {**chance.choice(wishes), "request_id": uuid4().hex}

    async def live(self) -> None:
        """Work until all is done, on as many sockets as it takes."""
        left = STEPS
        while left or self.waiting:
            await asyncio.sleep(self.chance.random() * 0.05)
            async with self.line() as socket:
                await self.sync(socket)
                again = list(self.waiting)
                self.chance.shuffle(again)
                for wish in again:
                    await socket.send(wish)
                for _ in range(min(left, self.chance.randint(1, 8))):
                    left -= 1
                    wish = self.wish()
                    self.waiting.append(wish)
                    await socket.send(wish)
                    if self.chance.random() < 0.2:
                        await socket.send(wish)  # twice
                    if self.chance.random() < 0.5:
                        await self.listen(socket, self.chance.random() * 0.1)
                # Cut at any moment, or after everything was answered.
                await self.listen(socket, self.chance.random() * 0.4)
                if self.chance.random() < 0.2:
                    self.seq = None  # the page was loaded anew

    def line(self) -> Any:
        ticket_of = accounts.issue_ticket

        class Line:
            async def __aenter__(line) -> Wire:  # noqa: N805
                ticket, _ = await beside(ticket_of, user=self.person)
                line.socket = opened(f"/ws/spaces/{self.space.pk}/?ticket={ticket}")
                return await line.socket.__aenter__()

            async def __aexit__(line, *error: Any) -> None:  # noqa: N805
                await line.socket.__aexit__(*error)

        return Line()

    async def sync(self, socket: Wire) -> None:
        since = {} if self.seq is None else {"since": self.seq}
        await socket.send({"type": "sync:request", **since})
        while not (frame := await socket.hear(10))["type"].startswith("sync:"):
            pass
        self.take(frame)

    async def listen(self, socket: Wire, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            # Asked without waiting: a reading that is cancelled ends the other side.
            if socket.wire.output_queue.empty():
                await asyncio.sleep(min(left, 0.01))
                continue
            self.take(await socket.hear(1))


@pytest.mark.parametrize("seed", [random.randrange(10**6)], ids=["any seed"])
def test_everybody_ends_with_what_the_server_has(
    space: Space, alice: User, bob: User, vera: User, seed: int
) -> None:
    print(f"seed {seed}")  # noqa: T201 - it is how a failure is seen again
    Member.objects.filter(space=space, user=vera).update(role=Role.OWNER)
    top = asset_in(space)
    variants = [variant_of(asset_in(space, f"Hand {n}", parent=top)) for n in range(6)]
    for parent, child in zip(variants, variants[1:], strict=False):
        line_between(parent, child)
    pages = [
        Page(space, person, random.Random(seed + place))
        for place, person in enumerate((alice, bob, vera))
    ]

    async def story() -> None:
        await asyncio.gather(*(page.live() for page in pages))
        for page in pages:
            async with page.line() as socket:
                await page.sync(socket)

    run(story)
    state = full_state_of(str(space.pk))
    fresh = {name: {thing["id"]: thing for thing in state[name]} for name in NAMES.values()}
    for page in pages:
        assert page.things == fresh
        for answers in page.answers.values():
            acks = [answer for answer in answers if answer["type"] == "ack"]
            assert all(ack == acks[0] for ack in acks), "one request, two answers"
    told = Event.objects.filter(stream_id=f"space:{space.pk}").order_by("seq")
    assert list(told.values_list("seq", flat=True)) == list(range(1, told.count() + 1))
    assert_is_a_tree(space)


def assert_is_a_tree(space: Space) -> None:
    """Whoever goes up from an asset comes to an end."""
    above = dict(Asset.objects.filter(space=space).values_list("pk", "parent_id"))
    for place in above:
        seen = set()
        while place is not None:
            assert place not in seen
            seen.add(place)
            place = above[place]
