"""Veo on a bad day: every fault of its operations, polls and files, and a killed sandbox."""

import socket
import time
from typing import Any

import pytest
import requests

from tests.sandbox.stage import SandboxProcess
from tests.sandbox.test_veo import CREATE, begun, ended, error, path_of, poll, uris, wish


@pytest.fixture(autouse=True)
def _nothing_before(sandbox: SandboxProcess) -> None:
    sandbox.session.post(f"{sandbox.root}/control/reset", json={"tasks": True}, timeout=60)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("google_reject", (400, "INVALID_ARGUMENT")),
        ("google_precondition", (400, "FAILED_PRECONDITION")),
        ("google_denied", (403, "PERMISSION_DENIED")),
        ("google_retired", (404, "NOT_FOUND")),
        ("google_quota", (429, "RESOURCE_EXHAUSTED")),
        ("google_500", (500, "INTERNAL")),
        ("google_503", (503, "UNAVAILABLE")),
    ],
)
def test_nothing_is_accepted_when_a_rule_refuses(sandbox, fault, expected):
    sandbox.faults({"fault": fault, "times": 1})
    assert error(sandbox.google(CREATE, wish())) == expected
    assert sandbox.tasks_of_google() == []
    begun(sandbox)


def test_a_gateways_page_is_no_json(sandbox):
    sandbox.faults({"fault": "google_html", "times": 1}, {"fault": "veo_poll_html", "times": 1})
    reply = sandbox.google(CREATE, wish())
    assert (reply.status_code, reply.headers["content-type"][:9]) == (502, "text/html")
    assert poll(sandbox, begun(sandbox)).status_code == 502


def test_quota_says_how_long_to_wait(sandbox):
    sandbox.faults({"fault": "google_quota", "seconds": 3})
    details = sandbox.google(CREATE, wish()).json()["error"]["details"]
    assert details[-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}


def test_a_lost_reply_leaves_an_operation(sandbox):
    sandbox.faults({"fault": "veo_reply_lost", "times": 1})
    with pytest.raises(requests.ConnectionError):
        sandbox.google(CREATE, wish())
    task = sandbox.tasks_of_google()[0]
    name = f"models/{task['model']}/operations/{task['taskUUID']}"
    assert len(uris(ended(sandbox, name))) == 1


def test_a_truncated_reply_leaves_an_operation(sandbox):
    sandbox.faults({"fault": "veo_truncated", "times": 1})
    reply = sandbox.google(CREATE, wish())
    with pytest.raises(ValueError, match="Unterminated"):
        reply.json()
    assert len(sandbox.tasks_of_google()) == 1


def response(sandbox: SandboxProcess, fault: str, **parameters: Any) -> dict[str, Any]:
    sandbox.faults({"fault": fault})
    body = ended(sandbox, begun(sandbox, wish(**parameters)))
    assert set(body) - {"response", "error"} == {"name", "done"}
    return body


def test_ends_without_a_film(sandbox):
    filtered = response(sandbox, "veo_filtered")["response"]["generateVideoResponse"]
    assert set(filtered) == {"raiMediaFilteredCount", "raiMediaFilteredReasons"}
    failed = response(sandbox, "veo_failed")
    assert (failed["error"]["code"], "response" in failed) == (13, False)
    assert set(response(sandbox, "veo_no_result")) == {"name", "done"}
    empty = response(sandbox, "veo_empty")["response"]["generateVideoResponse"]
    assert empty == {"generatedSamples": []}
    nowhere = response(sandbox, "veo_no_uri")["response"]["generateVideoResponse"]
    assert nowhere == {"generatedSamples": [{"video": {}}]}
    assert uris(response(sandbox, "veo_foreign_uri")) == ["http://169.254.169.254/x"]


def test_part_of_the_films_can_be_withheld(sandbox):
    body = response(sandbox, "veo_partial", sampleCount=2)
    assert len(uris(body)) == 1
    assert body["response"]["generateVideoResponse"]["raiMediaFilteredCount"] == 1


def test_a_word_alone_has_a_film_withheld(sandbox):
    body = ended(sandbox, begun(sandbox, wish("something forbidden")))
    assert body["response"]["generateVideoResponse"]["raiMediaFilteredCount"] == 1


