"""Veo's client against a server that replays the recorded answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generations.providers import PROVIDERS, client_of, inbound_of
from generations.providers.base import Connection, ProviderError, Task, UnknownTask
from genproj.kernel import http

SAMPLES = Path(__file__).parents[1] / "samples" / "veo"
NAME = "models/veo-3.1-generate-preview/operations/k3v9q0x7a1bz"
ASKED = Task("id", "video", "veo-3.1-generate-preview", {"prompt": "waves", "parameters": {}}, 1)


class Replay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, self.headers, body))
        status, body = self.server.answer
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - http.server's own names


@pytest.fixture
def google():
    served = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    served.asked = []
    served.url = f"http://127.0.0.1:{served.server_port}/v1beta"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    http.close()
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def client(google):
    return client_of("veo", Connection("k", google.url, PROVIDERS["veo"].hosts))


def answer(google, name):
    found = json.loads((SAMPLES / f"{name}.json").read_text())
    raw = found.get("raw_body")
    body = raw.encode() if raw is not None else json.dumps(found["body"]).encode()
    google.answer = (found["http"]["status"], body)


def failure_of(call, *arguments):
    with pytest.raises(ProviderError) as error:
        call(*arguments)
    return error.value


def test_a_film_is_asked_for_by_its_model_and_known_by_its_operation(google, client):
    answer(google, "response-created")
    assert client.submit(ASKED).ref == NAME
    [(method, path, headers, body)] = google.asked
    assert (method, path) == (
        "POST",
        "/v1beta/models/veo-3.1-generate-preview:predictLongRunning",
    )
    assert headers["x-goog-api-key"] == "k"
    assert body["instances"] == [{"prompt": "waves"}]


def test_an_operation_is_asked_for_by_its_name(google, client):
    answer(google, "response-done")
    [output] = client.ask(NAME).outputs
    expected = json.loads((SAMPLES / "request-poll.json").read_text())["http"]
    assert google.asked[0][:2] == (expected["method"], expected["path"])
    address = client.address_of(output.url)
    wanted = json.loads((SAMPLES / "request-download.json").read_text())["http"]
    assert address.url == google.url.removesuffix("/v1beta") + wanted["path"]
    assert address.headers == {"x-goog-api-key": "k"}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/x",
        "https://evil.example/notfiles/abc",
        "https://generativelanguage.googleapis.com/v1beta/files/../secrets:download",
        "",
    ],
)
def test_an_address_without_a_file_is_fetched_by_no_way(client, url):
    assert client.address_of(url) is None


def test_the_key_goes_to_our_own_host_whoever_the_answer_names(google, client):
    address = client.address_of("https://evil.example/v1beta/files/9f2k:download?alt=media")
    assert address.url == f"{google.url}/files/9f2k:download?alt=media"


# sample -> code, status, permanent, in doubt, seconds to wait
REFUSALS = {
    "google-error-bad-field": ("api_rejected", 400, True, False, None),
    "google-error-bad-key": ("api_rejected", 400, True, False, None),
    "google-error-no-key": ("api_rejected", 403, True, False, None),
    "google-error-precondition": ("api_rejected", 400, True, False, None),
    "google-error-quota": ("api_rejected", 429, False, False, 17.0),
    "google-error-overloaded": ("api_rejected", 503, False, False, None),
    "google-error-not-json": ("http_error", 502, False, True, None),
    "error-bad-parameter": ("api_rejected", 400, True, False, None),
    "error-retired-model": ("model_retired", 404, True, False, None),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_read(google, client, name):
    answer(google, name)
    found = failure_of(client.submit, ASKED)
    told = (found.code, found.status, found.permanent, found.in_doubt, found.retry_after)
    assert told == REFUSALS[name]


def test_an_operation_that_is_gone_is_unknown(google, client):
    answer(google, "error-unknown-operation")
    with pytest.raises(UnknownTask):
        client.ask(NAME)


def test_what_was_never_an_operation_is_unknown_without_asking(google, client):
    with pytest.raises(UnknownTask):
        client.ask("0b6f4d2e-51c7-4d0a-9a43-1f8f0a3c7d11")
    assert google.asked == []


@pytest.mark.parametrize("name", ["google-error-quota", "google-error-overloaded"])
def test_a_poll_that_is_put_off_is_no_fate_of_the_film(google, client, name):
    answer(google, name)
    assert not failure_of(client.ask, NAME).permanent


@pytest.mark.parametrize("reply", [(None, b""), (200, b'{"na'), (200, b"{}"), (200, b"[]")])
def test_a_lost_or_unreadable_reply_leaves_the_film_in_doubt(google, client, reply):
    google.answer = reply
    assert failure_of(client.submit, ASKED).in_doubt


def test_a_server_that_is_not_there_leaves_no_doubt(client, google):
    nowhere = client_of("veo", Connection("k", "http://127.0.0.1:9/v1beta"))
    assert not failure_of(nowhere.submit, ASKED).in_doubt


def test_the_table_has_a_row_for_it():
    assert PROVIDERS["veo"].kinds == ("video",)
    assert inbound_of("veo") is None
