"""Every fault does what its row in the table says."""

import json
import time

import pytest
import requests

BEFORE = {
    "error_before": (500, "internalServerError"),
    "error_before_402": (402, "insufficientCredits"),
    "error_before_429": (429, "rateLimitExceeded"),
    "error_before_503": (503, "serviceUnavailable"),
    "reject": (400, "invalidPositivePrompt"),
}


@pytest.mark.parametrize("fault", BEFORE)
def test_a_refusal_on_order_makes_no_task(sandbox, task, fault):
    status, code = BEFORE[fault]
    sandbox.faults({"fault": fault, "times": 1})
    asked = task()
    reply = sandbox.post(asked)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (status, code)
    assert not sandbox.tasks(asked["taskUUID"])
    assert sandbox.post(asked).status_code == 200


def test_html_gateway_answers_with_a_page(sandbox, task):
    sandbox.faults({"fault": "html_gateway"})
    asked = task()
    reply = sandbox.post(asked)
    assert reply.status_code == 502
    assert reply.headers["content-type"].startswith("text/html")
    assert not sandbox.tasks(asked["taskUUID"])


def test_truncated_is_accepted_but_unreadable(sandbox, task):
    sandbox.faults({"fault": "truncated"})
    asked = task()
    reply = sandbox.post(asked)
    assert reply.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        reply.json()
    assert sandbox.settled(asked["taskUUID"])["data"][0]["imageURL"]


def test_reply_lost_closes_the_connection_and_runs_the_task(sandbox, task, catcher):
    sandbox.faults({"fault": "reply_lost"})
    asked = task(webhookURL=catcher.url)
    with pytest.raises(requests.ConnectionError):
        sandbox.post(asked)
    assert sandbox.settled(asked["taskUUID"])["data"][0]["imageURL"]
    assert sandbox.post(asked).json()["errors"][0]["code"] == "conflictTaskUUID"
    catcher.wait(1)
    assert sandbox.calls(task=asked["taskUUID"])[0]["status"] is None


def test_forget_loses_the_task_so_that_its_id_is_free(sandbox, task):
    sandbox.faults({"fault": "forget", "times": 1})
    asked = task()
    assert sandbox.post(asked).status_code == 200
    assert sandbox.poll(asked["taskUUID"])["errors"][0]["code"] == "taskFailedOrNotFound"
    assert sandbox.post(asked).status_code == 200
    assert sandbox.settled(asked["taskUUID"])["data"][0]["imageURL"]
    assert [known["forgotten"] for known in sandbox.tasks(asked["taskUUID"])] == [True, False]


def test_slow_adds_its_seconds_to_every_result(sandbox, task):
    sandbox.faults({"fault": "slow", "seconds": 0.3})
    begun = time.monotonic()
    sandbox.post(task(deliveryMethod="sync", numberResults=2))
    assert time.monotonic() - begun > 0.55


def test_never_stays_in_work(sandbox, task):
    sandbox.faults({"fault": "never"})
    asked = task()
    sandbox.post(asked)
    time.sleep(0.2)
    assert sandbox.poll(asked["taskUUID"])["data"][0]["status"] == "processing"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("error_after", "inferenceError"), ("content_policy", "contentPolicyViolation")],
)
def test_a_failure_after_acceptance_is_polled_and_delivered(sandbox, task, catcher, fault, code):
    sandbox.faults({"fault": fault})
    asked = task(numberResults=2, webhookURL=catcher.url)
    assert sandbox.post(asked).status_code == 200
    body = sandbox.settled(asked["taskUUID"])
    assert body["data"] == []
    assert [(error["code"], error["status"]) for error in body["errors"]] == [(code, "error")] * 2
    poll = {"taskType": "getResponse", "taskUUID": asked["taskUUID"]}
    assert sandbox.post(poll).status_code == 200
    catcher.wait(2)
    assert [set(delivered) for delivered in catcher.json] == [{"errors"}] * 2
    assert catcher.json[0]["errors"][0]["taskUUID"] == asked["taskUUID"]
    assert catcher.json[0]["errors"][0]["code"] == code


def test_one_fails_and_the_others_stay(sandbox, task):
    sandbox.faults({"fault": "one_fails", "result": 1})
    asked = task(numberResults=3, seed=50)
    sandbox.post(asked)
    body = sandbox.settled(asked["taskUUID"])
    assert [item["seed"] for item in body["data"]] == [50, 52]
    assert [error["code"] for error in body["errors"]] == ["inferenceError"]
    at_once = sandbox.post(task(numberResults=3, deliveryMethod="sync"))
    assert at_once.status_code == 200
    assert (len(at_once.json()["data"]), len(at_once.json()["errors"])) == (2, 1)


def test_poll_error_in_data_speaks_the_shape_of_2026(sandbox, task):
    sandbox.faults({"fault": "one_fails"}, {"fault": "poll_error_in_data"})
    asked = task(numberResults=2)
    sandbox.post(asked)
    body = sandbox.settled(asked["taskUUID"])
    assert set(body) == {"data"}
    assert [(item["resultIndex"], item["status"]) for item in body["data"]] == [
        (0, "success"), (1, "error"),
    ]  # fmt: skip
    assert body["data"][1]["error"]["code"] == "inferenceError"


