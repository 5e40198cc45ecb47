"""The death of the sandbox is an outage, not amnesia."""

import socket
import subprocess
import sys
import time

import requests


def test_a_killed_sandbox_goes_on_with_the_same_ids(new_sandbox, task):
    sandbox = new_sandbox("--delay", "0.5")
    asked = task(numberResults=3, seed=40)
    sandbox.post(asked)
    before = [result["uuid"] for result in sandbox.tasks(asked["taskUUID"])[0]["results"]]
    sandbox.kill()
    sandbox.start()
    body = sandbox.settled(asked["taskUUID"])
    assert [item["imageUUID"] for item in body["data"]] == before
    assert [item["seed"] for item in body["data"]] == [40, 41, 42]
    assert sandbox.post(asked).json()["errors"][0]["code"] == "conflictTaskUUID"


def test_results_that_came_due_during_the_outage_are_there_at_once(new_sandbox, task):
    sandbox = new_sandbox("--delay", "0.6")
    asked = task()
    sandbox.post(asked)
    sandbox.kill()
    time.sleep(0.7)
    sandbox.start()
    assert sandbox.settled(asked["taskUUID"], timeout=0.4)["data"][0]["status"] == "success"


def test_a_webhook_not_acknowledged_before_the_kill_is_sent_after_it(new_sandbox, task, catcher):
    sandbox = new_sandbox("--delay", "0")
    catcher.answers = [500] * 3
    asked = task(webhookURL=catcher.url)
    sandbox.post(asked)
    catcher.wait(1)
    sandbox.kill()
    tried = len(catcher.bodies)
    catcher.answers = []
    sandbox.start()
    catcher.wait(tried + 1)
    assert len(set(catcher.bodies)) == 1
    time.sleep(0.3)
    assert len(catcher.bodies) == tried + 1
    assert sandbox.tasks(asked["taskUUID"])[0]["webhooks"][0]["ended"] == "acknowledged"


def test_an_acknowledged_webhook_is_not_sent_again(new_sandbox, task, catcher):
    sandbox = new_sandbox("--delay", "0")
    sandbox.post(task(webhookURL=catcher.url))
    catcher.wait(1)
    time.sleep(0.1)
    sandbox.kill()
    sandbox.start()
    time.sleep(0.5)
    assert len(catcher.bodies) == 1


def test_faults_and_pictures_survive_a_kill(new_sandbox, task):
    sandbox = new_sandbox("--delay", "0")
    url = sandbox.post(task(deliveryMethod="sync")).json()["data"][0]["imageURL"]
    content = sandbox.get(url).content
    sandbox.faults({"fault": "cdn_404", "times": 2})
    assert sandbox.get(url).status_code == 404
    sandbox.kill()
    sandbox.start()
    assert sandbox.get(url).status_code == 404
    assert sandbox.get(url).content == content


def test_it_ends_at_once_even_while_somebody_waits(new_sandbox, task):
    sandbox = new_sandbox("--delay", "30")
    with socket.create_connection(("127.0.0.1", sandbox.port)) as open_connection:
        open_connection.sendall(b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n[")
        sandbox.post(task())
        assert sandbox.stop() < 1


def test_a_taken_port_is_said_in_one_line(new_sandbox):
    sandbox = new_sandbox()
    command = [sys.executable, "-m", "genproj.sandbox", "--port", str(sandbox.port)]
    command += ["--data-dir", str(sandbox.folder.parent / "other")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert str(sandbox.port) in second.stderr
    assert requests.get(f"{sandbox.root}/control/faults", timeout=60).status_code == 200


def test_it_shares_no_code_with_the_product():
    loaded = "import sys, genproj.sandbox.server\nprint([name for name in sys.modules if name in"
    loaded += " ('django', 'generations', 'genproj.kernel', 'genproj.settings')])"
    result = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout.strip() == "[]"
