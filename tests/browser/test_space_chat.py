"""A space's chat by two people at once: proposals decided once, answers that outlive a reload."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.stage import Installation, Visit, axe_script, visit
from tests.browser.test_chat import ask
from tests.browser.test_pages import offences

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

TWO = "Generate two variants of a lighthouse at night and rename the knight to Sir Fog"
LATER = 120_000


async def space_of(alice: Visit, name: str) -> str:
    """A new space of Alice's with a knight in it, where Bob edits and Charlie looks on."""
    made = await ask(alice, "POST", "spaces/", {"name": name})
    id = str(made["id"])
    for person, role in (("bob", "editor"), ("charlie", "viewer")):
        body = {"username": person, "role": role}
        await ask(alice, "POST", f"spaces/{id}/invitations/", body)
    await ask(alice, "POST", f"spaces/{id}/assets/", {"name": "Knight", "asset_type": "character"})
    return id


async def join(visiting: Visit, id: str) -> None:
    """Come in by the invitation."""
    for one in (await ask(visiting, "GET", "invitations/"))["results"]:
        if one["space"]["id"] == id:
            await ask(visiting, "POST", f"invitations/{one['id']}/accept/")


@asynccontextmanager
async def two(place: Installation, name: str, **options: Any) -> AsyncIterator[tuple[Any, ...]]:
    """Alice and Bob, both in the chat of a new space."""
    async with visit(place, "alice", **options) as alice, visit(place, "bob", **options) as bob:
        id = await space_of(alice, name)
        await join(bob, id)
        for one in (alice, bob):
            await one.go(f"/spaces/{id}/?tab=chat")
            await one.live()
        yield alice, bob, id


def proposal(page: Page, words: str, status: str = "pending") -> Any:
    """The newest proposal of these words that stands so."""
    return page.locator(f'.proposal[data-status="{status}"]', has_text=words).last


async def say(page: Page, words: str) -> None:
    """Write and send."""
    await page.fill("#content", words)
    await page.press("#content", "Enter")


async def test_a_proposal_is_decided_once_for_everybody(place: Installation) -> None:
    async with two(place, "Two deciders") as (alice, bob, _):
        await say(alice.page, TWO)
        for one in (alice, bob):
            await expect(proposal(one.page, "Generate 2 variants of")).to_be_visible(timeout=LATER)
            await expect(one.page.locator(".together")).to_contain_text("2 proposals")
        await expect(bob.page.locator(".message .by", has_text="alice")).to_be_visible()
        await expect(bob.page.locator(".to-decide .count")).to_contain_text("2")
        await expect(proposal(bob.page, "Generate")).to_contain_text("alice or bob may decide")
        card = proposal(bob.page, "Generate")
        await card.locator("summary", has_text="Edit").click()
        await card.locator("textarea").fill("A lighthouse at night, heavy rain")
        await card.get_by_role("button", name="Approve as edited").click()
        for one in (alice, bob):
            record = proposal(one.page, "Generate 2 variants of", "executed")
            await expect(record).to_contain_text("Approved by bob, edited", timeout=LATER)
            await expect(record.locator('[data-made][data-status="completed"] img')).to_have_count(
                2, timeout=LATER
            )
        await record.locator("summary").first.click()
        await expect(record.locator("ins")).to_contain_text("heavy rain")
        await proposal(alice.page, "Rename").get_by_role("button", name="Approve").first.click()
        await expect(proposal(bob.page, "Rename", "executed")).to_contain_text("by alice")
        last = bob.page.locator('.message[data-role="assistant"]').last
        await expect(last).to_contain_text("Done", timeout=LATER)
        await expect(bob.page.locator("[data-working]")).to_have_count(0, timeout=LATER)


