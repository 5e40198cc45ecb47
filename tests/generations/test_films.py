"""Films through the whole engine: both providers, a remote worker, and what goes wrong."""

import hashlib
import io
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import av
import pytest
from django.contrib.auth.models import User
from django.test import Client

from generations import queries
from generations.errors import FilmOfAVideo, ModelRetired
from generations.models import Artifact, Output, Preview, ProviderModel, RegisterEntry
from generations.operations import calling, filming, polling, register, registry, sweeps
from generations.providers.base import ProviderUpdate, ResultOutput
from genproj import projectors
from genproj.events import log
from genproj.kernel import leases, storage
from genproj.kernel.clock import now
from genproj.kernel.errors import Invalid
from genproj.projectors import PROJECTORS, STAGES, Projector
from tests import world
from tests.conftest import Sandbox
from tests.generations import listening

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

RUNWARE, GOOGLE = "google:3@2", "veo-3.1-generate-001"
WORDS = {"duration": 4, "aspect_ratio": "9:16", "resolution": "720p"}


@pytest.fixture(autouse=True)
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An app that hears of films, in the place of the one that makes videos."""
    runs = {stage: f"tests.generations.listening.{stage}" for stage in STAGES}
    monkeypatch.setitem(PROJECTORS, "video", Projector(runs=runs, only="video"))
    listening.HEARD.clear()
    yield
    assert projectors.PROJECTORS["video"].only == "video"


@pytest.fixture
def film(alice: User) -> Callable[..., RegisterEntry]:
    """Opens a film of Alice's."""
    world.models()

    def opened(
        model: str = GOOGLE,
        prompt: str = "a lighthouse in fog",
        *,
        open: Callable[..., RegisterEntry] = filming.open_film,
        **more: Any,
    ) -> RegisterEntry:
        request = filming.checked(model=model, prompt=prompt, parameters=WORDS)
        return open(
            actor=alice,
            audience=f"user:{alice.pk}",
            request=request,
            hold="video:test",
            annotations={"video": "test"},
            **more,
        )

    return opened


def facts(entry: RegisterEntry) -> queries.FilmFacts:
    return queries.films_of([entry.pk])[entry.pk]


def soon(entry: RegisterEntry) -> None:
    """Have the provider asked at once."""
    RegisterEntry.objects.filter(pk=entry.pk, due_at__isnull=False).update(
        due_at=now(), leased_until=None
    )


@pytest.fixture
def ended(work_until: Callable[..., Any]) -> Callable[[RegisterEntry], queries.FilmFacts]:
    """Works until a film is complete, and whatever follows is done."""

    def wait(entry: RegisterEntry) -> queries.FilmFacts:
        def is_over() -> bool:
            soon(entry)
            return facts(entry).completed_at is not None

        work_until(is_over)
        work_until(lambda: "final" in listening.heard(entry))
        return facts(entry)

    return wait


@pytest.mark.parametrize("model", [RUNWARE, GOOGLE])
def test_a_film_is_stored_measured_shown_and_catalogued(
    model: str, sandbox: Sandbox, client: Client, alice: User, film: Any, ended: Any
) -> None:
    entry = film(model)
    done = ended(entry)
    assert (done.state, done.error) == ("completed", None)
    assert (done.width, done.height, done.content_type) == (720, 1280, "video/mp4")
    assert done.duration == pytest.approx(4, abs=0.3)
    output = Output.objects.get(entry=entry)
    assert output.storage_key == f"videos/{output.pk}.mp4"
    with storage.open_read(output.storage_key) as file:
        body = file.read()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (output.size, output.sha256)
    assert Artifact.objects.get(pk=output.pk).duration == output.duration
    assert Preview.objects.get(pk=output.pk).poster_key
    client.force_login(alice)
    poster = client.get(f"/media/{output.pk}/poster")
    assert (poster.status_code, poster["Content-Type"]) == (200, "image/webp")
    told = listening.heard(entry)
    assert (told[0], told.count("settled"), told.count("final")) == ("submitted", 1, 1)
    assert done.dispatched_at is not None
    reply = RegisterEntry.objects.get(pk=entry.pk).provider_ref
    assert bool(reply) == (model == GOOGLE)
    assert done.provider_ref == reply or done.provider_ref == str(entry.pk)
    frames = log.since(f"user:{alice.pk}", 0)
    assert frames is not None
    last = [frame.data["generation"] for frame in frames if "generation" in frame.data][-1]
    [shown] = queries.full_state_of(alice.pk)["generations"]
    assert last["outputs"] == shown["outputs"]  # its poster's colour, too


