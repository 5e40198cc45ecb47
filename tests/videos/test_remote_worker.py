"""`manage.py video_worker` as a process of its own, killed where it hurts: one film, paid once."""

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from generations.models import Output
from genproj.assistant.models import Message
from genproj.kernel import storage
from genproj.usage import queries as ledger
from tests import world
from tests.conftest import ROOT, Sandbox, Web, environment, python
from tests.videos.conftest import RUNWARE, VEO, Person
from tests.videos.machines import key_of
from tests.videos.wires import Wire
from videos.models import Attempt, Job
from videos.operations import queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

TITLE = "What a killed worker elsewhere costs"
PROMPT = "A paper boat in the gutter of a rainy street"

Film = Callable[..., Any]


class Shed:
    """A folder in which a worker lives, and the wires that lead out of it."""

    def __init__(self, folder: Path, web: Web, sandbox: Sandbox, key: str) -> None:
        self.folder, self.key = folder, key
        self.server, self.provider = Wire(web.port), Wire(sandbox.port)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = (folder.parent / f"{folder.name}.log").open("ab")

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start the worker. Its database is one that nobody could reach."""
        command = [python(), "manage.py", "video_worker", "--server", self.server.url]
        self.process = subprocess.Popen(
            [*command, "--name", self.folder.name, *more],
            cwd=ROOT,
            stdout=self.log,
            stderr=self.log,
            env=environment(
                DATA_DIR=str(self.folder),
                VIDEO_WORKER_KEY=self.key,
                DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing",
                GEMINI_BASE_URL=self.provider.url,
                RUNWARE_BASE_URL=f"{self.provider.url}/v1",
                DOWNLOAD_ALLOWED_HOSTS="127.0.0.1",
            ),
        )
        return self.process

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    @property
    def journal_path(self) -> Path:
        return self.folder / f"worker-{self.folder.name}.json"

    def journal(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.journal_path.read_text())
        return found

    def film(self) -> dict[str, Any]:
        return (self.journal().get("film") if self.journal_path.exists() else None) or {}

    def words(self) -> str:
        return Path(self.log.name).read_text()[-3000:]

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
        for wire in (self.server, self.provider):
            wire.close()
        self.log.close()


@pytest.fixture
def sheds(
    tmp_path: Path, settings: Any, web: Web, studio: Sandbox, dana: User
) -> Iterator[Callable[[str], Shed]]:
    settings.VIDEO_SLOTS = 0
    made: list[Shed] = []

    def one(name: str = "shed") -> Shed:
        (tmp_path / name).mkdir()
        made.append(Shed(tmp_path / name, web, studio, key_of(dana)))
        return made[-1]

    yield one
    for shed in made:
        shed.close()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def asked(ali: Person, model: str) -> str:
    """A confirmed film in a conversation."""
    talk = ali.post("conversations/", {}, status=201)["id"]
    return str(ali.confirmed(prompt=PROMPT, model=model, conversation=talk)["id"])


def films_at_provider(sandbox: Sandbox) -> int:
    return sum(1 for task in sandbox.tasks() if PROMPT in json.dumps(task))


def kinds(id: str) -> list[str]:
    return [line.kind for line in ledger.lines_of(f"video:{id}")]


def messages(id: str) -> Counter[str]:
    return Counter(Message.objects.filter(about=f"video:{id}").values_list("type", flat=True))


@pytest.mark.parametrize("model", [VEO, RUNWARE])
def test_a_worker_elsewhere_renders_a_film(
    sheds: Any, studio: Sandbox, ali: Person, film: Film, model: str
) -> None:
    shed, id = sheds(), asked(ali, model)
    process = shed.start("--once")
    done = film(ali, id, seconds=150)
    assert done["status"] == "completed", (done["error"], shed.words())
    assert done["result"]["resolution"] == "1280x720"
    assert ali.client.get(done["result"]["url"]).status_code == 200
    assert process.wait(60) == 0, shed.words()
    assert kinds(id) == ["hold", "settle"]
    assert messages(id)["generation_result"] == 1
    assert films_at_provider(studio) == 1
    assert list(storage.keys("videos/incoming/")) == []
    assert (shed.journal_path.stat().st_mode & 0o777, shed.film()) == (0o600, {})
    assert list((shed.folder / "worker-films").iterdir()) == []
    assert not (shed.folder / "genproj.sqlite3").exists()


def test_what_the_provider_refuses_fails_the_film(
    sheds: Any, studio: Sandbox, ali: Person, film: Film
) -> None:
    studio.faults({"fault": "veo_filtered"})
    shed, id = sheds(), asked(ali, VEO)
    shed.start("--once")
    ended = film(ali, id, seconds=150)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "content_blocked")
    assert kinds(id) == ["hold", "release"]
    assert films_at_provider(studio) == 1


# --- killed ---------------------------------------------------------------------------------------


def after_claim(shed: Shed, studio: Sandbox) -> None:
    """The claim arrived; its answer did not."""
    shed.server.cut_reply(b"/claim/")
    shed.start()
    assert shed.server.cut.wait(60), shed.words()


def after_submit(shed: Shed, studio: Sandbox) -> None:
    """The provider has it; its answer did not come."""
    word = b"predictLongRunning" if shed.folder.name == "veo" else b"videoInference"
    shed.provider.cut_reply(word)
    shed.start()
    assert shed.provider.cut.wait(60), shed.words()
    assert shed.film()["sent_at"]
    assert shed.film()["ref"] is None


def while_polling(shed: Shed, studio: Sandbox) -> None:
    """The name is stored; the film takes its time."""
    studio.faults({"fault": "veo_slow", "seconds": 3}, {"fault": "slow", "seconds": 3})
    shed.start()
    world.until(lambda: shed.film().get("ref"), seconds=120)


def while_uploading(shed: Shed, studio: Sandbox) -> None:
    """The film is here and on its way to the server."""
    shed.server.cut_request(b"PUT /api/v1/workers/uploads/")
    shed.start()
    assert shed.server.cut.wait(90), shed.words()
    assert shed.film()["file"]


def before_report(shed: Shed, studio: Sandbox) -> None:
    """The film lies at the server; nobody has told it so."""
    shed.server.cut_request(b"generation.completed")
    shed.start()
    assert shed.server.cut.wait(90), shed.words()


def after_report(shed: Shed, studio: Sandbox) -> None:
    """It was told; that it was heard did not come back."""
    shed.server.cut_reply(b"generation.completed")
    shed.start()
    assert shed.server.cut.wait(90), shed.words()


MOMENTS = [after_claim, after_submit, while_polling, while_uploading, before_report, after_report]
#: what a provider has a part in happens with both
SHOTS = [*((moment, RUNWARE) for moment in MOMENTS), (after_submit, VEO), (while_polling, VEO)]


@pytest.mark.parametrize(("moment", "model"), SHOTS, ids=lambda one: getattr(one, "__name__", one))
def test_a_worker_that_is_killed_goes_on_where_it_was(
    sheds: Any,
    studio: Sandbox,
    ali: Person,
    film: Film,
    moment: Callable[[Shed, Sandbox], None],
    model: str,
) -> None:
    shed = sheds("veo" if model == VEO else "runware")
    id = asked(ali, model)
    moment(shed, studio)
    shed.kill()
    for wire in (shed.server, shed.provider):
        wire.mend()
    began = time.monotonic()
    process = shed.start("--once")
    ended = film(ali, id, seconds=150)
    assert process.wait(60) == 0, shed.words()
    assert films_at_provider(studio) == 1
    assert Attempt.objects.count() == 1
    took = time.monotonic() - began
    doubtful = model == VEO and moment is after_submit
    if doubtful:
        assert (ended["status"], ended["error"]["code"]) == ("failed", "dispatch_unknown")
        assert kinds(id) == ["hold", "release"]
        assert messages(id)["error"] == 1
    else:
        assert ended["status"] == "completed", (ended["error"], shed.words())
        assert kinds(id) == ["hold", "settle"]
        assert messages(id)["generation_result"] == 1
        assert Output.objects.count() == 1
    head = ("killed", "provider", "films made", "charges", "the video then", "seconds")
    charges = str(kinds(id).count("settle"))
    row = (moment.__name__, shed.folder.name, "1", charges, ended["status"], f"{took:.1f}")
    world.TABLES.setdefault(TITLE, [head]).append(row)


# --- gone, stopped, not wanted --------------------------------------------------------------------


def test_a_worker_that_never_returns_is_replaced(
    sheds: Any,
    studio: Sandbox,
    ali: Person,
    film: Film,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "REMOTE_LEASE", 8.0)
    gone, other, id = sheds("gone"), sheds("other"), asked(ali, RUNWARE)
    gone.provider.cut_request(b"videoInference")
    gone.start()
    assert gone.provider.cut.wait(60), gone.words()
    time.sleep(10)  # longer than a lease: it is alive, and says so
    work()
    assert ali.video(id)["status"] == "processing"
    assert Job.objects.get().attempts == 1
    gone.kill()
    other.start()
    done = film(ali, id, seconds=150)
    assert done["status"] == "completed", (done["error"], other.words())
    first, second = Attempt.objects.order_by("number")
    assert first.worker != second.worker
    assert kinds(id) == ["hold", "settle"]
    assert messages(id)["generation_result"] == 1
    gone.provider.mend()
    gone.start("--once").wait(60)  # it comes back after all, and finds that it is too late
    assert gone.film() == {}
    assert kinds(id) == ["hold", "settle"]


def test_a_worker_that_returns_too_late_asks_for_the_film_it_began(
    sheds: Any,
    studio: Sandbox,
    ali: Person,
    film: Film,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "REMOTE_LEASE", 3.0)
    shed, id = sheds(), asked(ali, VEO)
    while_polling(shed, studio)
    shed.kill()
    film(ali, id, "queued", seconds=120)
    shed.start()
    ended = film(ali, id, seconds=150)
    assert ended["status"] == "completed", (ended["error"], shed.words())
    assert [one.outcome for one in Attempt.objects.order_by("number")] == ["failed", "completed"]
    assert films_at_provider(studio) == 1
    assert kinds(id) == ["hold", "settle"]


def test_a_film_that_is_cancelled_is_dropped(
    sheds: Any,
    studio: Sandbox,
    ali: Person,
    work: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "REMOTE_LEASE", 3.0)
    studio.faults({"fault": "veo_never"})
    shed, id = sheds(), asked(ali, VEO)
    shed.start()
    world.until(lambda: shed.film().get("ref"), seconds=120)
    ali.post(f"videos/{id}/cancel/")
    world.until(lambda: not shed.film(), seconds=120)
    work()
    assert kinds(id) == ["hold", "release"]


def test_a_worker_that_is_asked_to_end_finishes_its_film_first(
    sheds: Any, studio: Sandbox, ali: Person, film: Film
) -> None:
    studio.faults({"fault": "veo_slow", "seconds": 3})
    shed, id = sheds(), asked(ali, VEO)
    process = shed.start()
    world.until(lambda: shed.film().get("ref"), seconds=120)
    process.send_signal(signal.SIGTERM)
    assert film(ali, id, seconds=150)["status"] == "completed"
    assert process.wait(60) == 0, shed.words()
    idle = shed.start()
    world.until(lambda: "Films done" in shed.words() and shed.journal_path.exists())
    time.sleep(3)
    idle.send_signal(signal.SIGTERM)
    assert idle.wait(60) == 0, shed.words()


def test_a_key_that_opens_nothing_is_said_in_one_line(sheds: Any) -> None:
    shed = sheds()
    shed.key = "gp_key_nothing"
    assert shed.start("--once").wait(60) == 1
    assert "The server refuses: 401" in shed.words()
    assert "Traceback" not in shed.words()
