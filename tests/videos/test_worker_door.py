"""The door for workers' reports: every row of its table of answers, and what each row leaves."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from generations import jobs as engine
from genproj.kernel import memory
from genproj.usage import queries as ledger
from tests import world
from tests.conftest import Sandbox
from tests.videos.conftest import Person
from tests.videos.machines import DOOR, Machine, key_of
from videos import jobs
from videos.models import Job, Report, Video, Worker

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

TITLE = "What a worker may say, and what it is answered"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

Act = Callable[["Scene"], Any]
CASES: dict[str, tuple[Act, int, bool | None, str]] = {}


class Scene:
    """A film that a machine has begun, and another machine that has not."""

    def __init__(self, ali: Person, dana: User) -> None:
        self.ali, self.dana = ali, dana
        self.video = ali.confirmed()["id"]
        self.machine = Machine(dana)
        self.order = self.machine.began()

    def tell(self, kind: str, **data: Any) -> Any:
        return self.machine.tell(self.order, kind, **data)

    def result(self, **changes: Any) -> dict[str, Any]:
        key = self.machine.put(self.order)
        return {"storage_key": key, "cost": "0.5", "processing_time": 3.5, **changes}


def case(title: str, status: int, *, applied: bool | None = None, then: str = "processing") -> Any:
    """A row of the table: what is said, the answer, and the video's status afterwards."""

    def decorate(act: Act) -> Act:
        CASES[title] = (act, status, applied, then)
        return act

    return decorate


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Nobody signs in here; a real hash would take longer than a whole test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def scene(studio: Sandbox, settings: Any, ali: Person, dana: User) -> Scene:
    settings.VIDEO_SLOTS = 0
    return Scene(ali, dana)


# --- applied ------------------------------------------------------------------------------------


@case("progress", 200, applied=True)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40)


@case("progress, the same again under another id", 200, applied=True)
def _(scene: Scene) -> Any:
    scene.tell("progress", progress=40)
    return scene.tell("progress", progress=40)


@case("completed", 200, applied=True)
def _(scene: Scene) -> Any:
    return scene.tell("completed", result=scene.result())


@case("completed, with a thumbnail and everything else", 200, applied=True)
def _(scene: Scene) -> Any:
    more = {
        "thumbnail_key": scene.machine.put(scene.order, "thumbnail"),
        **{"duration": 4.0, "file_size": 4, "width": 1280, "height": 720, "format": "mp4"},
    }
    return scene.tell("completed", result=scene.result(**more, cost=0.5))


@case("failed, by what may help to try again", 200, applied=True, then="queued")
def _(scene: Scene) -> Any:
    return scene.tell("failed", error={"code": "worker_failed", "message": "It rained in."})


@case("failed, for good", 200, applied=True, then="failed")
def _(scene: Scene) -> Any:
    return scene.tell("failed", error={"code": "api_rejected", "message": "Not allowed."})


@case("failed, nobody knows whether it was billed", 200, applied=True, then="failed")
def _(scene: Scene) -> Any:
    return scene.tell("failed", error={"code": "dispatch_unknown", "message": "No reply."})


@case("failed, with an endless code and message", 200, applied=True, then="failed")
def _(scene: Scene) -> Any:
    return scene.tell("failed", error={"code": "x" * 2000, "message": "y" * 50_000})


@case("four minutes old", 200, applied=True)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"late": 240})


# --- heard before, or older than what it meets ---------------------------------------------------


@case("the same id again", 200, applied=False)
def _(scene: Scene) -> Any:
    one = {"id": f"{scene.machine.id}.77"}
    assert scene.tell("progress", progress=40, send=one).json() == {"applied": True}
    return scene.tell("progress", progress=40, send=one)


@case("the same id again, with other words", 200, applied=False)
def _(scene: Scene) -> Any:
    one = {"id": f"{scene.machine.id}.77"}
    scene.tell("progress", progress=40, send=one)
    return scene.tell("failed", error={"code": "x", "message": ""}, send=one)


@case("a second `started`", 200, applied=False)
def _(scene: Scene) -> Any:
    return scene.tell("started")


@case("`started` after progress", 200, applied=False)
def _(scene: Scene) -> Any:
    scene.tell("progress", progress=40)
    return scene.tell("started")