# fault -> code of the error, retryable
ENDS = {
    "veo_failed": ("provider_failed", True),
    "veo_filtered": ("content_blocked", False),
    "veo_no_result": ("no_result", True),
    "veo_empty": ("no_result", True),
    "veo_foreign_uri": ("validation", True),
    "veo_vanish": ("task_vanished", True),
}


@pytest.mark.parametrize("fault", ENDS)
def test_a_film_that_is_not_made_says_why(
    fault: str, sandbox: Sandbox, film: Any, ended: Any
) -> None:
    sandbox.faults({"fault": fault})
    done = ended(film())
    assert done.state == "failed"
    assert (done.error["code"], done.error["retryable"]) == ENDS[fault]
    assert done.cost is None


def test_a_filtered_film_says_it_in_the_providers_words(
    sandbox: Sandbox, film: Any, ended: Any
) -> None:
    sandbox.faults({"fault": "veo_filtered"})
    assert "withheld by the safety filters" in ended(film()).error["message"]


def test_a_lost_reply_is_never_repeated(sandbox: Sandbox, film: Any, ended: Any) -> None:
    sandbox.faults({"fault": "veo_reply_lost"})
    done = ended(film())
    assert done.error["code"] == "dispatch_unknown"
    assert "may have billed it" in done.error["message"]
    assert len(sandbox.tasks()) == 1


def test_a_worker_that_died_in_its_call_leaves_it_unknown(
    sandbox: Sandbox, film: Any, ended: Any
) -> None:
    entry = film()
    [claimed] = leases.claim(calling.entries_to_call(), limit=1)
    calling.calls_for([claimed])  # begun, and then nothing more was heard of it
    assert facts(entry).submit_started_at is not None
    done = ended(entry)
    assert done.error["code"] == "dispatch_unknown"
    assert sandbox.tasks() == []


def test_an_accepted_film_is_asked_for_again_and_never_submitted_again(
    sandbox: Sandbox, film: Any, ended: Any, work: Callable[..., int]
) -> None:
    sandbox.faults({"fault": "veo_polls", "polls": 2})
    entry = film()
    work("call_providers")
    ref = facts(entry).provider_ref
    assert "operations/" in ref
    for _ in range(2):  # a worker claims it and dies
        soon(entry)
        leases.claim(calling.entries_to_call(), limit=1)
    done = ended(entry)
    assert done.state == "completed"
    assert done.provider_ref == ref
    assert done.last_asked_at is not None
    assert len(sandbox.tasks()) == 1


def test_a_refusal_for_now_is_submitted_again(
    sandbox: Sandbox, film: Any, ended: Any, work: Callable[..., int]
) -> None:
    sandbox.faults({"fault": "google_503", "times": 1})
    done = ended(film())
    assert done.state == "completed"


def test_a_model_that_google_has_retired_says_so(sandbox: Sandbox, film: Any, ended: Any) -> None:
    sandbox.faults({"fault": "google_retired"})
    done = ended(film())
    assert (done.error["code"], done.error["retryable"]) == ("model_retired", False)


def test_the_file_is_fetched_after_a_redirect_too(sandbox: Sandbox, film: Any, ended: Any) -> None:
    sandbox.faults({"fault": "veo_file_redirect"})
    assert ended(film()).state == "completed"


# ── remote workers ────────────────────────────────────────────────────────────────────────────


