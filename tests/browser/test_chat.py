"""A film from wish to player: by keyboard, with tabs closed, without a socket or a script."""

import re
import time
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.stage import Installation, Visit, axe_script, visit
from tests.browser.test_pages import offences

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

WISH = "Create a video of a sunset over Lisbon"
FILM = 180_000
SMALL = {"duration": 4, "aspect_ratio": "16:9", "resolution": "720p"}
HERE = "({ text: document.activeElement.innerText || document.activeElement.tagName })"
#: what a film of these words meets at the sandbox, whichever provider it stands in for
NEVER, REFUSED = "a lantern that never lights", "a street that nobody may film"
FAULTS = (
    {"fault": "never", "match": NEVER},
    {"fault": "veo_never", "match": NEVER},
    {"fault": "content_policy", "match": REFUSED},
    {"fault": "veo_filtered", "match": REFUSED},
)


def card(page: Page, status: str) -> Any:
    """The newest card, once it stands at a state."""
    return page.locator(f".film[data-status={status}]").last


async def reach(page: Page, words: str, *, key: str = "Tab") -> None:
    """Go on by keyboard until the focus is on what says these words."""
    for _ in range(60):
        await page.keyboard.press(key)
        if words in (await page.evaluate(HERE))["text"]:
            return
    raise AssertionError(f"{words!r} is not reached with {key}.")


async def ask(visiting: Visit, method: str, path: str, body: Any = None) -> Any:
    """Call the API as the person whose page it is."""
    cookies = {cookie["name"]: cookie["value"] for cookie in await visiting.page.context.cookies()}
    answer = await visiting.page.request.fetch(
        f"{visiting.url}/api/v1/{path}",
        method=method,
        data={} if body is None and method != "GET" else body,
        headers={"X-CSRFToken": cookies.get("csrftoken", "")},
    )
    assert answer.ok, (path, answer.status, await answer.text())
    return await answer.json() if await answer.body() else None


async def film(visiting: Visit, prompt: str, *, confirmed: bool = True, **more: Any) -> str:
    """The id of a film of these words."""
    body = {"prompt": prompt, "parameters": SMALL} | more
    made = await ask(visiting, "POST", "videos/", body)
    if confirmed:
        await ask(visiting, "POST", f"videos/{made['id']}/confirm/")
    return str(made["id"])


async def until(visiting: Visit, id: str, status: str) -> None:
    """Wait until a film stands at a state."""
    end = time.monotonic() + FILM / 1000
    while (await ask(visiting, "GET", f"videos/{id}/"))["status"] != status:
        assert time.monotonic() < end, f"{id} never came to {status}."
        await visiting.page.wait_for_timeout(300)


async def plays(page: Page) -> bool:
    """Whether the newest film has begun to play."""
    found = await page.evaluate(
        "() => new Promise((done) => { const film = [...document.querySelectorAll('video')].pop();"
        " const look = () => film.currentTime > 0.1 ? done(true) : setTimeout(look, 100);"
        " setTimeout(() => done(false), 8000); look(); })"
    )
    return bool(found)


async def test_a_film_is_made_by_keyboard_alone(place: Installation) -> None:
    async with visit(place, "bob") as bob:
        page = bob.page
        await bob.go("/")
        await bob.live()
        await page.keyboard.press("g")
        await page.keyboard.press("v")
        await page.wait_for_url("**/chat/")
        await expect(page.locator("#content")).to_be_focused()
        await page.keyboard.type(WISH)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/chat/*-*/")
        await expect(page.locator("[data-working], .film").first).to_be_visible()
        await expect(card(page, "pending_clarification")).to_be_visible()
        await expect(page.locator("[data-working]")).to_have_count(0)
        assert await page.input_value("#content") == ""
        await reach(page, "Use defaults for all", key="Shift+Tab")
        await page.keyboard.press("Enter")
        asked = card(page, "pending_confirmation")
        await expect(asked).to_be_focused()
        await expect(asked.locator("[aria-current=step]")).to_contain_text("Confirm")
        await expect(asked).to_contain_text("Nothing is spent before you confirm")
        await reach(page, "Confirm and spend")
        await page.keyboard.press("Enter")
        done = card(page, "completed")
        await expect(done).to_be_visible(timeout=FILM)
        await expect(page.locator(".record").first).to_be_visible()
        await expect(page.locator(".film")).to_have_count(1)
        await reach(page, "VIDEO", key="Tab")
        await page.keyboard.press("Space")
        assert await plays(page)


