"""Sandboxes in processes of their own, and a catcher of webhooks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.stage import Catcher, SandboxProcess, image_task


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"), "--delay", "0").start()
    yield sandbox
    sandbox.kill()
    sandbox.session.close()


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """A sandbox without delay, faults or earlier calls; shared by the tests of a session."""
    shared_sandbox.session.post(f"{shared_sandbox.root}/control/reset", timeout=60)
    return shared_sandbox


@pytest.fixture
def new_sandbox(tmp_path: Path) -> Iterator[Callable[..., SandboxProcess]]:
    """Makes sandboxes of one's own, for tests that kill them."""
    made: list[SandboxProcess] = []

    def make(*options: str) -> SandboxProcess:
        made.append(SandboxProcess(tmp_path / "data", *options).start())
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.kill()
        sandbox.session.close()


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    catcher = Catcher()
    yield catcher
    catcher.close()


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    return image_task