@case("less progress than before", 200, applied=False)
def _(scene: Scene) -> Any:
    scene.tell("progress", progress=40)
    return scene.tell("progress", progress=39)


@case("progress after completed", 200, applied=False)
def _(scene: Scene) -> Any:
    scene.tell("completed", result=scene.result())
    return scene.tell("progress", progress=90)


@case("failed after completed", 200, applied=False)
def _(scene: Scene) -> Any:
    scene.tell("completed", result=scene.result())
    return scene.tell("failed", error={"code": "worker_failed", "message": ""})


@case("completed twice, under two ids", 200, applied=False)
def _(scene: Scene) -> Any:
    scene.tell("completed", result=scene.result())
    return scene.tell("completed", result=scene.result())


@case("completed after failed", 200, applied=False, then="queued")
def _(scene: Scene) -> Any:
    scene.tell("failed", error={"code": "worker_failed", "message": ""})
    return scene.tell("completed", result=scene.result())


# --- not authentic -------------------------------------------------------------------------------


@case("forged: another secret", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"secret": OTHER_SECRET})


@case("changed on the way", 401)
def _(scene: Scene) -> Any:
    body = scene.machine.body(scene.order, "progress", progress=40)
    sent = json.dumps(body).replace("40", "41").encode()
    return scene.machine.send(body, sent=sent)


@case("replayed under another id", 401)
def _(scene: Scene) -> Any:
    other = Machine(scene.dana)
    return scene.machine.tell(scene.order, "started", send={"worker": other.id})


@case("expired: six minutes old", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"late": 360})


@case("from the future: in six minutes", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"late": -360})


@case("no signature at all", 401)
def _(scene: Scene) -> Any:
    body = scene.machine.body(scene.order, "progress", progress=40)
    return Client().post(DOOR, json.dumps(body), content_type="application/json")


@case("an id without a worker", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"id": "77"})


@case("an unknown worker", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"worker": "w_nobody"})


@case("this installation itself", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"worker": "engine"})


@case("the static worker, whose secret is not configured", 401)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, send={"worker": "default"})


@case("a worker that has retired", 401, then="queued")
def _(scene: Scene) -> Any:
    scene.machine.act("retire")
    return scene.tell("progress", progress=40)


# --- not theirs ----------------------------------------------------------------------------------


@case("an unknown job", 404)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, job="0199a000-0000-7000-8000-000000000000")


@case("a job of another worker", 404)
def _(scene: Scene) -> Any:
    return Machine(scene.dana).tell(scene.order, "progress", progress=40)


@case("another person's job, which waits in the queue", 404)
def _(scene: Scene) -> Any:
    other = Person(world.person("bob")).confirmed()
    job = Job.objects.get(video=other["id"])
    return scene.tell("progress", progress=40, job=str(job.pk), video=other["id"])


@case("its own job, but another video", 404)
def _(scene: Scene) -> Any:
    other = Person(world.person("bob")).confirmed()
    return scene.tell("progress", progress=40, video=other["id"])


@case("an attempt that never was", 404)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, attempt=2)


@case("the lease is lost", 404, then="queued")
def _(scene: Scene) -> Any:
    lapse(scene)
    return scene.tell("completed", result=scene.result())


@case("the lease is lost, and another has it", 404)
def _(scene: Scene) -> Any:
    lapse(scene)
    Job.objects.update(due_at=Job.objects.get().created_at)
    assert Machine(scene.dana).began()["attempt"] == 2
    return scene.tell("completed", result=scene.result())


@case("the video was cancelled", 404, then="cancelled")
def _(scene: Scene) -> Any:
    scene.ali.post(f"videos/{scene.video}/cancel/")
    return scene.tell("completed", result=scene.result())


# --- not readable, or not issued -----------------------------------------------------------------


@case("not JSON", 422)
def _(scene: Scene) -> Any:
    return scene.machine.send(b"{")


@case("not an object", 422)
def _(scene: Scene) -> Any:
    return scene.machine.send([1])


@case("an unknown type", 422)
def _(scene: Scene) -> Any:
    return scene.machine.send(scene.machine.body(scene.order, "exploded"))


@case("an unknown field", 422)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, user=1)


