"""The application's settings with nothing in front of a view: no middleware, other addresses."""

from genproj.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare"
MIDDLEWARE: list[str] = []
