"""What comes of an accepted task: replies, polls, webhooks, pictures, and the smaller tasks."""

import base64
import time
from io import BytesIO
from uuid import uuid4

import pytest
from PIL import Image, ImageChops, ImageStat

TYPES = {"JPG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def test_a_synchronous_task_answers_with_all_results(sandbox, task):
    asked = task(deliveryMethod="sync", numberResults=3, includeCost=True, seed=70)
    body = sandbox.post(asked).json()
    assert set(body) == {"data"}
    assert len({item["imageUUID"] for item in body["data"]}) == 3
    assert [item["seed"] for item in body["data"]] == [70, 71, 72]
    for item in body["data"]:
        assert set(item) == {"taskType", "taskUUID", "imageUUID", "imageURL", "seed", "cost"}
        assert item["taskUUID"] == asked["taskUUID"]
        assert isinstance(item["cost"], float)
        assert item["imageURL"].startswith(f"{sandbox.root}/cdn/image/ws/2/ii/{item['imageUUID']}")


def test_an_asynchronous_task_is_acknowledged_then_polled(sandbox, task):
    asked = task(numberResults=2)
    ack = sandbox.post(asked).json()
    assert ack == {"data": [{"taskType": "imageInference", "taskUUID": asked["taskUUID"]}]}
    first = sandbox.settled(asked["taskUUID"])
    assert set(first) == {"data"}
    assert [item["status"] for item in first["data"]] == ["success", "success"]
    assert sandbox.poll(asked["taskUUID"]) == first


def test_results_arrive_one_by_one(new_sandbox, task):
    sandbox = new_sandbox("--delay", "0.6")
    asked = task(numberResults=3)
    sandbox.post(asked)
    seen = []
    while not seen or "processing" in seen[-1]:
        states = tuple(item["status"] for item in sandbox.poll(asked["taskUUID"])["data"])
        assert len(states) == 3
        if not seen or seen[-1] != states:
            seen.append(states)
        time.sleep(0.02)
    counts = [states.count("success") for states in seen]
    assert counts == sorted(set(counts))
    assert len(counts) > 1
    assert counts[-1] == 3


def test_an_unknown_task_is_not_found(sandbox):
    reply = sandbox.post({"taskType": "getResponse", "taskUUID": str(uuid4())})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["code"] == "taskFailedOrNotFound"


@pytest.mark.parametrize("file_format", TYPES)
def test_a_picture_has_the_asked_size_and_format(sandbox, task, file_format):
    asked = task(deliveryMethod="sync", outputFormat=file_format, width=384, height=256)
    reply = sandbox.get(sandbox.post(asked).json()["data"][0]["imageURL"])
    assert reply.headers["content-type"] == TYPES[file_format]
    image = opened(reply.content)
    assert (image.size, image.format) == ((384, 256), file_format.replace("JPG", "JPEG"))
    assert len(image.convert("RGB").getcolors(1 << 24)) > 500


def test_equal_requests_give_equal_bytes_and_others_do_not(sandbox, task):
    def painted(**fields):
        asked = task(deliveryMethod="sync", **{"seed": 5, **fields})
        url = sandbox.post(asked).json()["data"][0]["imageURL"]
        content = sandbox.get(url).content
        assert sandbox.get(url).content == content
        return content

    one = painted()
    assert painted() == one
    others = [
        painted(seed=6),
        painted(positivePrompt="a lighthouse at dusk."),
        painted(model="runware:101@1"),
        painted(negativePrompt="text"),
        painted(width=320),
    ]
    assert len({one, *others}) == 6


def test_the_second_result_is_the_next_seed(sandbox, task):
    pair = sandbox.post(task(deliveryMethod="sync", numberResults=2, seed=9)).json()["data"]
    alone = sandbox.post(task(deliveryMethod="sync", seed=10)).json()["data"][0]
    assert sandbox.get(pair[1]["imageURL"]).content == sandbox.get(alone["imageURL"]).content


def test_a_refined_picture_looks_like_its_parent(sandbox, task):
    def painted(**fields):
        item = sandbox.post(task(deliveryMethod="sync", seed=5, **fields)).json()["data"][0]
        return item["imageUUID"], opened(sandbox.get(item["imageURL"]).content)

    def distance(one, other):
        return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)

    uuid, parent = painted()
    _, stranger = painted(positivePrompt="desert dunes at night")
    _, child = painted(positivePrompt="desert dunes at night", inputs={"seedImage": uuid})
    assert 0 < distance(child, parent) < 0.8 * distance(stranger, parent)


