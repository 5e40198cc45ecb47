"""The page of money: by keyboard, in both schemes, at every width; the composer's cost bar."""

import json
import os
import subprocess
import sys

import pytest
from playwright.async_api import expect

from tests.browser.stage import ROOT, Installation, axe_script, visit
from tests.browser.test_pages import WIDTHS, offences

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.asyncio]

SPEND = """
import sys, json
from decimal import Decimal
from django.contrib.auth.models import User
from genproj.usage.models import Budget
from genproj.usage.operations import charge
from genproj.usage.operations.budgets import Terms, set_budget
limit, spent = json.loads(sys.argv[1])
bob, staff = User.objects.get(username="bob"), User.objects.get(username="admin")
Budget.objects.all().delete()
for number, (what, units) in enumerate([("images", 4), ("tokens_in", 1400), ("videos", 1)]):
    charge(subject=f"entry:{number}", key=f"{spent}{number}", amount=Decimal(spent),
           audience=f"user:{bob.pk}", owner=bob, provider="runware", model="runware:100@1",
           reason="settled", what=what, units=units)
if limit:
    set_budget(actor=staff, audience=f"user:{bob.pk}", terms=Terms(limit=Decimal(limit)))
"""


def spend(place: Installation, *, limit: str, spent: str) -> None:
    """Have Bob spend three times something, under a limit."""
    code = f"import django; django.setup()\n{SPEND}"
    environment = {**os.environ, **place.environment, "DJANGO_SETTINGS_MODULE": "genproj.settings"}
    command = [sys.executable, "-c", code, json.dumps([limit, spent])]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_of_money_is_accessible_and_never_wider_than_the_window(
    place: Installation, scheme: str
) -> None:
    spend(place, limit="100", spent="0.5" if scheme == "light" else "0.25")
    script = axe_script()
    if script is None:
        pytest.skip("axe-core could not be fetched: accessibility is not checked.")
    options = {"color_scheme": scheme, "bypass_csp": True, "reduced_motion": "reduce"}
    for name, path in (("bob", "/usage/"), ("admin", "/usage/?all=1")):
        async with visit(place, name, **options) as person:
            await person.go(path)
            await person.page.evaluate(f"{script};0")
            assert not await offences(person.page)
            for width in WIDTHS:
                await person.page.set_viewport_size({"width": width, "height": 860})
                wide = "document.documentElement.scrollWidth - window.innerWidth"
                assert await person.page.evaluate(wide) <= 0, (path, width)


async def test_staff_set_a_budget_and_see_who_is_over(place: Installation) -> None:
    spend(place, limit="", spent="0.125")
    async with visit(place, "admin") as staff:
        page = staff.page
        await staff.go("/queue/")
        await page.keyboard.press("g")
        await page.keyboard.press("u")
        await page.wait_for_url("**/usage/")
        await page.get_by_role("link", name="Everybody").click()
        await page.locator("#budget-limit").fill("0.1")
        await page.get_by_role("button", name="Show who is over").click()
        await expect(page.locator(".preview li", has_text="bob")).to_contain_text("over")
        await page.locator("#budget-person").fill("bob")
        await page.locator("#budget-limit").fill("2000")
        await page.get_by_role("button", name="Set budget").click()
        await expect(page.locator(".budgets tbody tr")).to_contain_text("bob")
        await page.locator(".budgets summary").click()
        await page.get_by_role("button", name="Remove this budget").click()
        await expect(page.locator(".budgets")).to_have_count(0)


async def test_the_composer_says_what_is_left_and_stops_at_the_end(place: Installation) -> None:
    spend(place, limit="200000", spent="0.0625")
    async with visit(place, "bob") as bob:
        await bob.go("/create/")
        await expect(bob.page.locator("#cost")).to_contain_text("left this month: 199")
        await expect(bob.page.locator("#room")).to_be_hidden()
        spend(place, limit="0.001", spent="0.03125")
        await bob.go("/create/")
        await expect(bob.page.locator("#room")).to_contain_text("more than is left this month")
        await bob.page.locator("#prompt").fill("a kite over a dune")
        await bob.page.get_by_role("button", name="Generate").click()
        await expect(bob.page.locator("#room a")).to_be_focused()
        await expect(bob.page.locator("#send")).to_have_text("Generate")
    spend(place, limit="", spent="0.015625")