async def test_a_film_comes_though_every_tab_is_closed(place: Installation) -> None:
    async with visit(place, "bob") as bob:
        await bob.go("/chat/")
        await bob.page.fill("#content", "Create a video of a harbour at first light")
        await bob.page.press("#content", "Control+Enter")
        await bob.page.wait_for_url("**/chat/*-*/")
        path = bob.page.url.removeprefix(bob.url)
    async with visit(place, "bob") as bob:
        await bob.go(path)
        await (
            card(bob.page, "pending_clarification")
            .get_by_role("button", name="Use defaults for all")
            .click()
        )
        await expect(card(bob.page, "pending_confirmation")).to_be_visible()
    async with visit(place, "bob") as bob:
        await bob.go(path)
        await bob.page.get_by_role("button", name="Confirm and spend").click()
        await expect(card(bob.page, "pending_confirmation")).to_have_count(0)
        id = str(await bob.page.get_attribute(".film", "data-film"))
    async with visit(place, "bob") as bob:
        await until(bob, id, "completed")
        await bob.go("/chat/")
        line = bob.page.locator("#talk-list li", has_text="harbour at first light")
        await expect(line.locator(".count")).to_be_visible()
        await bob.page.keyboard.press("Escape")
        await line.locator("a").click()
        await expect(card(bob.page, "completed").locator("video")).to_be_visible()
        await bob.go("/chat/")
        await expect(line.locator(".count")).to_have_count(0)


async def test_a_film_is_made_while_the_socket_is_blocked(place: Installation) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close()

    async with visit(place, "bob") as bob:
        page = bob.page
        looks: list[float] = []
        page.on("request", lambda sent: "/status/" in sent.url and looks.append(time.monotonic()))
        await page.route_web_socket(re.compile(r"/ws/"), refuse)
        await bob.go("/chat/")
        await page.fill("#content", "Create a video of a paper boat in the gutter")
        await page.press("#content", "Enter")
        await page.wait_for_url("**/chat/*-*/")
        await page.wait_for_selector("#wire[data-state=polling]", timeout=FILM)
        await expect(card(page, "pending_clarification")).to_be_visible()
        await page.get_by_role("button", name="Send answers").click()
        await page.get_by_role("button", name="Confirm and spend").click()
        await expect(card(page, "completed")).to_be_visible(timeout=FILM)
        assert looks
        before = len(looks)
        await page.wait_for_timeout(7000)
        assert len(looks) <= before + 1


async def test_a_film_is_made_without_a_script(place: Installation) -> None:
    async with visit(place, "bob", java_script_enabled=False) as bob:
        page = bob.page

        async def come(status: str) -> None:
            for _ in range(60):
                if await page.locator(f".film[data-status={status}]").count():
                    return
                await page.wait_for_timeout(1000)
                await page.reload()
            raise AssertionError(f"No card came to {status}.")

        await bob.go("/chat/")
        await page.fill("#content", "Create a video of a green door in a white wall")
        await page.click("#send")
        await page.wait_for_url("**/chat/*-*/")
        await come("pending_clarification")
        await page.get_by_role("button", name="Use defaults for all").click()
        await come("pending_confirmation")
        await page.locator("summary", has_text="Change").click()
        await page.locator(".film label", has_text="4 s").click()
        await page.get_by_role("button", name="Update the summary").click()
        await expect(page.locator(".film ins")).to_contain_text("4 seconds")
        await page.get_by_role("button", name="Confirm and spend").click()
        assert re.search(r"/chat/.+/", page.url)
        await come("completed")
        await expect(page.locator("video")).to_be_visible()