def mp4(seconds: int = 1) -> bytes:
    """A small film of one colour."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(4 * seconds):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    return file.getvalue()


def upload(key: str, body: bytes) -> None:
    storage.put(
        key,
        io.BytesIO(body),
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        content_type="video/mp4",
    )


def test_a_remote_film_is_collected_from_storage(
    film: Any, work: Callable[..., int], ended: Any
) -> None:
    entry = film(open=filming.open_remote_film)
    work()
    assert facts(entry).completed_at is None
    filming.note_remote_progress(entry_id=entry.pk, percent=40)
    assert facts(entry).percent == 40
    upload("uploads/worker/one", mp4())
    for _ in range(2):  # repeated
        filming.record_remote_film(
            entry_id=entry.pk,
            storage_key="uploads/worker/one",
            cost=Decimal("0.25"),
            seconds=3,
        )
    done = ended(entry)
    assert (done.state, done.cost) == ("completed", Decimal("0.25"))
    assert (done.width, done.height) == (64, 48)
    assert [key for key, _ in storage.keys("videos/")] == [f"videos/{done.artifact_id}.mp4"]
    assert list(storage.keys("uploads/")) == []
    assert "progress" in listening.heard(entry)


def test_a_remote_film_that_lies_in_its_place_is_not_copied(film: Any, ended: Any) -> None:
    entry = film(open=filming.open_remote_film)
    body = mp4()
    upload("uploads/worker/two", body)
    filming.record_remote_film(
        entry_id=entry.pk, storage_key="uploads/worker/two", cost=None, seconds=None
    )
    output = Output.objects.get(entry=entry)
    upload(f"videos/{output.pk}.mp4", body)
    Output.objects.filter(pk=output.pk).update(url=f"storage:videos/{output.pk}.mp4")
    assert ended(entry).state == "completed"


@pytest.mark.parametrize("key", ["uploads/worker/none", "uploads/worker/text"])
def test_a_remote_film_that_is_none_fails(key: str, film: Any, ended: Any) -> None:
    upload("uploads/worker/text", b"no film at all")
    entry = film(open=filming.open_remote_film)
    filming.record_remote_film(entry_id=entry.pk, storage_key=key, cost=None, seconds=None)
    done = ended(entry)
    assert done.state == "failed"
    assert done.error["code"] in {"fetch_failed", "validation"}


def test_a_remote_worker_may_give_up(film: Any, ended: Any) -> None:
    entry = film(open=filming.open_remote_film)
    filming.fail_remote_film(entry_id=entry.pk, code="out_of_memory", message="No memory left.")
    done = ended(entry)
    assert (done.error["code"], done.error["message"]) == ("provider_failed", "No memory left.")


def test_the_sweep_and_the_deadline_know_remote_films(
    film: Any, work: Callable[..., int], ended: Any
) -> None:
    entry = film(open=filming.open_remote_film)
    past = now() - timedelta(minutes=5)
    RegisterEntry.objects.filter(pk=entry.pk).update(due_at=None, created_at=past)
    sweeps.repair_stuck()
    work()
    row = RegisterEntry.objects.get(pk=entry.pk)
    assert row.completed_at is None
    assert abs((row.due_at - row.deadline_at).total_seconds()) < 2
    RegisterEntry.objects.filter(pk=entry.pk).update(deadline_at=now() - timedelta(seconds=1))
    assert ended(entry).error["code"] == "timeout"


def test_no_provider_can_name_an_object_of_ours(
    sandbox: Sandbox, film: Any, work: Callable[..., int]
) -> None:
    upload("videos/secret.mp4", mp4())
    entry = film(RUNWARE)
    work("call_providers")
    lie = ResultOutput("r", "storage:videos/secret.mp4", None, None, {})
    polling.record_answers([(entry, ProviderUpdate(None, outputs=(lie,)))])
    work("collect_outputs")
    output = Output.objects.get(entry=entry, ref="r")
    assert output.error["code"] == "fetch_failed"


# ── what may be asked for ─────────────────────────────────────────────────────────────────────

# model, prompt, parameters -> pointers
REFUSED = [
    ("none", "waves", {}, ["/model"]),
    ("a\0b", "waves", {}, ["/model"]),
    (world.MODEL, "waves", {}, ["/model"]),
    (GOOGLE, "w", {}, ["/prompt"]),
    (GOOGLE, "   ", {"duration": 5}, ["/parameters/duration", "/prompt"]),
    (GOOGLE, "waves", {"duration": 4, "resolution": "1080p"}, ["/parameters/duration"]),
    (GOOGLE, "waves", {"sound": False}, ["/parameters/sound"]),
    (RUNWARE, "waves", {"negative_prompt": "people"}, ["/parameters/negative_prompt"]),
    (RUNWARE, "waves", {"aspect_ratio": "1:1", "seed": 0}, None),
    (RUNWARE, "waves", [], ["/parameters"]),
]


@pytest.mark.parametrize(("model", "prompt", "parameters", "pointers"), REFUSED)
def test_a_film_is_checked_against_its_model(
    model: str, prompt: str, parameters: Any, pointers: Any, db: None
) -> None:
    world.models()
    with pytest.raises(Invalid) as refusal:
        filming.checked(model=model, prompt=prompt, parameters=parameters)
    found = [row["pointer"] for row in refusal.value.errors]
    assert found == (pointers or ["/parameters/aspect_ratio", "/parameters/seed"])


def test_defaults_are_filled_in_and_the_higher_resolution_is_for_eight_seconds(db: None) -> None:
    world.models()
    request = filming.checked(model=RUNWARE, prompt=" waves ", parameters={"resolution": "1080p"})
    assert request.prompt == "waves"
    assert request.parameters == {
        "duration": 8,
        "aspect_ratio": "16:9",
        "resolution": "1080p",
        "sound": True,
    }


def test_a_retired_model_names_its_replacement(db: None) -> None:
    world.models()
    with pytest.raises(ModelRetired) as refusal:
        filming.checked(model="veo-3.0-generate-001", prompt="waves", parameters={})
    assert refusal.value.extra["replacement"] == GOOGLE


def test_models_and_estimates_are_read(db: None) -> None:
    world.models()
    shown = queries.film_models()
    assert {GOOGLE, RUNWARE, "veo-3.1-fast-generate-001"} <= {model.id for model in shown}
    assert shown[-1].retired
    google = queries.film_model(GOOGLE)
    assert google is not None
    assert queries.estimate_of(google, {"duration": 4}).cost == Decimal("1.6")
    assert queries.estimate_of(google, {}).cost == Decimal("3.2")
    assert queries.film_model(world.MODEL) is None


def test_a_film_is_retried_by_its_video_only(film: Any, alice: User, work: Any) -> None:
    entry = film(open=filming.open_remote_film)
    filming.drop_entry(entry_id=entry.pk)
    filming.drop_entry(entry_id=entry.pk)
    with pytest.raises(FilmOfAVideo):
        register.retry_entry(actor=alice, entry_id=entry.pk)
    assert listening.heard(entry) == []
    work("project")
    assert listening.heard(entry) == ["settled", "final"]


def test_the_api_refuses_to_retry_a_film(film: Any, client: Client, alice: User) -> None:
    entry = film(open=filming.open_remote_film)
    filming.drop_entry(entry_id=entry.pk)
    client.force_login(alice)
    refused = client.post(f"/api/v1/generations/{entry.pk}/retry/")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert "retry the video" in refused.json()["detail"]


def test_the_registry_learns_what_is_new_and_keeps_what_staff_wrote(db: None) -> None:
    world.models()
    former = registry.FORMER["google:3@2"]
    ProviderModel.objects.filter(pk="google:3@2").update(**former)
    ProviderModel.objects.filter(pk="google:3@3").update(**former | {"price": Decimal("9")})
    ProviderModel.objects.filter(pk=GOOGLE).update(enabled=False, price=Decimal("1"))
    registry.sync_models()
    learned = ProviderModel.objects.get(pk="google:3@2")
    assert (learned.price, learned.price_unit) == (Decimal("0.4"), "second")
    assert "aspect_ratio" in learned.parameters["properties"]
    assert ProviderModel.objects.get(pk="google:3@3").price == Decimal("9")
    edited = ProviderModel.objects.get(pk=GOOGLE)
    assert (edited.enabled, edited.price) == (False, Decimal("1"))


def test_a_film_of_many_megabytes_is_never_held_in_memory(
    film: Any, ended: Any, work: Callable[..., int]
) -> None:
    padding = 48 * 2**20
    body = mp4() + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)
    upload("uploads/worker/big", body)
    size = len(body)
    del body
    entry = film(open=filming.open_remote_film)
    filming.record_remote_film(
        entry_id=entry.pk, storage_key="uploads/worker/big", cost=None, seconds=None
    )
    tracemalloc.start()
    work("collect_outputs", "make_previews")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    done = ended(entry)
    assert (done.state, done.size) == ("completed", size)
    assert most < 12 * 2**20


def test_a_film_above_the_limit_is_not_kept(film: Any, ended: Any, settings: Any) -> None:
    settings.MAX_OUTPUT_BYTES = settings.MAX_OUTPUT_BYTES | {"video": 100}
    upload("uploads/worker/large", mp4())
    entry = film(open=filming.open_remote_film)
    filming.record_remote_film(
        entry_id=entry.pk, storage_key="uploads/worker/large", cost=None, seconds=None
    )
    done = ended(entry)
    assert (done.state, done.error["code"]) == ("failed", "fetch_failed")
    assert "more than is allowed" in done.error["message"]
