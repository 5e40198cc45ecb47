"""The gallery with many pictures: few tiles at once, straight edges, the way back, the archive."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.stage import ROOT, Installation, Visit, visit

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

MOST = 400
LOOK = """() => {
  const grid = document.querySelector('#tiles');
  const rows = {};
  for (const tile of grid.children) {
    const box = tile.getBoundingClientRect();
    rows[tile.style.top] = Math.max(rows[tile.style.top] || 0, box.right);
  }
  const tops = Object.keys(rows).sort((a, b) => parseFloat(a) - parseFloat(b));
  return { count: grid.children.length, right: grid.getBoundingClientRect().right,
           edges: tops.slice(0, -1).map((top) => rows[top]), y: scrollY,
           height: grid.getBoundingClientRect().height };
}"""


@pytest.fixture(scope="module")
def many(place: Installation) -> Installation:
    """The installation, with some nine hundred pictures more for charlie."""
    command = [sys.executable, str(ROOT / "manage.py"), "seed_load", "--force"]
    command += ["--generations", "300", "--artifacts-per", "3", "--user", "charlie"]
    environment = {**os.environ, **place.environment}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return place


async def scrolled(page: Page, height: int) -> dict[str, Any]:
    """How the gallery stands once it has been scrolled so far, which loads page after page."""
    for _ in range(120):
        look: dict[str, Any] = await page.evaluate(LOOK)
        assert look["count"] <= MOST
        if look["y"] >= height:
            return look
        await page.mouse.wheel(0, 1500)
        await page.wait_for_timeout(150)
    raise AssertionError("The gallery did not go on.")


async def at_gallery(visiting: Visit, query: str = "") -> Page:
    """The gallery, laid out."""
    await visiting.go(f"/gallery/{query}")
    await visiting.page.wait_for_selector("#tiles.laid")
    await visiting.page.mouse.move(700, 500)
    return visiting.page


async def test_many_pictures_are_few_tiles_with_straight_edges(many: Installation) -> None:
    async with visit(many, "charlie") as charlie:
        page = await at_gallery(charlie)
        look = await scrolled(page, 6000)
        assert look["height"] > 6000
        assert look["edges"]
        assert all(abs(edge - look["right"]) < 0.6 for edge in look["edges"])
        await page.set_viewport_size({"width": 600, "height": 860})
        await page.wait_for_timeout(500)
        look = await page.evaluate(LOOK)
        assert look["count"] <= MOST
        assert all(abs(edge - look["right"]) < 0.6 for edge in look["edges"])


async def test_the_way_back_leads_to_the_same_place(many: Installation) -> None:
    async with visit(many, "charlie") as charlie:
        page = await at_gallery(charlie)
        before = await scrolled(page, 5000)
        await charlie.go("/queue/")
        await page.go_back()
        await page.wait_for_selector("#tiles.laid")
        await page.wait_for_function("y => Math.abs(scrollY - y) < 60", arg=before["y"])
        await page.wait_for_selector("#tiles .tile[data-artifact] img")


async def test_the_lightbox_goes_beyond_what_is_loaded(many: Installation) -> None:
    async with visit(many, "charlie") as charlie:
        page = await at_gallery(charlie)
        await page.locator('#tiles a[tabindex="0"]').focus()
        await page.keyboard.press("End")
        last = await page.evaluate("document.activeElement.dataset.open")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f'#lightbox .viewer[data-artifact="{last}"]')
        shown = last
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
            await page.wait_for_selector(f'#lightbox .viewer:not([data-artifact="{shown}"])')
            shown = await page.get_attribute("#lightbox .viewer", "data-artifact")
        await page.wait_for_timeout(1500)
        await page.keyboard.press("Escape")
        await expect(page.locator(f'#tiles a[data-open="{shown}"]')).to_be_focused()


async def test_filters_tell_how_many_they_would_leave(many: Installation) -> None:
    async with visit(many, "charlie") as charlie:
        page = await at_gallery(charlie)
        await expect(page.locator("[data-count='starred 1']")).to_have_text("0")
        await expect(page.locator("#f-kind option[value=image]")).to_contain_text("(")


async def test_the_size_of_the_pictures_is_remembered(many: Installation) -> None:
    async with visit(many, "charlie") as charlie:
        page = await at_gallery(charlie)
        await page.locator("#size").fill("320")
        tall = (await page.evaluate(LOOK))["height"]
        await page.locator("#size").fill("96")
        assert (await page.evaluate(LOOK))["height"] < tall / 2
        page = await at_gallery(charlie)
        assert await page.input_value("#size") == "96"


async def test_several_pictures_are_one_archive(many: Installation, tmp_path: Path) -> None:
    async with visit(many, "alice") as alice:
        page = await at_gallery(alice)
        stop = page.locator('#tiles a[tabindex="0"]')
        await stop.focus()
        await page.keyboard.press("Shift+ArrowRight")
        await page.keyboard.press("Shift+ArrowRight")
        async with page.expect_download() as coming:
            await page.keyboard.press("Shift+D")
        download = await coming.value
        assert download.suggested_filename.endswith("-3-pictures.zip")
        await download.save_as(tmp_path / "taken.zip")
        ids = await page.evaluate(
            "[...document.querySelectorAll('.pick[aria-checked=true]')]"
            ".map((pick) => pick.closest('.tile').dataset.artifact)"
        )
        with zipfile.ZipFile(tmp_path / "taken.zip") as packed:
            assert packed.testzip() is None
            assert len(packed.namelist()) == 3
            media = (".png", ".jpg", ".webp", ".mp4")  # among the newest may be the demo's film
            assert all(name.endswith(media) for name in packed.namelist()), packed.namelist()
    async with visit(many, "charlie") as charlie:  # who is in no space of hers
        # somebody else's pictures are left out, and nothing is left of these
        query = "&".join(f"id={id}" for id in ids)
        answer = await charlie.page.request.get(f"{many.url}/gallery/download/?{query}")
        assert answer.status == 404
        own = await charlie.page.request.get(f"{many.url}/gallery/?part=choose")
        assert own.ok
        charlie.complaints.clear()


async def test_a_reference_is_picked_from_the_gallery(many: Installation) -> None:
    async with visit(many, "alice") as alice:
        page = alice.page
        await alice.go("/create/")
        await page.click("details.more > summary")
        await page.click("[data-pick-reference]")
        choice = page.locator("#choosing .choice").first
        number = await choice.get_attribute("data-choice")
        await page.fill("#choosing-find", "no picture is called this")
        await expect(page.locator("#choosing .none")).to_be_visible()
        await page.fill("#choosing-find", "")
        await page.locator(f'#choosing [data-choice="{number}"]').click()
        await expect(page.locator("#choosing")).to_be_hidden()
        await expect(page.locator("#references input[name=reference]")).to_have_value(number or "")
        await expect(page.locator("#references .ref img")).to_be_visible()
