"""space.js in real browsers: shown at once, kept while there is no line, sent once, put right."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from genproj.events.models import Event
from genproj.events.whispers import whisper
from spaces.models import Asset, Member, Space
from spaces.operations import assets
from spaces.queries import full_state_of
from tests.spaces.wires import beside, stop_threads
from tests.spaces.world import asset_in, variant_of

__all__ = ["stop_threads"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here."),
]

BEGIN = """async ([id, user]) => {
  const { SpaceStore } = await import("/static/genproj/space.js");
  window.store = new SpaceStore(id, { user });
  window.seen = [];
  const types = ["state", "change", "refused", "gone", "presence", "connection", "chat:delta"];
  for (const type of types) {
    store.addEventListener(type, ({ detail }) => seen.push([type, detail]));
  }
}"""


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


class Tab:
    """A page that holds a store of the space."""

    def __init__(self, page: Any, space: Space, person: User) -> None:
        self.page, self.space, self.person = page, space, person

    async def begin(self, *, live: bool = True) -> None:
        """Make the store; wait until it has the state."""
        await self.page.evaluate(BEGIN, [str(self.space.pk), str(self.person.pk)])
        if live:
            await self.until("store.open")

    async def run(self, script: str) -> Any:
        return await self.page.evaluate(script)

    async def ask(self, kind: str, fields: dict[str, Any]) -> Any:
        """The ack, or the error's code."""
        script = "([kind, fields]) => store.ask(kind, fields).catch((error) => error.code)"
        return await self.page.evaluate(script, [kind, fields])

    async def wish(self, kind: str, fields: dict[str, Any]) -> None:
        """Ask without waiting for the answer."""
        await self.page.evaluate("([kind, fields]) => { store.ask(kind, fields); }", [kind, fields])

    async def until(self, condition: str, seconds: float = 20) -> Any:
        async def look() -> Any:
            return await self.page.evaluate(condition)

        return await until(look, seconds)

    async def names(self) -> list[str]:
        return sorted(await self.run("store.assets.map((asset) => asset.name)"))

    async def things(self) -> dict[str, Any]:
        """What is shown, by id."""
        return dict(
            await self.run(
                "Object.fromEntries(['assets', 'variants', 'lineage'].map((name) =>"
                " [name, Object.fromEntries(store.things[name])]))"
            )
        )


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


@asynccontextmanager
async def tabs(
    web: Any, space: Space, *people: User, live: bool = True
) -> AsyncIterator[list[Tab]]:
    """A browser of its own for each of the people, with the space open."""
    from playwright.async_api import async_playwright

    sessions = [await beside(session_of, person) for person in people]
    async with AsyncExitStack() as stack:
        driver = await stack.enter_async_context(async_playwright())
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        stack.push_async_callback(chromium.close)
        found = []
        for person, session in zip(people, sessions, strict=True):
            context = await chromium.new_context()
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": web.url}
            await context.add_cookies([cookie])
            page = await context.new_page()
            await page.goto(f"{web.url}/healthz")
            tab = Tab(page, space, person)
            if live:
                await tab.begin()
            found.append(tab)
        yield found


async def fresh(space: Space) -> dict[str, Any]:
    """The server's own state, by id."""
    state = await beside(full_state_of, str(space.pk))
    names = ("assets", "variants", "lineage")
    return {name: {thing["id"]: thing for thing in state[name]} for name in names}


def test_a_wish_shows_at_once_and_what_is_refused_is_as_it_was(
    web: Any, space: Space, bob: User, vera: User
) -> None:
    asset = asset_in(space)
    variant = variant_of(asset)
    parent, id = {"parent_asset_id": str(asset.pk)}, str(asset.pk)

    async def story() -> None:
        async with tabs(web, space, bob, vera) as (his, hers):
            shown = await his.run(
                f"(() => {{ store.ask('variant:star', {{variant_id: '{variant.pk}',"
                f" starred: true}}); return store.variant('{variant.pk}').starred; }})()"
            )
            assert shown is True
            await hers.until(f"store.variant('{variant.pk}').starred")
            ack = await his.ask("asset:create", {"name": "Hand", "asset_type": "part", **parent})
            await hers.until(f"store.asset('{ack['asset']['id']}')")
            assert await hers.ask("asset:update", {"asset_id": id, "name": "No"}) == "forbidden"
            [refused] = [d for kind, d in await hers.run("seen") if kind == "refused"]
            assert refused["error"]["code"] == "forbidden"
            assert await hers.names() == ["Hand", "Keeper"]
            cycle = {"asset_id": id, "changes": {"parent_asset_id": ack["asset"]["id"]}}
            assert await his.ask("asset:update", cycle) == "validation_failed"
            assert await his.run(f"store.asset('{id}').parent_asset_id") is None
            await his.run(f"store.look('{id}')")
            await hers.until(f"store.presence.some((line) => line.viewing === '{id}')")
            await beside(
                lambda: whisper(stream=f"space:{space.pk}", frame={"type": "chat:delta", "n": 1})
            )
            await hers.until("seen.some(([type]) => type === 'chat:delta')")
            now = await fresh(space)
            assert await his.things() == await hers.things() == now

    asyncio.run(story())


