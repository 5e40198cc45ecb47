"""What can be made to go wrong: the table of faults, and the rules that a person or a test sets."""

import random
from typing import Any

from genproj.sandbox.tasks import Store

Rule = dict[str, Any]

# Read top to bottom: the life of a task from the knock on the door to the file on the CDN.
FAULTS = {
    # Decided when a request comes in; nothing is accepted.
    "error_before": "HTTP 500 internalServerError before acceptance: the task is not made",
    "error_before_402": "HTTP 402 insufficientCredits before acceptance",
    "error_before_429": "HTTP 429 rateLimitExceeded before acceptance",
    "error_before_503": "HTTP 503 serviceUnavailable before acceptance",
    "html_gateway": "HTTP 502 with an HTML page before acceptance",
    "reject": "HTTP 400 invalidPositivePrompt before acceptance",
    # Decided when a task is accepted, and kept with it; the answer is what suffers.
    "truncated": "accepted, but the answer is HTTP 200 with JSON cut in the middle",
    "reply_lost": "accepted and run, but the connection closes without an answer",
    "forget": "accepted, then unknown to getResponse; the same id can be sent again",
    # Decided when a task is accepted; the results suffer.
    "slow": "every result takes `seconds` longer (5)",
    "never": "accepted, then stays processing for ever",
    "error_after": "accepted, then every result fails with inferenceError",
    "one_fails": "accepted, then result number `result` fails (counted from 0; the last)",
    "content_policy": "accepted, then refused with contentPolicyViolation",
    "poll_error_in_data": "getResponse reports failures inside data, in the 2026 shape",
    # Decided when a task is accepted; its webhooks suffer, or only that of `result`.
    "webhook_lost": "no webhook is sent",
    "webhook_doubled": "every webhook is sent twice",
    "webhook_reordered": "webhooks wait for the last result and come in reverse order",
    "webhook_before_reply": "webhooks are delivered before the create call is answered",
    "webhook_flat": "webhook bodies are the bare item, without data or errors around it",
    "webhook_processing": "a webhook with status processing comes before each result",
    "webhook_garbage": "a webhook whose body is no JSON comes before each result",
    # Decided at every fetch of a result's file.
    "cdn_404": "the file is not found",
    "cdn_500": "the file server fails",
    "cdn_stall": "headers and some bytes, then nothing for `seconds` (60)",
    "cdn_slow": "the bytes trickle over `seconds` (10)",
    "cdn_cut": "the connection closes in the middle of the body",
    "cdn_wrong_type": "an HTML page under an image's content type",
    "cdn_huge": "a body without length that does not end (4 GB)",
    "cdn_redirect_private": "302 to http://10.0.0.1/",
    "cdn_redirect_chain": "302 to itself, for ever",
}

BEFORE = (
    "error_before",
    "error_before_402",
    "error_before_429",
    "error_before_503",
    "html_gateway",
    "reject",
)
CDN = tuple(name for name in FAULTS if name.startswith("cdn_"))
ACCEPTED = tuple(name for name in FAULTS if name not in BEFORE and name not in CDN)

FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "fault": ((str,), "a name from the table"),
    "match": ((str,), "a part of the prompt, or a whole taskUUID"),
    "rate": ((int, float), "a number from 0 to 1"),
    "times": ((int,), "a whole number from 1"),
    "result": ((int,), "a result's number, counted from 0"),
    "seconds": ((int, float), "a number from 0"),
}
BOUNDS = {"rate": (0, 1), "times": (1, None), "result": (0, None), "seconds": (0, None)}


class BadRule(Exception):
    """A rule that the table does not know; the message says which part."""


class Rules:
    """The rules in force. They live on disk, so a killed sandbox misbehaves on as before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.rules: list[Rule] = store.noted("faults", [])

    def replace(self, rules: Any) -> None:
        """Put new rules in place of the old. Raises BadRule, then nothing has changed."""
        if not isinstance(rules, list):
            raise BadRule("rules must be a list")
        self.rules = [checked(rule) for rule in rules]
        self._store.note("faults", self.rules)

    def take(
        self, names: tuple[str, ...], uuid: str, prompt: str, result: int | None = None
    ) -> Rule | None:
        """The first rule that strikes here, used once; None when all goes well."""
        for rule in self.rules:
            if rule["fault"] in names and self._strikes(rule, uuid, prompt, result):
                self._use(rule)
                return rule
        return None

    def take_all(self, names: tuple[str, ...], uuid: str, prompt: str) -> dict[str, Rule]:
        """Every kind of fault that strikes this task, by name."""
        found = {name: self.take((name,), uuid, prompt) for name in names}
        return {name: dict(rule) for name, rule in found.items() if rule is not None}

    def _strikes(self, rule: Rule, uuid: str, prompt: str, result: int | None) -> bool:
        match = rule.get("match", "")
        if match and match != uuid and match.lower() not in prompt.lower():
            return False
        if result is not None and rule.get("result", result) != result:
            return False
        return random.random() < rule.get("rate", 1)

    def _use(self, rule: Rule) -> None:
        if "times" not in rule:
            return
        rule["times"] -= 1
        if rule["times"] < 1:
            self.rules.remove(rule)
        self._store.note("faults", self.rules)


def checked(rule: Any) -> Rule:
    if not isinstance(rule, dict):
        raise BadRule("every rule must be an object")
    for name, value in rule.items():
        if name not in FIELDS:
            raise BadRule(f"unknown field {name!r}; a rule has {', '.join(FIELDS)}")
        kinds, meaning = FIELDS[name]
        low, high = BOUNDS.get(name, (None, None))
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        if not fits or (low is not None and value < low) or (high is not None and value > high):
            raise BadRule(f"{name} must be {meaning}")
    if rule.get("fault") not in FAULTS:
        raise BadRule(f"unknown fault {rule.get('fault')!r}; known are {', '.join(FAULTS)}")
    return dict(rule)