@case("no job", 422)
def _(scene: Scene) -> Any:
    body = scene.machine.body(scene.order, "started")
    del body["data"]["job"]
    return scene.machine.send(body)


@case("a job that is no UUID", 422)
def _(scene: Scene) -> Any:
    return scene.tell("started", job="7")


@case("a status that contradicts the type", 422)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=40, status="completed")


@case("progress of 101", 422)
def _(scene: Scene) -> Any:
    return scene.tell("progress", progress=101)


@case("progress without progress", 422)
def _(scene: Scene) -> Any:
    return scene.tell("progress")


@case("completed without a result", 422)
def _(scene: Scene) -> Any:
    return scene.tell("completed")


@case("failed without an error", 422)
def _(scene: Scene) -> Any:
    return scene.tell("failed")


@case("a negative cost", 422)
def _(scene: Scene) -> Any:
    return scene.tell("completed", result=scene.result(cost=-1))


@case("a moment that is none", 422)
def _(scene: Scene) -> Any:
    body = scene.machine.body(scene.order, "started") | {"timestamp": "soon"}
    return scene.machine.send(body)


@case("a storage_key of another attempt", 422)
def _(scene: Scene) -> Any:
    key = scene.result()["storage_key"].replace("-1.mp4", "-2.mp4")
    return scene.tell("completed", result={"storage_key": key})


@case("a storage_key of somebody's picture", 422)
def _(scene: Scene) -> Any:
    return scene.tell("completed", result={"storage_key": "generations/x/0.png"})


@case("a storage_key under which nothing lies", 422)
def _(scene: Scene) -> Any:
    key = scene.order["uploads"]["video"]["storage_key"]
    return scene.tell("completed", result={"storage_key": key})


@case("a thumbnail_key that was not issued", 422)
def _(scene: Scene) -> Any:
    return scene.tell("completed", result=scene.result(thumbnail_key="thumbnails/x.jpg"))


@case("over 1 MiB", 413)
def _(scene: Scene) -> Any:
    return scene.tell("failed", error={"code": "x", "message": "y" * 2**20})


def lapse(scene: Scene) -> None:
    """The machine gives no sign of life for a whole lease, and that is noticed."""
    Job.objects.filter(leased_until__isnull=False).update(leased_until=Job.objects.get().created_at)
    assert jobs.run_queue() == 1
    engine.project()


@pytest.mark.parametrize("title", CASES)
def test_every_report_gets_its_answer(scene: Scene, work: Callable[..., int], title: str) -> None:
    act, status, applied, then = CASES[title]
    answer = act(scene)
    said = answer.json()
    assert answer.status_code == status, said
    if status == 200:
        assert said == {"applied": applied}
    else:
        assert answer["Content-Type"] == "application/problem+json"
        assert said["status"] == status
        assert status == 422 or "errors" not in said
        assert not Report.objects.filter(type="generation.completed", applied=True).exists()
    work("project", "run_queue")
    video = Video.objects.get(pk=scene.video)
    assert video.status == then, video.error
    subject = f"video:{scene.video}"
    kinds = [line.kind for line in ledger.lines_of(subject)]
    assert kinds == (["hold", "release"] if then in {"failed", "cancelled"} else ["hold"])
    if not world.TABLES.get(TITLE):
        world.TABLES[TITLE] = [("said", "answer", "applied", "the video then")]
    shown = "" if applied is None else str(applied).lower()
    world.TABLES[TITLE].append((title, str(status), shown, then))


def test_what_failed_without_a_reply_is_told_as_such(
    scene: Scene, work: Callable[..., int]
) -> None:
    scene.tell("failed", error={"code": "dispatch_unknown", "message": "No reply."})
    work("project")
    error = scene.ali.video(scene.video)["error"]
    assert error["code"] == "dispatch_unknown"
    assert "may have billed it" in error["message"]


def test_only_post_is_taken(db: None) -> None:
    answer = Client().get(DOOR)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_the_static_worker_signs_with_the_configured_secret(
    studio: Sandbox, settings: Any, ali: Person, dana: User, work: Callable[..., int]
) -> None:
    settings.VIDEO_SLOTS, settings.WORKER_WEBHOOK_SECRET = 0, OTHER_SECRET
    video = ali.confirmed()["id"]
    machine = Machine(dana, id="default", secret=OTHER_SECRET)
    order = machine.began()
    assert order["video"] == video
    assert machine.tell(order, "progress", progress=12).json() == {"applied": True}
    work("project")
    assert ali.video(video)["progress"]["percent"] == 12
    settings.WORKER_WEBHOOK_SECRET = "no base64"
    assert machine.tell(order, "progress", progress=13).status_code == 401
    settings.WORKER_WEBHOOK_SECRET = ""
    machine.claim(status=404)


