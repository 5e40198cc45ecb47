"""A space in the browser: two people side by side, by keyboard, without a socket or a script."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.stage import Installation, Visit, axe_script, browser, visit
from tests.browser.test_chat import ask
from tests.browser.test_pages import offences

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

PICTURE = 90_000
REFUSED = "a harbour that nobody may paint"
HERE = (
    "({ text: document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
    " || document.activeElement.tagName })"
)
#: what a page holds, as the server tells it: everything but who is here, and how long ago
HELD = """async () => {
  const { store } = await import('/static/genproj/room.js');
  const things = {};
  for (const [name, map] of Object.entries(store.base)) things[name] = [...map.values()];
  return JSON.stringify({ seq: store.seq, open: store.waiting, ...things });
}"""


async def space_with_bob(alice: Visit, name: str) -> str:
    """A new space of Alice's in which Bob edits."""
    space = str((await ask(alice, "POST", "spaces/", {"name": name}))["id"])
    await ask(alice, "POST", f"spaces/{space}/members/", {"username": "bob", "role": "editor"})
    return space


async def picture(visiting: Visit, space: str, name: str, **more: Any) -> dict[str, Any]:
    """An asset with one picture, once it is there."""
    body = {"name": name, "asset_type": "character", "prompt": f"{name}, gouache"} | more
    made: dict[str, Any] = await ask(visiting, "POST", f"spaces/{space}/generate/", body)
    wanted = {variant["id"] for variant in made["variants"]}
    await settled(visiting, space, wanted)
    return made


async def settled(visiting: Visit, space: str, wanted: set[str]) -> None:
    """Wait until these variants are made, or have failed."""
    end = time.monotonic() + PICTURE / 1000
    while True:
        found = await ask(visiting, "GET", f"spaces/{space}/state/")
        rows = [row for row in found["variants"] if row["id"] in wanted]
        if all(row["status"] in {"completed", "failed"} for row in rows):
            return
        assert time.monotonic() < end, "The pictures never came."
        await visiting.page.wait_for_timeout(300)


async def until(visiting: Visit, space: str, is_so: Callable[[Any], bool]) -> None:
    """Wait until the server's state of a space is so."""
    end = time.monotonic() + PICTURE / 1000
    while not is_so(await ask(visiting, "GET", f"spaces/{space}/state/")):
        assert time.monotonic() < end, "It never came so far."
        await visiting.page.wait_for_timeout(300)


def asset(page: Page, name: str) -> Any:
    """The tile of an asset."""
    return page.locator(".asset", has=page.locator(".name", has_text=re.compile(f"^{name}$")))


@asynccontextmanager
async def together(place: Installation) -> AsyncIterator[tuple[Visit, Visit]]:
    """Alice and Bob, each in a profile of their own, in one browser."""
    async with browser() as made:
        people = []
        for name in ("alice", "bob"):
            context = await made.new_context(viewport={"width": 1280, "height": 860})
            context.set_default_timeout(15_000)
            visiting = Visit(await context.new_page(), place.url)
            await visiting.sign_in(name)
            people.append(visiting)
        yield people[0], people[1]
        for visiting in people:
            await visiting.page.context.close()
        assert [said for visiting in people for said in visiting.complaints] == []


async def reach(page: Page, words: str, *, key: str = "Tab") -> None:
    """Go on by keyboard until the focus is on what says these words."""
    for _ in range(80):
        await page.keyboard.press(key)
        if words in (await page.evaluate(HERE))["text"]:
            return
    raise AssertionError(f"{words!r} is not reached with {key}.")


async def held(visiting: Visit) -> dict[str, Any]:
    """What the page holds, each list by id."""
    found = json.loads(await visiting.page.evaluate(HELD))
    return {
        name: sorted(value, key=lambda one: str(one["id"])) if isinstance(value, list) else value
        for name, value in found.items()
    }


async def same_as_fresh(visiting: Visit, space: str) -> None:
    """Hold the page to a full state that is read now."""
    for _ in range(40):
        mine = await held(visiting)
        fresh = await ask(visiting, "GET", f"spaces/{space}/state/")
        if mine["seq"] == fresh["seq"] and mine["open"] == 0:
            break
        await visiting.page.wait_for_timeout(150)
    for name in ("assets", "variants", "lineage"):
        assert mine[name] == sorted(fresh[name], key=lambda one: str(one["id"])), name
    assert mine["seq"] == fresh["seq"]