async def test_the_second_is_told_who_was_first(place: Installation) -> None:
    async with two(place, "Who was first") as (alice, bob, id):
        await say(alice.page, "Rename the knight to Sir Fog")
        card = proposal(bob.page, "Rename")
        await expect(card).to_be_visible(timeout=LATER)
        await bob.page.route(re.compile(r"part=messages"), lambda route: route.abort())
        [waiting] = (await ask(alice, "GET", f"spaces/{id}/approvals/?status=pending"))["results"]
        await ask(alice, "POST", f"spaces/{id}/approvals/{waiting['id']}/approve/")
        await card.get_by_role("button", name="Approve").first.click()
        await expect(bob.page.locator(".toast")).to_contain_text("Already approved by alice")
        await bob.page.unroute(re.compile(r"part=messages"))
        bob.complaints.clear()
        await bob.page.reload()
        await expect(proposal(bob.page, "Rename", "executed")).to_contain_text("by alice")


async def test_everything_is_done_by_keyboard(place: Installation) -> None:
    async with two(place, "Keys only") as (alice, bob, _):
        page = alice.page
        await expect(page.locator("#content")).to_be_focused()
        await page.keyboard.type("Rename @kni")
        await expect(page.locator("[role=option]")).to_contain_text("Knight")
        await page.keyboard.press("Enter")
        await expect(page.locator("#shown-list")).to_contain_text("Knight")
        await page.keyboard.type("to Sir Fog")
        await expect(page.locator("#content")).to_have_value("Rename Knight to Sir Fog")
        await page.keyboard.press("Enter")
        await expect(page.locator(".seen")).to_contain_text("Knight")
        await decide(alice, bob, "Rename", "y", "executed")
        await page.keyboard.press("m")
        await page.keyboard.type("Generate a red door")
        await page.keyboard.press("Enter")
        await decide(alice, bob, "Generate", "Shift+N", "rejected")


async def decide(alice: Visit, bob: Visit, words: str, key: str, status: str) -> None:
    """Go to a proposal by Tab, decide on it by a key, and see that all see it."""
    page = alice.page
    await expect(proposal(page, words)).to_be_visible(timeout=LATER)
    await page.focus("#content")
    for _ in range(40):
        await page.keyboard.press("Shift+Tab")
        if await proposal(page, words).evaluate("card => card === document.activeElement"):
            break
    await page.keyboard.press(key)
    for one in (alice, bob):
        await expect(proposal(one.page, words, status)).to_be_visible(timeout=LATER)


async def test_an_answer_goes_on_through_a_reload_and_can_be_stopped(place: Installation) -> None:
    async with two(place, "Slow words") as (alice, bob, _):
        place.faults({"fault": "model_drip", "seconds": 25})
        try:
            await say(alice.page, "Good morning")
            words = bob.page.locator('.message[data-state="working"] [data-text]')
            await expect(words).to_have_text(re.compile(r"\w+ \w+"), timeout=LATER)
            before = await words.inner_text()
            await bob.page.reload()
            await bob.live()
            await expect(words).to_have_text(re.compile(re.escape(before[:12])))
            length = len(await words.inner_text())
            await expect(words).to_have_text(re.compile(rf"[^§]{{{length + 5},}}"))
            await alice.page.get_by_role("button", name="Stop").click()
            for one in (alice, bob):
                await expect(one.page.locator(".cut")).to_contain_text("Stopped")
        finally:
            place.faults()
        await bob.page.get_by_role("button", name="Continue").click()
        done = alice.page.locator('.message[data-role="assistant"][data-state="complete"]')
        await expect(done).to_have_count(1, timeout=LATER)
        await expect(alice.page.locator(".cut")).to_have_count(0)


async def test_a_failed_answer_is_tried_again(place: Installation) -> None:
    async with two(place, "Failing") as (alice, _, __):
        place.faults({"fault": "model_rejected", "times": 1})
        try:
            await say(alice.page, "Good morning")
            failed = alice.page.locator('.message[data-tone="failed"]')
            await expect(failed).to_be_visible(timeout=LATER)
            await alice.page.get_by_role("button", name="Retry").click()
            await expect(failed).to_have_count(0, timeout=LATER)
        finally:
            place.faults()