def test_webhook_lost_sends_nothing(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_lost", "result": 0})
    asked = task(numberResults=2, webhookURL=catcher.url, seed=3)
    sandbox.post(asked)
    catcher.wait(1)
    time.sleep(0.2)
    assert [body["data"][0]["seed"] for body in catcher.json] == [4]
    assert [item["status"] for item in sandbox.settled(asked["taskUUID"])["data"]] == [
        "success"
    ] * 2


def test_webhook_doubled_sends_each_twice(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_doubled"})
    sandbox.post(task(numberResults=2, webhookURL=catcher.url))
    catcher.wait(4)
    time.sleep(0.2)
    assert len(catcher.bodies) == 4
    assert len(set(catcher.bodies)) == 2


def test_webhook_reordered_delivers_the_last_result_first(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_reordered"})
    sandbox.post(task(numberResults=3, webhookURL=catcher.url, seed=1))
    catcher.wait(3)
    assert [body["data"][0]["seed"] for body in catcher.json] == [3, 2, 1]


def test_webhook_before_reply_beats_the_answer(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_before_reply"})
    reply = sandbox.post(task(numberResults=2, webhookURL=catcher.url))
    assert len(catcher.bodies) == 2
    assert set(reply.json()["data"][0]) == {"taskType", "taskUUID"}


def test_webhook_flat_has_nothing_around_it(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_flat"}, {"fault": "one_fails"})
    sandbox.post(task(numberResults=2, webhookURL=catcher.url))
    catcher.wait(2)
    good, bad = sorted(catcher.json, key=lambda body: "code" in body)
    assert good["imageURL"]
    assert (bad["status"], bad["code"]) == ("error", "inferenceError")


def test_webhook_processing_comes_before_the_result(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_processing"})
    sandbox.post(task(webhookURL=catcher.url))
    catcher.wait(2)
    assert catcher.json[0]["status"] == "processing"
    assert catcher.json[1]["data"][0]["imageURL"]


def test_webhook_garbage_is_no_json_and_the_truth_follows(sandbox, task, catcher):
    sandbox.faults({"fault": "webhook_garbage"})
    sandbox.post(task(webhookURL=catcher.url))
    catcher.wait(2)
    assert catcher.bodies[0] == b"data=1"
    assert json.loads(catcher.bodies[1])["data"][0]["imageURL"]


@pytest.fixture
def picture(sandbox, task):
    """The address of a finished picture."""
    return sandbox.post(task(deliveryMethod="sync")).json()["data"][0]["imageURL"]


@pytest.mark.parametrize("status", [404, 500])
def test_the_file_server_fails_as_often_as_told(sandbox, picture, status):
    sandbox.faults({"fault": f"cdn_{status}", "times": 2})
    assert [sandbox.get(picture).status_code for _ in range(3)] == [status, status, 200]


def test_cdn_cut_ends_in_the_middle(sandbox, picture):
    sandbox.faults({"fault": "cdn_cut"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        sandbox.get(picture)


def test_cdn_stall_begins_and_then_says_nothing(sandbox, picture):
    sandbox.faults({"fault": "cdn_stall", "seconds": 5})
    with sandbox.get(picture, stream=True, timeout=0.5) as reply:
        assert reply.status_code == 200
        assert len(reply.raw.read(1024)) == 1024
        with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
            list(reply.iter_content(1024))


def test_cdn_slow_trickles_to_the_end(sandbox, picture):
    whole = sandbox.get(picture).content
    sandbox.faults({"fault": "cdn_slow", "seconds": 0.5})
    begun = time.monotonic()
    assert sandbox.get(picture).content == whole
    assert time.monotonic() - begun > 0.4


def test_cdn_wrong_type_lies_about_a_page(sandbox, picture):
    sandbox.faults({"fault": "cdn_wrong_type"})
    reply = sandbox.get(picture)
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.content.startswith(b"<html>")


def test_cdn_huge_does_not_end(sandbox, picture):
    sandbox.faults({"fault": "cdn_huge"})
    with sandbox.get(picture, stream=True) as reply:
        assert "content-length" not in reply.headers
        read = 0
        for piece in reply.iter_content(1 << 20):
            read += len(piece)
            if read > 64 << 20:
                break
    assert read > 64 << 20


def test_cdn_redirects_lead_to_private_places_or_nowhere(sandbox, picture):
    sandbox.faults({"fault": "cdn_redirect_private", "times": 1}, {"fault": "cdn_redirect_chain"})
    reply = sandbox.get(picture, allow_redirects=False)
    assert reply.status_code == 302
    assert reply.headers["location"].startswith("http://10.0.0.1/")
    with pytest.raises(requests.TooManyRedirects):
        sandbox.get(picture)


def test_a_rule_strikes_only_what_it_matches(sandbox, task):
    chosen = task()
    sandbox.faults(
        {"fault": "error_before", "match": "Teapot"},
        {"fault": "error_before_503", "match": chosen["taskUUID"]},
    )
    assert sandbox.post(task(positivePrompt="a red teapot")).status_code == 500
    assert sandbox.post(task(positivePrompt="a red kettle")).status_code == 200
    assert sandbox.post(chosen).status_code == 503


def test_a_rule_strikes_by_its_rate(sandbox, task):
    sandbox.faults({"fault": "error_before", "rate": 0.5})
    statuses = [sandbox.post(task()).status_code for _ in range(60)]
    assert 10 < statuses.count(500) < 50
    sandbox.faults({"fault": "error_before", "rate": 0})
    assert sandbox.post(task()).status_code == 200


def test_the_share_of_failures_can_be_set_at_the_start(new_sandbox, task):
    sandbox = new_sandbox("--delay", "0", "--fail", "1")
    body = sandbox.post(task(deliveryMethod="sync", numberResults=2)).json()
    assert (body["data"], len(body["errors"])) == ([], 2)