async def test_two_people_work_side_by_side_and_end_with_the_same(place: Installation) -> None:
    async with together(place) as (alice, bob):
        space = await space_with_bob(alice, "Side by side")
        for person in (alice, bob):
            await person.go(f"/spaces/{space}/")
            await person.live()
        await expect(bob.page.locator("#faces .here")).to_have_count(2)
        # Bob makes a picture: its place is there at once at Alice's, and fills by itself
        await bob.page.fill("#maker-prompt", "A heron, gouache")
        await expect(bob.page.locator("#maker-cost")).to_contain_text("USD")
        await bob.page.press("#maker-prompt", "Enter")
        await expect(alice.page.locator(".asset .doing")).to_be_visible()
        await expect(asset(alice.page, "A heron").locator("img")).to_be_visible(timeout=PICTURE)
        # Alice names, stars and rates; Bob is told who did what
        await asset(alice.page, "A heron").locator(".go").focus()
        await alice.page.keyboard.press("F2")
        await alice.page.fill("#asked", "The heron")
        await alice.page.keyboard.press("Enter")
        await expect(bob.page.locator(".did")).to_have_text("alice renamed this")
        await alice.page.keyboard.press("f")
        await alice.page.keyboard.press("a")
        heron = asset(bob.page, "The heron")
        await expect(heron.locator(".star")).to_have_attribute("aria-pressed", "true")
        await expect(heron.locator(".mark[data-tone=done]")).to_be_visible()
        # Bob makes another without a picture, and Alice moves it below the first
        await bob.page.click("#new-asset summary")
        await bob.page.fill("#new-name", "Its nest")
        await bob.page.keyboard.press("Enter")
        await asset(alice.page, "Its nest").locator(".go").focus()
        await alice.page.keyboard.press("m")
        await alice.page.locator("dialog [role=treeitem]", has_text="The heron").click()
        await alice.page.get_by_role("button", name="Move below The heron").click()
        await expect(heron.locator(".below")).to_have_text("1")
        # both refine the same picture at once
        path = await heron.locator(".go").get_attribute("href") or ""
        for person, words in ((alice, "more mist"), (bob, "more reeds")):
            await person.go(path)
            await person.live()
            await person.page.fill("#maker-prompt", words)
            await person.page.press("#maker-prompt", "Enter")
        for person in (alice, bob):
            slots = person.page.locator(".slot[data-status=completed]")
            await expect(slots).to_have_count(3, timeout=PICTURE)
        for person in (alice, bob):
            await same_as_fresh(person, space)


