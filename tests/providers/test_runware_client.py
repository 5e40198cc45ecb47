"""Runware's client against a server that replays the recorded answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generations.providers import PROVIDERS, client_of, inbound_of
from generations.providers.base import Connection, ProviderError, Task, UnknownTask
from genproj.kernel import http

SAMPLES = Path(__file__).parents[1] / "samples" / "runware"
TASK = "0b6f4d2e-51c7-4d0a-9a43-1f8f0a3c7d11"
UNKNOWN = "72deb095-c83e-4e71-81ba-80f071a3e488"
ASKED = Task(TASK, "image", "runware:100@1", {"prompt": "a lighthouse"}, 3, "https://a.example/h")


class Replay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.asked.append((self.headers, json.loads(self.rfile.read(length))))
        status, body, headers = self.server.answer
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def runware():
    served = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    served.asked = []
    served.url = f"http://127.0.0.1:{served.server_port}/v1"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    http.close()
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def client(runware):
    return client_of("runware", Connection("k", runware.url, PROVIDERS["runware"].hosts))


def answer(runware, name, **changes):
    found = json.loads((SAMPLES / f"{name}.json").read_text())
    raw = found.get("raw_body")
    body = raw.encode() if raw is not None else json.dumps(found["body"]).encode()
    told = {"status": found["http"]["status"], "headers": {}, **changes}
    runware.answer = (told["status"], body, told["headers"])


def failure_of(call, *arguments):
    with pytest.raises(ProviderError) as error:
        call(*arguments)
    return error.value


def test_a_task_is_sent_as_an_array_with_the_key_and_accepted(runware, client):
    answer(runware, "response-async-ack")
    submission = client.submit(ASKED)
    assert (submission.ref, submission.update) == (TASK, None)
    headers, body = runware.asked[0]
    assert headers["Authorization"] == "Bearer k"
    assert [item["taskUUID"] for item in body] == [TASK]


def test_results_that_come_at_once_are_not_lost(runware, client):
    answer(runware, "response-image-sync-ok")
    assert len(client.submit(ASKED).update.outputs) == 2


# sample -> code, status, permanent, accepted, in doubt
REFUSALS = {
    "error-invalid-width": ("api_rejected", 400, True, False, False),
    "error-parameter-list": ("api_rejected", 400, True, False, False),
    "error-invalid-key": ("api_rejected", 401, True, False, False),
    "error-credits": ("api_rejected", 402, True, False, False),
    "error-in-http-200": ("api_rejected", 200, True, False, False),
    "error-content-policy": ("api_rejected", 400, True, False, False),
    "error-conflict-uuid": ("api_rejected", 400, False, True, False),
    "error-rate-limit": ("api_rejected", 429, False, False, False),
    "error-unavailable": ("api_rejected", 503, False, False, False),
    "bad-html-gateway": ("http_error", 502, False, False, True),
    "bad-truncated": ("http_error", 200, False, False, True),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_each_refusal_says_whether_to_try_again(runware, client, name):
    answer(runware, name)
    error = failure_of(client.submit, ASKED)
    told = (error.code, error.status, error.permanent, error.accepted, error.in_doubt)
    assert told == REFUSALS[name]
    assert error.url == runware.url
    assert len(error.body) <= 2000


def test_the_code_decides_before_the_status(runware, client):
    answer(runware, "error-credits", status=400)
    assert failure_of(client.submit, ASKED).permanent
    answer(runware, "error-rate-limit", status=400)
    assert not failure_of(client.submit, ASKED).permanent


def test_a_refused_content_is_told_apart(runware, client):
    answer(runware, "error-content-policy")
    error = failure_of(client.submit, ASKED)
    assert error.content_blocked
    assert error.errors[0]["code"] == "invalidProviderContent"


def test_a_wait_that_was_asked_for_is_passed_on(runware, client):
    answer(runware, "error-rate-limit", headers={"Retry-After": "9"})
    assert failure_of(client.submit, ASKED).retry_after == 9


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"data":[]}', b"null", b'"ok"', b""])
def test_an_answer_that_says_nothing_leaves_the_task_in_doubt(runware, client, body):
    runware.answer = (200, body, {})
    assert failure_of(client.submit, ASKED).in_doubt


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502, 503, 504])
def test_a_status_without_a_readable_body_decides_alone(runware, client, status):
    runware.answer = (status, b"<html>", {})
    error = failure_of(client.submit, ASKED)
    assert (error.code, error.permanent) == ("http_error", status < 500)


def test_a_lost_reply_leaves_the_task_in_doubt(runware, client):
    runware.answer = (None, b"", {})
    error = failure_of(client.submit, ASKED)
    assert (error.code, error.in_doubt, error.permanent) == ("unreachable", True, False)


def test_a_call_that_never_left_is_not_in_doubt(runware):
    gone = client_of("runware", Connection("k", "http://127.0.0.1:1/v1"))
    error = failure_of(gone.submit, ASKED)
    assert (error.code, error.in_doubt, error.permanent) == ("unreachable", False, False)


# ── asking ────────────────────────────────────────────────────────────────────────────────────

POLLS = {
    "response-poll-processing": (0, 0, True, 40),
    "response-poll-half": (1, 0, True, None),
    "response-poll-success": (3, 0, False, None),
    "response-poll-partial": (2, 1, False, None),
    "response-poll-partial-item": (2, 1, False, None),
    "response-poll-failed": (0, 1, False, None),
    "response-async-ack": (0, 0, None, None),
}


@pytest.mark.parametrize("name", POLLS)
def test_each_poll_tells_what_came_and_whether_more_will(runware, client, name):
    answer(runware, name)
    update = client.ask(TASK)
    told = (len(update.outputs), len(update.errors), update.processing, update.progress)
    assert told == POLLS[name]
    assert runware.asked[0][1] == [{"taskType": "getResponse", "taskUUID": TASK}]


def test_a_task_that_is_not_known_is_told_apart(runware, client):
    answer(runware, "response-poll-unknown-task")
    with pytest.raises(UnknownTask):
        client.ask(UNKNOWN)


@pytest.mark.parametrize(
    ("name", "permanent"),
    [
        ("error-invalid-key", True),
        ("error-rate-limit", False),
        ("error-unavailable", False),
        ("bad-html-gateway", False),
        ("bad-truncated", False),
    ],
)
def test_a_failure_to_ask_says_nothing_of_the_task(runware, client, name, permanent):
    answer(runware, name)
    assert failure_of(client.ask, TASK).permanent is permanent


def test_an_answer_about_another_task_is_not_taken(runware, client):
    answer(runware, "response-poll-success")
    assert failure_of(client.ask, UNKNOWN).code == "http_error"


def test_a_tasks_own_failure_is_its_fate_whatever_the_status(runware, client):
    answer(runware, "error-content-policy")
    update = client.ask(TASK)
    assert [one.code for one in update.errors] == ["content_blocked"]
    assert update.processing is False


# ── the catalogue ─────────────────────────────────────────────────────────────────────────────


def test_the_catalogue_is_searched_with_runwares_filters(runware, client):
    answer(runware, "response-modelsearch")
    found = client.search_models(search="flux", category="checkpoint", limit=20, offset=0, type="")
    assert found.total == 41
    assert [(one.id, one.name) for one in found.models] == [("runware:100@1", "FLUX.1 schnell")]
    sent = runware.asked[0][1][0]
    assert sent.pop("taskUUID")
    assert sent == {
        "taskType": "modelSearch",
        "search": "flux",
        "category": "checkpoint",
        "limit": 20,
        "offset": 0,
    }


def test_a_filter_that_runware_does_not_have_is_refused(client):
    with pytest.raises(TypeError):
        client.search_models(colour="red")


@pytest.mark.parametrize("body", [b"{}", b'{"data":[]}', b'{"data":[{"results":5}]}', b"[]"])
def test_a_catalogue_of_another_shape_is_a_failure(runware, client, body):
    runware.answer = (200, body, {})
    assert failure_of(client.search_models).code == "http_error"


# ── the table and the connection ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_row_of_the_table_names_something(name):
    client = client_of(name, Connection("k", "https://api.example/v1"))
    assert client.kind_of_answer in ("callback", "poll", "inline")
    assert (inbound_of(name) is None) == (PROVIDERS[name].inbound is None)


def test_a_real_provider_may_not_lead_downloads_to_private_places():
    real = Connection("k", "https://api.runware.ai/v1", ("im.runware.ai",))
    assert real.downloads.excepted == ()
    assert "im.runware.ai" in real.downloads.hosts
    sandbox = Connection("sandbox", "http://127.0.0.1:8001/v1")
    assert sandbox.downloads.excepted == (http.Origin("http", "127.0.0.1", 8001),)


def test_a_key_is_not_shown():
    assert "abc" not in repr(Connection("abc", "https://api.runware.ai/v1"))
