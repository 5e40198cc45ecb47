"""Every page: accessible by axe's rules, within the window's width, quiet in the console."""

import json
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.stage import Installation, Visit, axe_script, visit

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

PAGES = ("/", "/create/", "/queue/", "/queue/?tab=all", "/gallery/", "/gallery/?q=nothing")
PAGES += (
    "/chat/",
    "/notices/",
    "/gallery/?view=squares",
    "/settings/",
    "/settings/webhooks/",
    "generation",
    "artifact",
    "/nowhere/",
)
WIDTHS = (320, 768, 1280, 1920)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def addresses(visiting: Visit) -> list[str]:
    """The pages, with a picture and a partial generation that exist."""
    await visiting.go("/gallery/")
    picture = await visiting.page.get_attribute("#tiles a[data-open]", "href") or ""
    await visiting.go("/queue/?tab=partial")
    partial = await visiting.page.get_attribute(".queue .prompt a", "href") or ""
    known = {"generation": partial, "artifact": picture}
    return [known.get(path, path) for path in PAGES]


async def offences(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands."""
    found: dict[str, Any] = json.loads(
        await page.evaluate(
            "(tags) => axe.run({ runOnly: tags }).then((found) => JSON.stringify(found))", RULES
        )
    )
    return [
        f"{rule['id']}: {node['html'][:160]} {node['any'] and node['any'][0]['message']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_breaks_a_rule_of_axe(place: Installation, scheme: str) -> None:
    script = axe_script()
    if script is None:
        pytest.skip("axe-core could not be fetched: accessibility is not checked.")
    wrong: list[str] = []
    # the checker is put in from outside, which the policy of our pages would rightly refuse
    options = {"color_scheme": scheme, "bypass_csp": True, "reduced_motion": "reduce"}
    async with visit(place, "alice", **options) as alice:
        for path in await addresses(alice):
            await alice.go(path)
            await alice.page.wait_for_timeout(300)
            await alice.page.evaluate(script)
            wrong += [f"{path}: {offence}" for offence in await offences(alice.page)]
        alice.complaints[:] = [said for said in alice.complaints if "404" not in said]
    async with visit(place, **options) as stranger:
        await stranger.go("/accounts/login/")
        await stranger.page.evaluate(script)
        wrong += [f"login: {offence}" for offence in await offences(stranger.page)]
    assert wrong == []


async def test_what_opens_over_a_page_breaks_no_rule_of_axe(place: Installation) -> None:
    script = axe_script()
    if script is None:
        pytest.skip("axe-core could not be fetched: accessibility is not checked.")
    async with visit(place, "alice", bypass_csp=True, reduced_motion="reduce") as alice:
        await alice.go("/gallery/")
        await alice.page.click("#tiles a[data-open]")
        await alice.page.wait_for_selector("#lightbox .inspector")
        await alice.page.evaluate(script)
        assert await offences(alice.page) == []
        await alice.page.keyboard.press("Escape")
        await alice.page.click("#pill")
        await alice.page.wait_for_selector("#tray li")
        assert await offences(alice.page) == []
        await alice.go("/create/")
        await alice.page.click("details.more > summary")
        await alice.page.click("[data-pick-reference]")
        await alice.page.wait_for_selector("#choosing .choice")
        await alice.page.evaluate(script)
        assert await offences(alice.page) == []


async def test_no_page_is_wider_than_its_window(place: Installation) -> None:
    wide: list[str] = []
    async with visit(place, "alice") as alice:
        for path in await addresses(alice):
            for width in WIDTHS:
                await alice.page.set_viewport_size({"width": width, "height": 800})
                await alice.go(path)
                over = await alice.page.evaluate("document.body.scrollWidth - innerWidth")
                wide += [f"{path} at {width}: {over} px"] if over > 0 else []
        alice.complaints[:] = [said for said in alice.complaints if "404" not in said]
    assert wide == []


async def test_pictures_do_not_make_the_page_jump(place: Installation) -> None:
    measure = """() => new Promise((done) => {
      let shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => done(shift), 1500);
    })"""
    async with visit(place, "alice") as alice:
        for path in ("/", "/gallery/", "/create/"):
            await alice.go(path)
            assert await alice.page.evaluate(measure) < 0.02, path