async def test_a_circle_is_refused_with_its_reason(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        space = await space_with_bob(alice, "Circles")
        top = await ask(
            alice, "POST", f"spaces/{space}/assets/", {"name": "Tower", "asset_type": "place"}
        )
        await ask(
            alice,
            "POST",
            f"spaces/{space}/assets/",
            {"name": "Lamp", "asset_type": "prop", "parent_asset_id": top["id"]},
        )
        await alice.go(f"/spaces/{space}/")
        await asset(page, "Tower").locator(".go").focus()
        await page.keyboard.press("m")
        await page.fill("dialog input", "Lamp")
        await page.locator("dialog [role=treeitem]").click()
        await expect(page.locator("dialog .wrong")).to_contain_text("that would be a circle")
        await expect(page.get_by_role("button", name="Move here")).to_be_disabled()
        await page.keyboard.press("Escape")
        await asset(page, "Tower").drag_to(asset(page, "Lamp"))
        await expect(page.locator(".toast")).to_contain_text("Not moved.")


async def test_who_was_slower_sees_both_values(place: Installation) -> None:
    async with together(place) as (alice, bob):
        space = await space_with_bob(alice, "At once")
        await ask(alice, "POST", f"spaces/{space}/assets/", {"name": "Oar", "asset_type": "prop"})
        for person in (alice, bob):
            await person.go(f"/spaces/{space}/")
            await person.live()
            await asset(person.page, "Oar").locator(".go").focus()
            await person.page.keyboard.press("F2")
        await alice.page.fill("#asked", "Left oar")
        await alice.page.keyboard.press("Enter")
        await expect(asset(bob.page, "Left oar")).to_be_visible()
        await bob.page.fill("#asked", "Long oar")
        await bob.page.keyboard.press("Enter")
        both = bob.page.locator("dialog .both")
        await expect(both).to_contain_text("Left oar")
        await expect(both).to_contain_text("Long oar")
        await bob.page.get_by_role("button", name="Use mine").click()
        await expect(asset(alice.page, "Long oar")).to_be_visible()


async def test_everything_goes_by_keyboard(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        await alice.go("/spaces/")
        await reach(page, "New space")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.type("By hand")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/spaces/*-*/")
        await alice.live()
        await reach(page, "Prompt")
        await page.keyboard.type("A tin boat, gouache")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await expect(asset(page, "A tin boat").locator("img")).to_be_visible(timeout=PICTURE)
        await reach(page, "A tin boat, character", key="Shift+Tab")
        await page.keyboard.press("f")
        star = asset(page, "A tin boat").locator(".star")
        await expect(star).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/assets/*/")
        await alice.live()
        await page.keyboard.press("e")
        await page.keyboard.type("with a red sail")
        await page.keyboard.press("Enter")
        done = page.locator(".slot[data-status=completed]")
        await expect(done).to_have_count(2, timeout=PICTURE)
        await page.keyboard.press("Escape")
        await page.keyboard.press("s")
        await expect(page.locator("[data-do=active]")).to_have_text("Active")
        await page.keyboard.press("c")
        await page.get_by_role("button", name="Compare", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/compare/**")
        await page.focus("#compare")
        await page.keyboard.press("m")
        await expect(page.locator("#compare")).to_have_attribute("data-mode", "slider")
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("#divide")).to_have_value("55")
        await page.keyboard.press("1")
        await expect(page.locator(".pane[data-letter=A] .chip")).to_have_text("active")
        await expect(page.locator(".pane .chip")).to_have_count(1)


async def test_lineage_is_walked_severed_and_told_in_words(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        space = await space_with_bob(alice, "Descent")
        first = await picture(alice, space, "Root")
        source = first["variants"][0]["id"]
        body = {
            "name": "Branch",
            "asset_type": "scene",
            "prompt": "a branch",
            "reference_variant_ids": [source],
        }
        made = await ask(alice, "POST", f"spaces/{space}/derive/", body)
        await settled(alice, space, {made["variants"][0]["id"]})
        await alice.go(f"/assets/{first['asset']['id']}/?view=lineage")
        await expect(page.locator(".graph-node")).to_have_count(2)
        await page.locator(".graph-node.focus .node-face").focus()
        await page.keyboard.press("ArrowRight")
        assert "Branch" in (await page.evaluate(HERE))["text"]
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Sever from Root").click()
        await page.get_by_role("button", name="Sever", exact=True).click()
        await expect(page.locator(".edges .severed")).to_have_count(1)
        await page.get_by_role("button", name="List").click()
        await expect(page.locator("[role=treeitem][aria-level='2']")).to_contain_text("severed")
        await ask(alice, "DELETE", f"spaces/{space}/assets/{made['asset']['id']}/")
        await expect(page.locator(".descent-row.removed")).to_contain_text("Branch (removed)")


async def test_the_board_lives_while_the_socket_is_blocked(place: Installation) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close()

    async with together(place) as (alice, bob):
        space = await space_with_bob(alice, "No line")
        made = await picture(alice, space, "Buoy")
        await bob.page.route_web_socket(re.compile(r"/ws/"), refuse)
        await bob.go(f"/spaces/{space}/")
        await expect(asset(bob.page, "Buoy").locator("img")).to_be_visible(timeout=30_000)
        await ask(
            alice,
            "PATCH",
            f"spaces/{space}/assets/{made['asset']['id']}/",
            {"name": "Red buoy"},
        )
        await expect(asset(bob.page, "Red buoy")).to_be_visible(timeout=PICTURE)
        await asset(bob.page, "Red buoy").locator(".go").focus()
        await bob.page.keyboard.press("f")
        star = asset(bob.page, "Red buoy").locator(".star")
        await expect(star).to_have_attribute("aria-pressed", "true")
        # an edit of words goes by the API, against the version that was seen
        await bob.page.keyboard.press("F2")
        await bob.page.fill("#asked", "Old buoy")
        await bob.page.keyboard.press("Enter")
        await expect(asset(bob.page, "Old buoy")).to_be_visible()
        await until(alice, space, lambda state: state["assets"][0]["name"] == "Old buoy")
        found = await ask(alice, "GET", f"spaces/{space}/state/")
        assert [row["starred"] for row in found["variants"]] == [True]
        # and what is done without any line at all once there is one again
        await bob.page.context.set_offline(True)
        await expect(bob.page.locator("#wire[data-state=offline]")).to_be_visible()
        await bob.page.keyboard.press("a")
        await expect(asset(bob.page, "Old buoy").locator(".mark")).to_be_visible()
        await bob.page.context.set_offline(False)
        await until(alice, space, lambda state: state["variants"][0]["rating"] == "approved")
        bob.complaints[:] = [said for said in bob.complaints if "ERR_INTERNET" not in said]


async def test_a_space_is_read_without_a_script(place: Installation) -> None:
    async with visit(place, "alice", java_script_enabled=False) as alice:
        page = alice.page
        space = await space_with_bob(alice, "Plain")
        made = await picture(alice, space, "Gull")
        await alice.go(f"/spaces/{space}/?q=gul")
        await expect(page.locator(".asset .name")).to_have_text("Gull")
        await page.locator(".asset .go").click()
        await expect(page.locator(".big img")).to_be_visible()
        await expect(page.locator(".recipe")).to_contain_text("Gull, gouache")
        await expect(page.locator(".recipe")).to_contain_text("not recorded")
        await alice.go(f"/assets/{made['asset']['id']}/?view=lineage")
        await expect(page.locator("#descent")).to_be_visible()
        await alice.go(f"/spaces/{space}/?tab=settings")
        await page.get_by_role("button", name="Make a link").click()
        link = await page.inner_text("#link")
        assert "/spaces/?invitation=" in link
    async with visit(place, "charlie", java_script_enabled=False) as charlie:
        await charlie.go(link.removeprefix(charlie.url))
        await charlie.page.get_by_role("button", name="Join the space").click()
        await expect(charlie.page.locator("#room-name")).to_have_text("Plain")
        await charlie.go("/spaces/")
        await expect(charlie.page.locator(".space-card")).to_have_count(1)


async def test_a_picture_of_the_gallery_becomes_a_variant(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        space = await space_with_bob(alice, "Brought")
        await alice.go("/gallery/")
        await page.click("#tiles a[data-open]")
        await page.get_by_role("link", name="Add to asset").click()
        await page.locator(".tabs a", has_text="Brought").click()
        await page.fill("#add-name", "From the gallery")
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.wait_for_url("**/assets/*/")
        await expect(page.locator(".big img")).to_be_visible()
        found = await ask(alice, "GET", f"spaces/{space}/state/")
        assert [row["name"] for row in found["assets"]] == ["From the gallery"]


async def test_words_are_kept_pictures_described_shared_and_taken_elsewhere(
    place: Installation, tmp_path: Path
) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        space = await space_with_bob(alice, "Worded")
        made = await picture(alice, space, "Bell")
        await alice.go(f"/spaces/{space}/")
        await alice.live()
        # words are kept, and put into another prompt
        await page.fill("#maker-prompt", "in thick fog")
        await page.click("#snips summary")
        await page.click("[data-keep-snippet]")
        await page.fill("#asked", "Fog")
        await page.keyboard.press("Enter")
        await expect(page.locator(".toast")).to_contain_text("is kept")
        await page.fill("#maker-prompt", "A bell")
        await page.click("#snips summary")
        await page.get_by_role("button", name="Fog", exact=True).click()
        await expect(page.locator("#maker-prompt")).to_have_value("A bell, in thick fog")
        # what can be seen is asked for once, and stays
        await alice.go(f"/assets/{made['asset']['id']}/")
        await alice.live()
        await page.locator("[data-do=describe]").click()
        await expect(page.locator(".seen-words")).not_to_be_empty(timeout=PICTURE)
        await expect(page.locator("[data-do=describe]")).to_have_count(0)
        # a link with a password shows it to whoever has both, and counts
        await page.click("[aria-label='More about this variant']")
        await page.locator("[data-do=share]").click()
        await expect(page.locator(".share-form [name=v]:checked")).to_have_count(1)
        await page.fill("#share-password", "clapper")
        await page.get_by_role("button", name="Make the link").click()
        link = await page.inner_text("#link")
        async with visit(place) as stranger:
            await stranger.go(link.removeprefix(stranger.url))
            await stranger.page.fill("#password", "clapper")
            await stranger.page.keyboard.press("Enter")
            await expect(stranger.page.locator("figure img")).to_have_count(1)
        await alice.go(f"/spaces/{space}/shares/")
        await expect(page.locator(".people .caption")).to_contain_text("1 view")
        await page.get_by_role("button", name="Revoke", exact=True).click()
        await expect(page.locator(".people .chip")).to_have_text("revoked")
        # the whole of it comes in again as a space of its own; what is no such file does not
        await alice.go(f"/spaces/{space}/?tab=settings")
        async with page.expect_download() as coming:
            await page.get_by_role("link", name="Export the space").click()
        taken = tmp_path / "space.zip"
        await (await coming.value).save_as(taken)
        (tmp_path / "letter.zip").write_text("no zip at all")
        await alice.go("/spaces/import/")
        await page.set_input_files("#import-file", tmp_path / "letter.zip")
        await page.click("#import-send")
        await expect(page.locator("#import-refused")).to_contain_text("no space that was exported")
        await page.set_input_files("#import-file", taken)
        await page.click("#import-send")
        await expect(page.locator("#room-name")).to_have_text("Worded", timeout=PICTURE)
        await expect(asset(page, "Bell").locator("img")).to_be_visible()
        alice.complaints[:] = [said for said in alice.complaints if "422" not in said]


async def every_state(alice: Visit, place: Installation) -> dict[str, str]:
    """A page for each screen of a space, with each state of a variant."""
    place.faults(
        {"fault": "content_policy", "match": REFUSED},
        {"fault": "gemini_blocked", "match": REFUSED},
        {"fault": "never", "match": "never comes"},
        {"fault": "gemini_slow", "seconds": 60, "match": "never comes"},
    )
    space = await space_with_bob(alice, "Every state")
    made = await picture(alice, space, "Lantern", count=2)
    await picture(alice, space, "Refused", prompt=REFUSED)
    await ask(alice, "POST", f"spaces/{space}/assets/", {"name": "Bare", "asset_type": "prop"})
    body = {"name": "Slow", "asset_type": "scene", "prompt": "a tide that never comes"}
    await ask(alice, "POST", f"spaces/{space}/generate/", body)
    one, two = (variant["id"] for variant in made["variants"])
    refined = {"asset_id": made["asset"]["id"], "prompt": "brighter", "source_variant_ids": [one]}
    more = await ask(alice, "POST", f"spaces/{space}/refine/", refined)
    await settled(alice, space, {more["variants"][0]["id"]})
    rated = {"rating": "needs_changes", "comment": "The glass should shine."}
    await ask(alice, "PATCH", f"spaces/{space}/variants/{one}/", {**rated, "starred": True})
    empty = await space_with_bob(alice, "Empty")
    found = await ask(alice, "GET", f"spaces/{space}/state/")
    ids = {row["name"]: row["id"] for row in found["assets"]}
    shown = next(row["artifact"] for row in found["variants"] if row["artifact"])
    return {
        "list": "/spaces/",
        "import": "/spaces/import/",
        "shares": f"/spaces/{space}/shares/?v={one}",
        "board": f"/spaces/{space}/",
        "nothing": f"/spaces/{space}/?q=nothing",
        "empty": f"/spaces/{empty}/",
        "activity": f"/spaces/{space}/?tab=activity",
        "settings": f"/spaces/{space}/?tab=settings",
        "asset": f"/assets/{made['asset']['id']}/?variant={one}",
        "failed": f"/assets/{ids['Refused']}/",
        "waiting": f"/assets/{ids['Slow']}/",
        "bare": f"/assets/{ids['Bare']}/",
        "lineage": f"/assets/{made['asset']['id']}/?view=lineage&variant={one}",
        "compare": f"/spaces/{space}/compare/?v={one}&v={two}",
        "slider": f"/spaces/{space}/compare/?v={one}&v={two}&mode=slider",
        "add": f"/spaces/add/?artifact={shown}",
    }


async def test_no_screen_of_a_space_breaks_a_rule_or_the_width(place: Installation) -> None:
    script = axe_script()
    wrong: list[str] = []
    options = {"bypass_csp": True, "reduced_motion": "reduce"}
    async with visit(place, "alice", **options) as alice:
        page = alice.page
        try:
            pages = await every_state(alice, place)
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                for name, path in pages.items():
                    await page.set_viewport_size({"width": 1280, "height": 860})
                    await alice.go(path)
                    await page.wait_for_timeout(900)
                    if name == "board":
                        await page.locator("#maker-prompt").focus()
                    if script:
                        await page.evaluate(script)
                        wrong += [f"{name} {scheme}: {found}" for found in await offences(page)]
                    for width in (320, 768, 1920) if scheme == "dark" else ():
                        await page.set_viewport_size({"width": width, "height": 800})
                        over = await page.evaluate("document.body.scrollWidth - innerWidth")
                        wrong += [f"{name} at {width}: {over} px too wide"] if over > 0 else []
        finally:
            place.faults()
    assert wrong == []