async def test_what_could_not_be_sent_is_not_lost(place: Installation) -> None:
    async with visit(place, "charlie") as charlie:
        page = charlie.page
        await charlie.go("/chat/")
        await page.fill("#content", "half a thought about herons")
        await expect(page.locator("#draft")).to_have_text("Draft kept.")
        await charlie.go("/gallery/")
        await charlie.go("/chat/")
        await expect(page.locator("#content")).to_have_value("half a thought about herons")
        await page.route("**/api/v1/conversations/**", lambda route: route.abort())
        await page.press("#content", "Enter")
        line = page.locator("#pending li")
        await expect(line).to_contain_text("Not sent.")
        await page.unroute("**/api/v1/conversations/**")
        charlie.complaints.clear()
        await line.get_by_role("button", name="Send again").click()
        await page.wait_for_url("**/chat/*-*/")
        await expect(page.locator(".message[data-role=user]")).to_have_text(
            re.compile("half a thought about herons")
        )
        await expect(page.locator("#content")).to_have_value("")


async def test_earlier_messages_come_when_one_scrolls_up(place: Installation) -> None:
    async with visit(place, "charlie") as charlie:
        page = charlie.page
        talk = (await ask(charlie, "POST", "conversations/"))["id"]
        for number in range(18):
            body = {"content": f"Hello there, number {number}."}
            await ask(charlie, "POST", f"conversations/{talk}/messages/", body)
        for _ in range(200):
            found = await ask(charlie, "GET", f"conversations/{talk}/")
            if not found["working"] and found["message_count"] >= 36:
                break
            await page.wait_for_timeout(300)
        await charlie.go(f"/chat/{talk}/")
        first = page.locator(".message", has_text="number 0.")
        await expect(first).to_have_count(0)
        await page.mouse.move(700, 400)
        for _ in range(30):
            await page.mouse.wheel(0, -900)
            await page.wait_for_timeout(80)
        await expect(first).to_have_count(1)
        seen = await page.locator(".message .words").all_inner_texts()
        said = [int(found[1]) for text in seen if (found := re.search(r"number (\d+)\.", text))]
        assert [number for number in said if said.count(number) == 1][:3] == [0, 1, 2]


async def test_conversations_are_found_renamed_and_taken_back(place: Installation) -> None:
    async with visit(place, "charlie") as charlie:
        page = charlie.page
        for title in ("Herons", "Tide tables", "Night trains"):
            await ask(charlie, "POST", "conversations/", {"title": title})
        await charlie.go("/chat/")
        await page.fill("#find-talk input", "tide")
        lines = page.locator("#talk-list li")
        await expect(lines).to_have_count(1)
        await lines.first.locator("a").click()
        await page.locator(".talk-head summary").click()
        await page.fill("#talk-name", "Tides")
        await page.press("#talk-name", "Enter")
        await expect(page.locator("#talk-title")).to_have_text("Tides")
        await expect(page.locator("#talk-list")).to_contain_text("Tides")
        await page.locator(".talk-head summary").click()
        await page.get_by_role("button", name="Move to the trash").click()
        await page.wait_for_url("**/chat/")
        await expect(page.locator("#talk-list")).not_to_contain_text("Tides")
        await page.get_by_role("button", name="Undo").click()
        await page.wait_for_url("**/chat/*-*/")
        await expect(page.locator("#talk-title")).to_have_text("Tides")
        await page.locator("#talk-title").click()
        await page.keyboard.press("j")
        await expect(page.locator("#talk-list a").first).to_be_focused()
        await page.keyboard.press("j")
        await page.keyboard.press("k")
        await expect(page.locator("#talk-list a").first).to_be_focused()


