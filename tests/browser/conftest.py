"""One installation for all browser tests; without a Chromium they are left out, loudly."""

from collections.abc import Iterator

import pytest

from tests.browser.stage import Installation, chromium


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole installation with the demo world."""
    if chromium() is None:
        pytest.skip("NO CHROMIUM FOUND: the browser tests are left out.")
    installation = Installation(tmp_path_factory.mktemp("installation"))
    installation.start()
    yield installation
    installation.stop()