@pytest.mark.parametrize(
    ("output", "key"), [("base64Data", "imageBase64Data"), ("dataURI", "imageDataURI")]
)
def test_a_picture_may_come_inline(sandbox, task, catcher, output, key):
    asked = task(outputType=output, outputFormat="PNG", webhookURL=catcher.url)
    sandbox.post(asked)
    item = sandbox.settled(asked["taskUUID"])["data"][0]
    assert "imageURL" not in item
    encoded = item[key].removeprefix("data:image/png;base64,")
    assert opened(base64.b64decode(encoded)).size == (256, 192)
    catcher.wait(1)
    assert catcher.json[0]["data"][0][key] == item[key]


def test_content_is_judged_only_when_asked(sandbox, task):
    def judged(**fields):
        return sandbox.post(task(deliveryMethod="sync", **fields)).json()["data"][0]

    assert (
        judged(positivePrompt="something nsfw", safety={"checkContent": True})["NSFWContent"]
        is True
    )
    assert judged(safety={"checkContent": True})["NSFWContent"] is False
    assert "NSFWContent" not in judged(positivePrompt="something nsfw")


def test_a_webhook_comes_once_for_each_result(sandbox, task, catcher):
    asked = task(numberResults=3, webhookURL=catcher.url, includeCost=True, deliveryMethod="sync")
    assert sandbox.post(asked).json()["data"] == [
        {"taskType": "imageInference", "taskUUID": asked["taskUUID"]}
    ]
    catcher.wait(3)
    polled = sandbox.settled(asked["taskUUID"])["data"]
    expected = [{name: item[name] for name in item if name != "status"} for item in polled]
    delivered = [body["data"][0] for body in catcher.json]
    assert sorted(delivered, key=lambda item: item["seed"]) == expected
    time.sleep(0.3)
    assert len(catcher.bodies) == 3


def test_a_refused_webhook_is_sent_again_until_it_is_taken(sandbox, task, catcher):
    catcher.answers = [500, 503]
    asked = task(webhookURL=catcher.url)
    sandbox.post(asked)
    catcher.wait(3)
    assert len(set(catcher.bodies)) == 1
    first, second = catcher.times[1] - catcher.times[0], catcher.times[2] - catcher.times[1]
    assert first > 0.15
    assert second > 0.3
    assert sandbox.tasks(asked["taskUUID"])[0]["webhooks"][0]["answers"] == [500, 503, 200]


@pytest.mark.parametrize("status", [404, 410])
def test_a_webhook_nobody_wants_ends(sandbox, task, catcher, status):
    catcher.answers = [status]
    asked = task(webhookURL=catcher.url)
    sandbox.post(asked)
    catcher.wait(1)
    time.sleep(0.5)
    assert len(catcher.bodies) == 1
    assert not sandbox.tasks(asked["taskUUID"])[0]["unfinished"]


def test_model_search_filters_and_pages(sandbox):
    def search(**fields):
        return sandbox.post({"taskType": "modelSearch", "taskUUID": str(uuid4()), **fields}).json()[
            "data"
        ][0]

    everything = search(limit=100)
    assert everything["totalResults"] == len(everything["results"]) >= 30
    flux = search(search="flux", category="checkpoint", visibility="public", limit=2)
    assert flux["totalResults"] > len(flux["results"]) == 2
    rest = search(search="flux", category="checkpoint", limit=2, offset=2)
    assert not {item["air"] for item in flux["results"]} & {item["air"] for item in rest["results"]}
    assert {item["category"] for item in search(category="lora")["results"]} == {"lora"}
    one = flux["results"][0]
    assert one["air"] == "runware:100@1"
    assert {
        "name",
        "version",
        "architecture",
        "tags",
        "private",
        "defaultWidth",
        "defaultSteps",
    } <= set(one)
    assert opened(sandbox.get(one["heroImage"]).content).size == (512, 512)
    assert (
        sandbox.post(
            {"taskType": "modelSearch", "taskUUID": str(uuid4()), "limit": 101}
        ).status_code
        == 400
    )