async def states(visiting: Visit, place: Installation) -> dict[str, str]:
    """A page for each state of a film, and the pages that show films."""
    place.faults(*FAULTS)
    talk = (await ask(visiting, "POST", "conversations/", {"title": "Every state"}))["id"]
    there = {"conversation": talk}
    made = await film(visiting, "A small wave on a flat beach", **there)
    await until(visiting, made, "completed")
    running = await film(visiting, NEVER, **there)
    failed = await film(visiting, REFUSED, **there)
    dropped = await film(visiting, f"{NEVER}, given up", **there)
    found = {
        "clarify": await film(visiting, "A kite", confirmed=False, parameters={}, **there),
        "confirm": await film(visiting, "A tram in the rain", confirmed=False, **there),
        "completed": made,
        "processing": running,
        "failed": failed,
    }
    await until(visiting, running, "processing")
    await until(visiting, failed, "failed")
    await until(visiting, dropped, "processing")
    found["queued"] = await film(visiting, f"{NEVER}, in its turn", **there)
    for _ in range(3):
        found["queued"] = await film(visiting, f"{NEVER}, later still", **there)
    await ask(visiting, "POST", f"videos/{dropped}/cancel/")
    found["cancelled"] = dropped
    pages = {name: f"/videos/{id}/" for name, id in found.items()}
    return pages | {"talk": f"/chat/{talk}/", "chat": "/chat/", "home": "/", "queue": "/queue/"}


async def test_no_state_of_a_film_breaks_a_rule_or_the_width(place: Installation) -> None:
    script = axe_script()
    wrong: list[str] = []
    options = {"bypass_csp": True, "reduced_motion": "reduce"}
    async with visit(place, "alice", **options) as alice:
        page = alice.page
        try:
            shown = await states(alice, place)
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                for name, path in shown.items():
                    await page.set_viewport_size({"width": 1280, "height": 860})
                    await alice.go(path)
                    await page.wait_for_timeout(300)
                    for more in await page.locator(".film details.more > summary").all():
                        await more.click()
                    if script:
                        await page.evaluate(script)
                        wrong += [f"{name} {scheme}: {found}" for found in await offences(page)]
                    for width in (320, 768, 1920) if scheme == "dark" else ():
                        await page.set_viewport_size({"width": width, "height": 800})
                        over = await page.evaluate("document.body.scrollWidth - innerWidth")
                        wrong += [f"{name} at {width}: {over} px too wide"] if over > 0 else []
        finally:
            place.faults()
            for video in (await ask(alice, "GET", "videos/"))["results"]:
                if video["status"] in {"queued", "processing"}:
                    await ask(alice, "POST", f"videos/{video['id']}/cancel/")
    assert wrong == []


async def test_a_refused_film_is_edited_and_made(place: Installation) -> None:
    place.faults(*FAULTS)
    async with visit(place, "bob") as bob:
        page = bob.page
        id = await film(bob, REFUSED)
        await until(bob, id, "failed")
        place.faults()
        await bob.go(f"/videos/{id}/")
        problem = page.locator(".film .problem")
        await expect(problem).to_contain_text("You were not charged.")
        await page.locator("summary", has_text="Edit & retry").click()
        await page.locator("textarea[name='r.prompt']").fill("x")
        await page.get_by_role("button", name="Put up the new summary").click()
        assert await page.locator("textarea[name='r.prompt']:invalid").count()
        await page.locator("textarea[name='r.prompt']").fill("A quiet street after rain")
        await page.locator(".film label", has_text="1080p").click()
        await page.get_by_role("button", name="Put up the new summary").click()
        # only the longest film comes in the higher resolution
        await expect(page.locator("[data-refusal]")).to_contain_text("cannot be taken")
        await page.locator(".film label", has_text="720p").click()
        await page.get_by_role("button", name="Put up the new summary").click()
        await expect(page.locator(".film ins").first).to_contain_text("A quiet street after rain")
        await page.get_by_role("button", name="Confirm and spend").click()
        await expect(card(page, "completed")).to_be_visible(timeout=FILM)
        await expect(page.locator(".timeline")).to_contain_text("Money settled")
        bob.complaints[:] = [said for said in bob.complaints if "422" not in said]