def test_edits_without_a_line_are_kept_over_a_reload_and_sent_once(
    web: Any, space: Space, alice: User, bob: User
) -> None:
    asset = asset_in(space)
    other = asset_in(space, "Lamp")

    async def story() -> None:
        async with tabs(web, space, alice, bob) as (mine, his):
            await mine.page.context.set_offline(True)
            await mine.until("store.link.state === 'offline'")
            await mine.wish("asset:create", {"name": "Boat", "asset_type": "prop"})
            local = await mine.run("store.assets.find((asset) => asset.name === 'Boat').id")
            assert local.startswith("local:")
            await mine.wish("asset:update", {"asset_id": local, "changes": {"name": "Skiff"}})
            await mine.wish("asset:update", {"asset_id": str(asset.pk), "name": "Old keeper"})
            await mine.wish("asset:delete", {"asset_id": str(other.pk)})
            assert await mine.names() == ["Old keeper", "Skiff"]
            ack = await his.ask("asset:create", {"name": "Dog", "asset_type": "animal"})
            await his.ask("asset:update", {"asset_id": str(asset.pk), "changes": {"tags": ["x"]}})
            await mine.page.context.set_offline(False)
            await mine.page.reload()
            await mine.begin()
            await mine.until("store.waiting === 0")
            await mine.until(f"store.asset('{ack['asset']['id']}')")
            await his.until("store.assets.length === 3")
            await mine.until("store.settling.length === 0")
            assert await mine.names() == ["Dog", "Old keeper", "Skiff"]
            assert await mine.run(f"store.asset('{asset.pk}').tags") == ["x"]
            now = await fresh(space)
            await his.until(f"store.asset('{asset.pk}').version === 3")
            assert await mine.things() == await his.things() == now
            assert await mine.run("localStorage.length") == 0

    asyncio.run(story())
    created = Event.objects.filter(stream_id=f"space:{space.pk}", kind="asset:created")
    assert created.count() == Asset.objects.count() + 1 == 4


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(
    web: Any, space: Space, bob: User
) -> None:
    cut = asyncio.Event()

    async def story() -> None:
        async with tabs(web, space, bob, live=False) as (his,):

            def between(route: Any) -> None:
                server = route.connect_to_server()

                def down(text: Any) -> None:
                    if '"ack"' in text and not cut.is_set():
                        cut.set()
                        asyncio.get_running_loop().create_task(route.close(code=1011))
                        return
                    route.send(text)

                server.on_message(down)

            await his.page.route_web_socket("**/ws/spaces/**", between)
            await his.begin()
            ack = await his.ask("asset:create", {"name": "Boat", "asset_type": "prop"})
            assert cut.is_set()
            await his.until(f"store.asset('{ack['asset']['id']}') && !store.settling.length")
            assert await his.names() == ["Boat"]

    asyncio.run(story())
    assert Asset.objects.count() == 1


def test_what_a_line_has_lost_goes_by_the_other(web: Any, space: Space, bob: User) -> None:
    """An edit that a socket has swallowed goes by the API, and one that the API has lost once more
    when there is a socket again; nothing waits for ever, and nothing is done twice."""
    variant = variant_of(asset_in(space))
    held: list[Any] = []

    async def story() -> None:
        async with tabs(web, space, bob, live=False) as (his,):
            blocked = asyncio.Event()

            async def between(route: Any) -> None:
                if blocked.is_set():
                    await route.close(code=1011)
                    return
                server = route.connect_to_server()

                def up(text: Any) -> None:
                    if '"variant:star"' in text:
                        blocked.set()
                        asyncio.get_running_loop().create_task(route.close(code=1011))
                        return
                    server.send(text)

                route.on_message(up)

            async def hold(route: Any) -> None:
                if held:
                    await route.continue_()
                else:
                    held.append(route)

            cookie = {"name": settings.CSRF_COOKIE_NAME, "value": "a" * 32, "url": web.url}
            await his.page.context.add_cookies([cookie])
            await his.page.route_web_socket("**/ws/spaces/**", between)
            await his.page.route("**/assets/", hold)
            await his.begin()
            await his.wish("variant:star", {"variant_id": str(variant.pk), "starred": True})
            await his.until("store.waiting === 0", 60)
            assert (await fresh(space))["variants"][str(variant.pk)]["starred"]
            await his.until("store.link.state === 'polling'", 60)
            await his.wish("asset:create", {"name": "Boat", "asset_type": "prop"})
            await his.until("store.knocks", 60)
            blocked.clear()
            await his.run("dispatchEvent(new Event('online'))")
            await his.until("store.open", 60)
            await held[0].abort()
            await his.until("store.waiting === 0", 60)
            await his.until("store.assets.length === 2", 60)

    asyncio.run(story())
    assert Asset.objects.filter(name="Boat").count() == 1


def test_without_a_socket_the_store_polls(web: Any, space: Space, bob: User) -> None:
    first = asset_in(space)

    async def story() -> None:
        async with tabs(web, space, bob, live=False) as (his,):

            async def refuse(socket: Any) -> None:
                await socket.close(code=1011)

            await his.page.route_web_socket("**/ws/spaces/**", refuse)
            await his.begin(live=False)
            await his.until("store.assets.length === 1")
            states = [
                detail["state"] for kind, detail in await his.run("seen") if kind == "connection"
            ]
            assert states[0] == "reconnecting"
            assert states[-1] == "polling"
            await beside(asset_in, space, "Lamp")
            await beside(
                lambda: assets.update(
                    actor=bob, space_id=space.pk, asset_id=first.pk, name="Old keeper"
                )
            )
            await his.until("store.assets.length === 2")
            assert await his.names() == ["Lamp", "Old keeper"]
            assert await his.things() == await fresh(space)

    asyncio.run(story())


def test_who_is_removed_is_told_and_tries_no_more(web: Any, space: Space, bob: User) -> None:
    async def story() -> None:
        async with tabs(web, space, bob) as (his,):
            await beside(Member.objects.filter(space=space, user=bob).delete)
            await his.until(
                "seen.some(([type, detail]) => type === 'gone' && detail.code === 4403)"
            )
            await asyncio.sleep(1.5)
            assert await his.run("store.link.ended")

    asyncio.run(story())