def test_an_upload_is_kept_and_made_smaller(sandbox):
    file = BytesIO()
    Image.new("RGB", (3000, 1000), "teal").save(file, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    upload = {"taskType": "imageUpload", "taskUUID": str(uuid4()), "image": uri}
    item = sandbox.post(upload).json()["data"][0]
    assert set(item) == {"taskType", "taskUUID", "imageUUID", "imageURL"}
    assert opened(sandbox.get(item["imageURL"]).content).size == (2048, 683)
    stored = {
        "taskType": "mediaStorage",
        "taskUUID": str(uuid4()),
        "operation": "upload",
        "media": uri,
    }
    assert sandbox.post(stored).json()["data"][0]["mediaURL"]
    rubbish = base64.b64encode(b"this is no picture at all").decode()
    bad = {"taskType": "imageUpload", "taskUUID": str(uuid4()), "image": rubbish}
    reply = sandbox.post(bad)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "invalidImage")


def test_the_balance_falls_by_what_was_spent(sandbox, task):
    def balance():
        ask = {"taskType": "accountManagement", "taskUUID": str(uuid4()), "operation": "getDetails"}
        return sandbox.post(ask).json()["data"][0]["balance"]

    before = balance()
    assert before["currency"] == "USD"
    sandbox.post(task(deliveryMethod="sync", width=1024, height=1024, numberResults=2))
    assert before["amount"] - balance()["amount"] == pytest.approx(0.0026)


def test_ping_answers_pong(sandbox):
    assert sandbox.post({"taskType": "ping", "ping": True}).json() == {
        "data": [{"taskType": "ping", "pong": True}]
    }


def test_the_tools_work_on_a_picture_under_old_and_new_names(sandbox, task):
    made = sandbox.post(task(deliveryMethod="sync", positivePrompt="a quiet harbour")).json()[
        "data"
    ][0]
    source = made["imageUUID"]

    def tool(task_type, **fields):
        ask = {"taskType": task_type, "taskUUID": str(uuid4()), "deliveryMethod": "sync", **fields}
        return sandbox.post(ask).json()["data"][0]

    for name, fields in (
        ("upscale", {"inputs": {"image": source}}),
        ("imageUpscale", {"inputImage": source}),
    ):
        large = tool(name, upscaleFactor=2, **fields)
        assert large["taskType"] == name
        assert "seed" not in large
        assert opened(sandbox.get(large["imageURL"]).content).size == (512, 384)
    cut = tool("removeBackground", model="runware:109@1", inputs={"image": source})
    assert opened(sandbox.get(cut["imageURL"]).content).mode == "RGBA"
    assert "a quiet harbour" in tool("caption", inputs={"image": source})["text"]


def test_a_video_is_a_film_of_the_asked_length(sandbox):
    import av

    asked = {
        "taskType": "videoInference", "taskUUID": str(uuid4()), "model": "google:3@2",
        "positivePrompt": "slow dolly through a rainy market", "duration": 4, "width": 640,
        "height": 360, "includeCost": True,
    }  # fmt: skip
    assert sandbox.post(asked).json()["data"][0] == {
        "taskType": "videoInference", "taskUUID": asked["taskUUID"],
    }  # fmt: skip
    item = sandbox.settled(asked["taskUUID"])["data"][0]
    assert item["cost"] == 1.6
    reply = sandbox.get(item["videoURL"], timeout=60)
    assert reply.headers["content-type"] == "video/mp4"
    with av.open(BytesIO(reply.content)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        assert sum(1 for _ in film.decode(stream)) == 96


def test_parts_of_a_file_can_be_fetched(sandbox, task):
    url = sandbox.post(task(deliveryMethod="sync")).json()["data"][0]["imageURL"]
    whole = sandbox.get(url).content
    part = sandbox.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
