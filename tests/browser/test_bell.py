"""The bell: live, by mouse and by keyboard, and by polling where there is no socket."""

import json
import os
import subprocess
import sys

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.stage import ROOT, Installation, visit

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

TELL = """
import sys, json
from django.contrib.auth.models import User
from genproj.notices.operations import notify
name, titles = json.loads(sys.argv[1])
person = User.objects.filter(username=name).first()
person = person or User.objects.create_user(name, password="genproj")
for title in titles:
    notify(owner=person, kind="video.completed", title=title, url="/gallery/")
"""


def tell(place: Installation, name: str, *titles: str) -> None:
    """Have something told to somebody, who is made if need be, by another process."""
    code = f"import django; django.setup()\n{TELL}"
    environment = {**os.environ, **place.environment, "DJANGO_SETTINGS_MODULE": "genproj.settings"}
    command = [sys.executable, "-c", code, json.dumps([name, titles])]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)


async def test_the_bell_rings_opens_and_falls_silent(place: Installation) -> None:
    tell(place, "nora")
    async with visit(place, "nora") as nora:
        page = nora.page
        bell, panel = page.locator("#bell"), page.locator("#bells")
        await nora.go("/queue/")
        await nora.live()
        await expect(bell).to_contain_text("Notices: 0 unread")
        tell(place, "nora", "The first film is ready.", "The second film is ready.")
        await expect(bell.locator(".count")).to_have_text("2")
        await expect(page.locator(".toast").last).to_contain_text("The second film is ready.")
        await bell.focus()
        await page.keyboard.press("Enter")
        await expect(panel.locator("li")).to_have_count(2)
        await expect(bell).to_have_attribute("aria-expanded", "true")
        await expect(panel.locator("li a").first).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(panel.locator("li a").last).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(bell).to_be_focused()
        await bell.click()
        await panel.locator("li a", has_text="first").click()
        await page.wait_for_url("**/gallery/")
        await expect(bell.locator(".count")).to_have_text("1")
        await bell.click()
        await panel.get_by_role("button", name="Mark all read").click()
        await expect(bell.locator(".count")).to_have_count(0)
        await expect(panel.locator("li.new")).to_have_count(0)
        await page.locator("main").click()
        await expect(panel).to_be_hidden()


async def test_without_a_socket_the_bell_is_asked(place: Installation) -> None:
    def refuse(route: WebSocketRoute) -> None:
        """Accept nothing and say nothing."""

    tell(place, "nina")
    async with visit(place, "nina") as nina:
        await nina.page.route_web_socket("**/ws/**", refuse)
        await nina.go("/queue/")
        tell(place, "nina", "A film that nobody announced.")
        count = nina.page.locator("#bell .count")
        await expect(count).to_have_text("1", timeout=60_000)
        await nina.page.locator("#bell").click()
        await expect(nina.page.locator("#bells li").first).to_contain_text("nobody announced")
