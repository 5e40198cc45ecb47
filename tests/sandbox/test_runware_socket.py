"""Runware over a WebSocket: the key first, then frames, each result in one of its own."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from websockets.sync.client import ClientConnection, connect

HELLO = {"taskType": "authentication", "apiKey": "sandbox"}


@pytest.fixture
def socket(sandbox) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{sandbox.port}/v1", proxy=None) as connection:
        yield connection


def ask(socket: ClientConnection, *tasks) -> dict:
    socket.send(json.dumps(tasks))
    return json.loads(socket.recv(timeout=60))


def test_the_key_comes_first(socket):
    refused = ask(socket, {"taskType": "ping", "ping": True})
    assert refused["errors"][0]["code"] == "missingApiKey"
    wrong = ask(socket, {**HELLO, "apiKey": "wrong"})
    assert wrong["errors"][0]["code"] == "invalidApiKey"
    assert wrong["errors"][0]["taskType"] == "authentication"


def test_a_session_is_resumed_by_its_id(socket):
    session = ask(socket, HELLO)["data"][0]["connectionSessionUUID"]
    assert session
    with connect(f"ws://127.0.0.1:{socket.remote_address[1]}/v1", proxy=None) as second:
        again = ask(second, {**HELLO, "connectionSessionUUID": session})
    assert again["data"][0] == {"taskType": "authentication", "connectionSessionUUID": session}


def test_every_result_has_a_frame_and_an_error_one_of_its_own(socket, sandbox, task):
    ask(socket, HELLO)
    assert ask(socket, {"taskType": "ping", "ping": True}) == {
        "data": [{"taskType": "ping", "pong": True}]
    }
    sandbox.faults({"fault": "one_fails"})
    asked = task(deliveryMethod="sync", numberResults=3, seed=20)
    frames = [ask(socket, asked), *(json.loads(socket.recv(timeout=60)) for _ in range(2))]
    assert [frame["data"][0]["seed"] for frame in frames[:2]] == [20, 21]
    assert frames[2]["errors"][0]["taskUUID"] == asked["taskUUID"]
    assert "data" not in frames[2]


def test_tasks_of_one_connection_do_not_wait_for_each_other(socket, sandbox, task):
    ask(socket, HELLO)
    sandbox.faults({"fault": "slow", "seconds": 1, "match": "slow one"})
    socket.send(json.dumps([task(deliveryMethod="sync", positivePrompt="the slow one")]))
    quick = task(deliveryMethod="sync", positivePrompt="the quick one")
    assert ask(socket, quick)["data"][0]["taskUUID"] == quick["taskUUID"]


def test_a_bad_frame_is_refused_and_the_connection_stays(socket):
    ask(socket, HELLO)
    for text in ("{}", "not json", "[]"):
        socket.send(text)
        assert json.loads(socket.recv(timeout=60))["errors"]
    wrong = ask(socket, {"taskType": "getResponse", "taskUUID": str(uuid4())})
    assert wrong["errors"][0]["code"] == "taskFailedOrNotFound"