def test_a_door_without_a_database_says_when_to_come_again(scene: Scene) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("The table is taken away as SQLite's file is.")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE videos_report RENAME TO videos_report_away")
        try:
            answer = scene.tell("progress", progress=40)
        finally:
            cursor.execute("ALTER TABLE videos_report_away RENAME TO videos_report")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["retryable"] is True
    assert scene.tell("progress", progress=40).json() == {"applied": True}


# --- the API of workers ---------------------------------------------------------------------------


def test_only_a_workers_key_opens_these_doors_and_it_opens_no_other(
    studio: Sandbox, ali: Person, dana: User, staff: Person
) -> None:
    for scopes in (("read", "write"), ("read", "write", "staff")):
        other = Client(headers={"authorization": f"Bearer {key_of(dana, *scopes)}"})
        answer = other.post("/api/v1/workers/", {"name": "x"}, content_type="application/json")
        assert answer.status_code == 403
    assert ali.client.post("/api/v1/workers/").status_code in {401, 403}
    machine = Machine(dana)
    for path in ("videos/", "generations/", "queue/", "workers/", "conversations/"):
        assert machine.client.get(f"/api/v1/{path}").status_code == 403, path
    assert machine.client.post("/api/v1/videos/", {}).status_code == 403
    assert ali.client.get("/api/v1/workers/").status_code == 403
    [row] = staff.get("workers/")["results"]
    assert (row["id"], row["status"], row["owner"]) == (machine.id, "idle", "dana")
    assert "secret" not in row
    dana.is_staff = False
    dana.save()
    memory.forget_all()
    machine.claim(status=403)


def test_somebody_elses_worker_is_not_found(studio: Sandbox, dana: User) -> None:
    machine = Machine(dana)
    other = Machine(world.person("erin", staff=True))
    other.id = machine.id
    for act, body in (("claim", None), ("heartbeat", None), ("retire", None), ("uploads", None)):
        other.act(act, body, status=404)
    other.id = "engine"
    other.claim(status=404)


def test_a_secret_is_shown_once_and_kept_sealed(studio: Sandbox, dana: User) -> None:
    machine = Machine(dana)
    once = {"Idempotency-Key": "k1"}
    first = machine.post("workers/", {"name": "barn"}, status=201, **once)
    again = machine.post("workers/", {"name": "barn"}, status=201, **once)
    assert first["secret"].startswith("whsec_")
    assert again == first | {"secret": None}
    kept = Worker.objects.get(pk=first["id"]).secret
    assert kept
    assert first["secret"] not in kept


def test_a_lost_answer_to_a_claim_is_given_again(
    studio: Sandbox, settings: Any, ali: Person, dana: User
) -> None:
    settings.VIDEO_SLOTS = 0
    ali.confirmed()
    ali.confirmed(prompt="Another sunset over the roofs of Lisbon")
    machine = Machine(dana)
    first = machine.claim()
    again = machine.claim()
    assert (again["job"], again["attempt"]) == (first["job"], 1)
    machine.tell(first, "started")
    second = machine.claim()
    assert second["job"] != first["job"]
    machine.tell(second, "started")
    machine.claim(status=204)
    held = machine.act("heartbeat")["jobs"]
    assert {row["job"] for row in held} == {first["job"], second["job"]}
    named = machine.act("heartbeat", {"jobs": [second["job"]]})["jobs"]
    assert [row["job"] for row in named] == [second["job"]]
    ali.post(f"videos/{first['video']}/cancel/")
    assert [row["job"] for row in machine.act("heartbeat")["jobs"]] == [second["job"]]
    machine.act("uploads", {"job": first["job"]}, status=404)
    assert "uploads" in machine.act("uploads", {"job": second["job"]})
    machine.act("uploads", {"job": "7"}, status=422)
    machine.act("uploads", {}, status=422)
