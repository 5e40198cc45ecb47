"""Log lines: their shape, their request, and what never gets into them."""

import json
import logging
import logging.config
import threading

import pytest

from genproj.kernel import logs


@pytest.fixture(params=["console", "json"])
def lines(request):
    """What the configured formatter makes of everything that is logged."""
    config = logs.logging_config(request.param)
    formatter = config["formatters"]["lines"]["()"]()
    written = []

    class Listen(logging.Handler):
        def emit(self, record):
            written.append(formatter.format(record))

    root = logging.getLogger()
    handler, level = Listen(), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    written_as = request.param
    yield written_as, written
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_has_component_action_facts_and_request(lines):
    form, written = lines
    with logs.bound(request_id="r-1", entry="019a"):
        logs.component("submission").info("submitted", count=4, prompt="two words", none=None)
    if form == "console":
        assert written[0].partition(" ")[2] == (
            '[SUBMISSION] Submitted entry=019a count=4 prompt="two words" request_id=r-1'
        )
    else:
        line = json.loads(written[0])
        assert line.pop("time").startswith("20")
        assert line == {
            "level": "info",
            "component": "submission",
            "action": "submitted",
            "entry": "019a",
            "count": 4,
            "prompt": "two words",
            "request_id": "r-1",
        }


def test_facts_are_bound_only_inside_and_only_here(lines):
    log = logs.component("c")
    with logs.bound(request_id="outer", a=1):
        with logs.bound(request_id="inner", b=2):
            log.info("x")
        log.info("x")
        thread = threading.Thread(target=log.info, args=("x",))
        thread.start()
        thread.join()
    log.info("x")
    _, written = lines
    assert ["inner" in line for line in written] == [True, False, False, False]
    assert ["outer" in line for line in written] == [False, True, False, False]


SECRETS = [
    "https://app.example/webhooks/runware/?generation_id=1&token=HUSH",
    "https://s3.example/k?X-Amz-Credential=HUSH&X-Amz-Signature=HUSH",
    "https://s3.example/k?x=1&sig=HUSH",
    "/ws/me/?ticket=HUSH",
    "https%3A%2F%2Fa%3Ftoken%3DHUSH",
    "Authorization: Bearer HUSH",
    "{'Authorization': 'Bearer HUSH'}",
    "authorization=HUSH",
    "Basic HUSH==",
    '{"apiKey":"HUSH"}',
    "{'password': 'HUSH'}",
    "secret=HUSH",
    "whsec_HUSH",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_not_written_wherever_it_stands(lines, text):
    log = logs.component("c")
    log.info("asked", url=text)
    log.info(f"asked {text}")
    logging.getLogger("someone.else").warning("asked %s", text)
    with logs.bound(where=text):
        log.info("asked")
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("broke")
    _, written = lines
    assert len(written) == 5
    assert "HUSH" not in "".join(written)
    assert all("***" in line for line in written)


@pytest.mark.parametrize(
    "name", ["api_key", "token", "client_secret", "Password", "authorization", "cookie"]
)
def test_a_fact_named_like_a_secret_is_not_written(lines, name):
    logs.component("c").info("x", **{name: "HUSH"})
    assert "HUSH" not in lines[1][0]


def test_ordinary_words_are_left_alone():
    text = "a token of love; the key to it, basically; https://a.example/b?page=2&q=monkey"
    assert logs.redacted(text) == text


def test_a_value_is_short_and_a_line_is_one_line(lines):
    logs.component("c").info("x", body="y" * 5000, text="one\ntwo [ADMIN] Forged")
    _, written = lines
    assert "y" * 299 + "…" in written[0]
    assert "y" * 301 not in written[0]
    assert "\n" not in written[0]


def test_an_exception_is_written_with_its_trace(lines):
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logs.component("c").exception("failed", entry="e")
    form, written = lines
    assert "RuntimeError: boom" in written[0]
    assert form == "console" or json.loads(written[0])["level"] == "error"


@pytest.mark.parametrize("form", ["console", "json"])
def test_the_configuration_is_one_that_logging_takes(form):
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    logging.config.dictConfig(logs.logging_config(form))
    root.handlers[:] = kept
    root.setLevel(level)


def test_another_format_is_refused():
    with pytest.raises(KeyError):
        logs.logging_config("xml")