async def test_it_works_while_the_socket_is_blocked(place: Installation) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close()

    async with visit(place, "alice") as alice:
        page = alice.page
        id = await space_of(alice, "No socket")
        await page.route_web_socket(re.compile(r"/ws/"), refuse)
        await alice.go(f"/spaces/{id}/?tab=chat")
        await say(page, "Rename the knight to Sir Fog")
        await page.wait_for_selector("#wire[data-state=polling]", timeout=LATER)
        await expect(proposal(page, "Rename")).to_be_visible(timeout=LATER)
        await proposal(page, "Rename").get_by_role("button", name="Approve").first.click()
        await expect(proposal(page, "Rename", "executed")).to_be_visible(timeout=LATER)


async def test_it_works_without_a_script(place: Installation) -> None:
    async with visit(place, "alice", java_script_enabled=False) as alice:
        page = alice.page
        id = await space_of(alice, "No script")

        async def come(status: str) -> None:
            for _ in range(40):
                await page.goto(f"{alice.url}/spaces/{id}/?tab=chat")
                if await proposal(page, "Rename", status).count():
                    return
                await page.wait_for_timeout(700)
            raise AssertionError(f"No proposal came to {status}.")

        await alice.go(f"/spaces/{id}/?tab=chat")
        await page.fill("#content", "Rename the knight to Sir Fog")
        await page.click("#send")
        await come("pending")
        await alice.go("/approvals/")
        card = page.locator(".waits-in", has_text="No script").locator(".proposal")
        await card.locator("summary", has_text="Edit").click()
        await card.get_by_label("Name").fill("Sir Mist")
        await card.get_by_role("button", name="Approve as edited").click()
        assert page.url.endswith("/approvals/")
        await come("executed")
        await expect(proposal(page, "Rename", "executed")).to_contain_text("to Sir Mist")


async def test_a_viewer_reads_along_and_decides_nothing(place: Installation) -> None:
    async with visit(place, "alice") as alice, visit(place, "charlie") as charlie:
        id = await space_of(alice, "Looking on")
        await join(charlie, id)
        await alice.go(f"/spaces/{id}/?tab=chat")
        await charlie.go(f"/spaces/{id}/?tab=chat")
        await charlie.live()
        await say(alice.page, "Rename the knight to Sir Fog")
        card = proposal(charlie.page, "Rename")
        await expect(card).to_be_visible(timeout=LATER)
        await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
        await expect(charlie.page.locator("#content")).to_have_count(0)
        await expect(charlie.page.locator(".reading")).to_contain_text("read along")


async def test_no_state_breaks_a_rule_or_the_width(place: Installation) -> None:
    script = axe_script()
    wrong: list[str] = []
    async with two(place, "Every state", bypass_csp=True, reduced_motion="reduce") as found:
        alice, _, id = found
        page = alice.page
        await say(page, TWO)
        await expect(proposal(page, "Rename")).to_be_visible(timeout=LATER)
        await proposal(page, "Rename").locator("summary", has_text="Reject").click()
        await expect(page.locator(".why input:focus")).to_have_count(1)
        await page.keyboard.type("It has a name.")
        await page.keyboard.press("Enter")
        await expect(proposal(page, "Rename", "rejected")).to_contain_text("It has a name.")
        await page.wait_for_timeout(1500)
        shown = {"chat": f"/spaces/{id}/?tab=chat", "approvals": "/approvals/"}
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for name, path in shown.items():
                # so tall that nothing is scrolled below what sticks to an edge
                await page.set_viewport_size({"width": 1280, "height": 2400})
                await alice.go(path)
                await proposal(page, "Generate").locator("summary", has_text="Edit").click()
                await page.wait_for_timeout(400)
                if script is not None:
                    await page.evaluate(script)
                    wrong += [f"{scheme} {name}: {one}" for one in await offences(page)]
                await page.set_viewport_size({"width": 320, "height": 800})
                await page.wait_for_timeout(200)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                if wide > 320:
                    wrong.append(f"{scheme} {name}: {wide} px wide at 320")
    assert not wrong, "\n".join(wrong)