def polled(sandbox: SandboxProcess, count: int) -> list[Any]:
    """What so many polls of one operation say: running, done, or a status."""
    name, said = begun(sandbox), []
    time.sleep(0.1)
    for _ in range(count):
        reply = poll(sandbox, name)
        done = reply.json().get("done", False) if reply.status_code == 200 else reply.status_code
        said.append(done)
    return said


def test_polls_go_wrong_on_order(sandbox):
    sandbox.faults({"fault": "veo_polls", "polls": 2})
    assert polled(sandbox, 4) == [False, False, True, True]
    sandbox.faults({"fault": "veo_regress"})
    assert polled(sandbox, 4) == [True, False, True, True]
    sandbox.faults({"fault": "veo_vanish", "polls": 1})
    assert polled(sandbox, 3) == [True, 404, 404]
    sandbox.faults({"fault": "veo_never"})
    assert polled(sandbox, 2) == [False, False]
    sandbox.faults({"fault": "veo_poll_503", "times": 1}, {"fault": "veo_poll_quota", "times": 1})
    assert polled(sandbox, 3) == [503, 429, True]


def test_a_poll_can_be_lost(sandbox):
    name = begun(sandbox)
    sandbox.faults({"fault": "veo_poll_lost", "times": 1})
    with pytest.raises(requests.ConnectionError):
        poll(sandbox, name)
    assert poll(sandbox, name).status_code == 200


def test_a_slow_film_takes_longer(sandbox):
    sandbox.faults({"fault": "veo_slow", "seconds": 0.5})
    name, begun_at = begun(sandbox), time.monotonic()
    ended(sandbox, name)
    assert time.monotonic() - begun_at > 0.4


def test_downloads_go_wrong_on_order(sandbox):
    file = path_of(uris(ended(sandbox, begun(sandbox)))[0])
    whole = sandbox.google(file).content
    sandbox.faults({"fault": "veo_file_404", "times": 1})
    assert error(sandbox.google(file)) == (404, "NOT_FOUND")
    sandbox.faults({"fault": "veo_file_500", "times": 1})
    assert sandbox.google(file).status_code == 500
    sandbox.faults({"fault": "veo_file_wrong_type", "times": 1})
    assert sandbox.google(file).content.startswith(b"<html>")
    sandbox.faults({"fault": "veo_file_cut", "times": 1})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sandbox.google(file)
    sandbox.faults({"fault": "veo_file_stall", "seconds": 30, "times": 1})
    with pytest.raises(requests.ConnectionError):
        sandbox.google(file, timeout=0.3)
    sandbox.faults({"fault": "veo_file_slow", "seconds": 0.4, "times": 1})
    assert sandbox.google(file).content == whole


def test_a_download_can_be_redirected(sandbox):
    file = path_of(uris(ended(sandbox, begun(sandbox)))[0])
    whole = sandbox.google(file).content
    for fault, host in (("redirect", "127.0.0.1"), ("redirect_host", "localhost")):
        sandbox.faults({"fault": f"veo_file_{fault}", "times": 1})
        reply = sandbox.google(file)
        assert reply.status_code == 302
        assert reply.headers["location"].startswith(f"http://{host}:{sandbox.port}/cdn/film/")
        # Without the key: whoever follows to another host must not take it along.
        assert sandbox.get(reply.headers["location"]).content == whole
    sandbox.faults({"fault": "veo_file_redirect_private", "times": 1})
    assert sandbox.google(file).headers["location"].startswith("http://10.0.0.1/")
    sandbox.faults({"fault": "veo_file_redirect_chain", "times": 1})
    assert file.split("?")[0] in sandbox.google(file).headers["location"]


def test_a_killed_sandbox_goes_on_with_its_films(new_sandbox):
    sandbox = new_sandbox("--delay", "0.1")
    sandbox.faults({"fault": "veo_polls", "polls": 1, "match": "slow"})
    name, slow = begun(sandbox), begun(sandbox, wish("a slow boat"))
    sandbox.kill()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", sandbox.port)) != 0
    sandbox.start()
    body = ended(sandbox, name)
    content = sandbox.google(path_of(uris(body)[0])).content
    assert "done" not in poll(sandbox, slow).json()
    sandbox.kill()
    sandbox.start()
    assert "done" in poll(sandbox, slow).json()
    assert poll(sandbox, name).json() == body
    assert sandbox.google(path_of(uris(body)[0])).content == content
