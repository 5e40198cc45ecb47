"""What people do, done with a mouse, with a keyboard, without a socket and without a script."""

import re

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.stage import Installation, visit

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]


async def test_four_pictures_are_asked_for_and_arrive_one_by_one(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        await alice.go("/create/")
        await alice.live()
        await page.fill("#prompt", "a paper kite over a salt marsh")
        await page.press("#prompt", "Control+Enter")
        await expect(page.locator("#send")).to_have_text("Queued ✓")
        group = page.locator(".group").first
        await expect(group).to_contain_text("a paper kite over a salt marsh")
        await expect(group.locator(".tile")).to_have_count(4)
        await expect(group.locator(".tile img")).to_have_count(4, timeout=120_000)
        await expect(group.locator(".chip")).to_have_text("Done")
        assert await page.input_value("#prompt") == "a paper kite over a salt marsh"
        assert await page.evaluate("document.activeElement.id") == "prompt"
        assert await page.evaluate(
            "[...document.querySelectorAll('.group .tile img')].slice(0, 4)"
            ".every((image) => image.complete && image.naturalWidth > 0)"
        )


async def test_a_picture_is_starred_thrown_away_and_taken_back(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        await alice.go("/gallery/")
        tile = page.locator("#tiles .tile").first
        number = await tile.get_attribute("data-artifact")
        await tile.locator("a").click()
        dialog = page.locator("#lightbox")
        await expect(dialog.locator(".stage img")).to_be_visible()
        assert page.url.endswith(f"/artifacts/{number}/")
        await page.keyboard.press("f")
        await expect(dialog.locator("[data-do=star]")).to_have_attribute("aria-pressed", "true")
        await page.keyboard.press("Delete")
        toast = page.locator(".toast", has_text="Moved to the trash")
        await expect(toast).to_be_visible()
        await expect(dialog.locator(".viewer")).not_to_have_attribute("data-artifact", number or "")
        await toast.get_by_role("button", name="Undo").click()
        await expect(page.locator(".toast", has_text="Restored")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        assert page.url.endswith("/gallery/")
        await alice.go("/gallery/?starred=1")
        await expect(page.locator(f'.tile[data-artifact="{number}"]')).to_be_visible()


async def test_the_keyboard_alone_is_enough(place: Installation) -> None:
    async with visit(place, "bob") as bob:
        page = bob.page
        await bob.go("/gallery/")
        await expect(page.locator('#tiles a[tabindex="0"]')).to_have_count(1)
        await page.locator('#tiles a[tabindex="0"]').focus()
        await page.keyboard.press("ArrowRight")
        second = page.locator("#tiles .tile").nth(1)
        await expect(second.locator("a")).to_be_focused()
        await page.keyboard.press("x")
        await page.keyboard.press("Shift+ArrowRight")
        await expect(page.locator("#selection output")).to_have_text("2 selected")
        await page.keyboard.press("Escape")
        await expect(page.locator("#selection")).to_be_hidden()
        await page.keyboard.press("End")
        await page.keyboard.press("Home")
        await page.keyboard.press("Enter")
        await expect(page.locator("#lightbox .stage :is(img, video)")).to_be_visible()
        number = await second.get_attribute("data-artifact")
        await page.keyboard.press("ArrowRight")
        await page.wait_for_selector(f'#lightbox .viewer[data-artifact="{number}"]')
        assert page.url.endswith(f"/artifacts/{number}/")
        await page.keyboard.press("i")
        await expect(page.locator("#lightbox .inspector")).to_be_hidden()
        await page.keyboard.press("Escape")
        await expect(second.locator("a")).to_be_focused()
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
        await page.keyboard.press("Escape")
        await page.keyboard.press("g")
        await page.keyboard.press("q")
        await page.wait_for_url("**/queue/")


async def test_it_works_while_the_socket_is_blocked(place: Installation) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close()

    async with visit(place, "bob") as bob:
        page = bob.page
        await page.route_web_socket(re.compile(r"/ws/"), refuse)
        await bob.go("/create/")
        await page.wait_for_selector("#wire[data-state=polling]", timeout=120_000)
        await page.fill("#prompt", "a stone bridge in the rain")
        await page.fill("#count", "2")
        await page.press("#prompt", "Control+Enter")
        group = page.locator(".group").first
        await expect(group).to_contain_text("a stone bridge in the rain")
        await expect(group.locator(".tile img")).to_have_count(2, timeout=120_000)


async def test_it_works_without_a_script(place: Installation) -> None:
    async with visit(place, "bob", java_script_enabled=False) as bob:
        page = bob.page
        await bob.go("/create/")
        await page.fill("#prompt", "a green door in a white wall")
        await page.fill("#count", "1")
        await page.click("#send")
        await page.wait_for_url("**/generations/*/")
        for _ in range(40):
            if await page.locator(".tile img").count():
                break
            await page.wait_for_timeout(1000)
            await page.reload()
        await expect(page.locator(".tile img")).to_have_count(1)


async def test_a_running_one_is_cancelled_and_asked_for_again(place: Installation) -> None:
    place.faults({"fault": "never", "match": "a lantern that never lights"})
    async with visit(place, "bob") as bob:
        page = bob.page
        await bob.go("/create/")
        await bob.live()
        await page.fill("#prompt", "a lantern that never lights")
        await page.fill("#count", "1")
        await page.press("#prompt", "Control+Enter")
        group = page.locator(".group", has_text="a lantern that never lights").first
        await group.get_by_role("button", name="Cancel").click()
        await expect(group.locator(".chip")).to_have_text("Cancelled")
        place.faults()
        await page.click("#pill")
        row = page.locator("#tray li", has_text="a lantern that never lights").first
        await row.get_by_role("button", name="Retry what is missing").click()
        again = page.locator(".group", has_text="a lantern that never lights").first
        await expect(again.locator(".tile img")).to_have_count(1, timeout=120_000)


async def test_a_refusal_stands_where_it_belongs(place: Installation) -> None:
    async with visit(place, "alice") as alice:
        page = alice.page
        await alice.go("/create/")
        await page.fill("#prompt", "x")
        await page.click("#send")
        await expect(page.locator("#refused [role=alert]")).to_contain_text("validation_failed")
        await expect(page.locator("#prompt")).to_have_attribute("aria-invalid", "true")
        await page.click("#refused a")
        await expect(page.locator("#prompt")).to_be_focused()
        alice.complaints.clear()  # the refusal itself


async def test_a_draft_outlives_the_page(place: Installation) -> None:
    async with visit(place, "charlie") as charlie:
        page = charlie.page
        await charlie.go("/create/")
        await page.fill("#prompt", "half a thought about herons")
        await expect(page.locator("#draft")).to_have_text("Draft kept")
        await charlie.go("/gallery/")
        await charlie.go("/create/")
        await expect(page.locator("#prompt")).to_have_value("half a thought about herons")


async def test_staff_replay_what_could_not_be_listed(place: Installation) -> None:
    async with visit(place, "admin") as admin:
        page = admin.page
        await admin.go("/")
        need = page.locator(".need", has_text="a drill: paper boats")
        await need.get_by_role("button", name="Replay").click()
        await expect(page.locator(".toast")).to_contain_text("Replayed")
        await expect(need).to_have_count(0)


async def test_a_key_is_shown_once_and_revoked(place: Installation) -> None:
    async with visit(place, "charlie") as charlie:
        page = charlie.page
        await charlie.go("/settings/")
        await page.fill("#key-name", "Night script")
        await page.get_by_role("button", name="Make a key").click()
        await expect(page.locator("#secret")).to_contain_text("gp_key_")
        await charlie.go("/settings/")
        await expect(page.locator("#secret")).to_have_count(0)
        await page.get_by_role("button", name="Revoke Night script").click()
        await expect(page.get_by_text("Night script")).to_have_count(0)
