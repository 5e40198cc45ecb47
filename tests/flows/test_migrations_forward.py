"""Every migration once more on a database that is full: what an upgrade does to an installation."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from genproj import demo_space
from tests import world
from tests.flows.test_demo_space import people
from tests.videos.conftest import Person, ali, hurry

__all__ = ["ali", "people"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

#: Apps that are taken away together, with those that stand on them; the others keep their rows.
STOREYS = (
    ("spaces", "videos"),
    ("generations", "assistant", "usage", "notices"),
    ("webhooks", "events", "accounts", "runtime"),
)
OURS = [label for storey in STOREYS for label in storey]
#: written by Django itself after every `migrate`
DJANGOS = {"django_content_type", "auth_permission"}


@pytest.fixture
def full(people: None, work: Callable[..., int], ali: Person) -> None:
    """The demo space with all that its pictures left behind, a conversation and a film's wish."""

    def wait(happened: Callable[[], bool]) -> bool:
        world.until(lambda: work() < 0 or hurry() or happened())
        return True

    list(demo_space.make_space(wait=wait))
    ali.confirmed()


def migrate(*targets: tuple[str, str | None]) -> None:
    """What the command does, without its checks: to these migrations, or to the newest of all."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


def rows() -> dict[str, int]:
    """How many rows each table has that is there."""
    there = set(connection.introspection.table_names()) - DJANGOS
    models = [model for model in apps.get_models() if model._meta.db_table in there]
    return {model._meta.db_table: model._base_manager.count() for model in models}


def steps(label: str) -> list[str]:
    """An app's migrations in their order."""
    return sorted(name for app, name in MigrationLoader(None).disk_migrations if app == label)


def test_migrations_apply_to_a_full_database_and_touch_nothing_else(full: None) -> None:
    assert {one.label for one in apps.get_app_configs() if steps(one.label)} >= set(OURS)
    before = rows()
    assert sum(before.values()) > 200
    try:
        for label in (label for label in OURS if len(steps(label)) > 1):
            migrate((label, steps(label)[0]))
            migrate()
            assert rows() == before, f"{label}: from its first migration on, with its rows in place"
        for storey in STOREYS:
            migrate(*((label, None) for label in storey))
            left = rows()
            assert left == {table: before[table] for table in left}, f"beside {storey}"
            migrate()
            assert rows() == (before := dict.fromkeys(before, 0) | left), f"{storey} made anew"
    finally:
        migrate()
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
