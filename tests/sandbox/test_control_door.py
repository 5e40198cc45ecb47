"""The control door: what it lets set, what it shows, and that it shows no key."""

import re

import pytest


def test_rules_are_replaced_and_shown_with_their_meaning(sandbox):
    rule = {"fault": "cdn_500", "match": "boat", "rate": 0.5, "times": 2, "seconds": 1, "result": 0}
    assert sandbox.faults(rule).json() == {"rules": [rule]}
    shown = sandbox.get(f"{sandbox.root}/control/faults").json()
    assert shown["rules"] == [rule]
    assert shown["known"]["cdn_500"]
    assert sandbox.faults().json() == {"rules": []}


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "explode"},
        {},
        {"fault": "slow", "colour": "red"},
        {"fault": "slow", "rate": 2},
        {"fault": "slow", "rate": "often"},
        {"fault": "slow", "times": 0},
        {"fault": "slow", "times": True},
        {"fault": "slow", "seconds": -1},
        "slow",
    ],
)
def test_an_unknown_rule_is_refused_and_nothing_changes(sandbox, rule):
    sandbox.faults({"fault": "never"})
    reply = sandbox.faults(rule)
    assert reply.status_code == 422
    assert reply.json()["message"]
    assert sandbox.get(f"{sandbox.root}/control/faults").json()["rules"] == [{"fault": "never"}]


def test_calls_are_listed_without_keys(sandbox, task):
    asked = task(deliveryMethod="sync")
    hello = {"taskType": "authentication", "apiKey": "sandbox"}
    item = sandbox.post(hello, asked).json()["data"][1]
    sandbox.get(item["imageURL"])
    sandbox.post(task())
    made, fetched = sandbox.calls(task=asked["taskUUID"])
    assert (made["method"], made["path"], made["status"]) == ("POST", "/v1", 200)
    assert made["headers"]["authorization"] == "Bearer …box"
    assert made["body"][0]["apiKey"] == "…box"
    assert made["body"][1]["positivePrompt"] == asked["positivePrompt"]
    assert fetched["path"].endswith(f"{item['imageUUID']}.jpg")
    assert [call["number"] for call in sandbox.calls(since=fetched["number"])] == [
        fetched["number"] + 1
    ]
    assert not any(call["path"].startswith("/control") for call in sandbox.calls())


def test_reset_clears_rules_and_calls_and_tasks_only_when_told(sandbox, task):
    asked = task(deliveryMethod="sync")
    url = sandbox.post(asked).json()["data"][0]["imageURL"]
    sandbox.faults({"fault": "never"})
    sandbox.session.post(f"{sandbox.root}/control/reset", timeout=60)
    assert sandbox.calls() == []
    assert sandbox.get(f"{sandbox.root}/control/faults").json()["rules"] == []
    assert sandbox.get(url).status_code == 200
    sandbox.session.post(f"{sandbox.root}/control/reset", json={"tasks": True}, timeout=60)
    assert sandbox.get(url).status_code == 404
    assert sandbox.tasks(asked["taskUUID"]) == []
    assert sandbox.post(asked).status_code == 200


def test_the_page_is_one_file_that_names_every_fault(sandbox):
    reply = sandbox.get(f"{sandbox.root}/control/")
    assert reply.headers["content-type"].startswith("text/html")
    assert "http://" not in reply.text.replace("http://www.w3.org", "")
    assert "https://" not in reply.text
    groups = re.search(r"const GROUPS = \[(.*?)\n\];", reply.text, re.DOTALL)[1]
    patterns = [re.compile(one) for one in re.findall(r"/(\^[^/]+)/\]", groups)]
    known = sandbox.get(f"{sandbox.root}/control/faults").json()["known"]
    astray = {name for name in known if sum(bool(one.match(name)) for one in patterns) != 1}
    assert astray == set()


def test_the_page_looks_at_pictures_without_using_up_a_fault(sandbox, task):
    item = sandbox.post(task(deliveryMethod="sync")).json()["data"][0]
    sandbox.faults({"fault": "cdn_404", "times": 1})
    reply = sandbox.get(f"{sandbox.root}/control/files/{item['imageUUID']}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")
    assert sandbox.get(item["imageURL"]).status_code == 404
    assert sandbox.get(item["imageURL"]).content == reply.content


def test_tasks_can_be_sought_and_counted(sandbox, task):
    asked = task(deliveryMethod="sync", numberResults=2)
    sandbox.post(asked)
    sandbox.post(task(deliveryMethod="sync"))
    query = {"task": asked["taskUUID"]}
    body = sandbox.get(f"{sandbox.root}/control/tasks", params=query).json()
    assert body["total"] >= 2
    assert [result["state"] for result in body["tasks"][0]["results"]] == ["success"] * 2
    assert len(body["tasks"]) == 1
    assert len(sandbox.get(f"{sandbox.root}/control/tasks?limit=1").json()["tasks"]) == 1


def test_unknown_doors_are_not_there(sandbox):
    for path in (
        "/",
        "/control/secrets",
        "/v2",
        "/cdn/../tasks.sqlite3",
        "/cdn/image/ws/2/ii/x.jpg",
    ):
        assert sandbox.get(sandbox.root + path).status_code == 404
