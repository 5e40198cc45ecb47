"""What can be made to go wrong: the table of faults, and the rules that a person or a test sets."""

import random
from typing import Any

from genproj.sandbox.tasks import Store

Rule = dict[str, Any]

# Read top to bottom: the life of a task from the knock on the door to the file on the CDN.
RUNWARE = {
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
GOOGLE = {
    # Decided when a film or a picture is asked of Google; nothing is accepted.
    "google_reject": "HTTP 400 INVALID_ARGUMENT with a field violation",
    "google_precondition": "HTTP 400 FAILED_PRECONDITION: the region is not served",
    "google_denied": "HTTP 403 PERMISSION_DENIED: the key was reported as leaked",
    "google_retired": "HTTP 404 NOT_FOUND: the model is no longer available",
    "google_quota": "HTTP 429 RESOURCE_EXHAUSTED with RetryInfo of `seconds` (17)",
    "google_500": "HTTP 500 INTERNAL",
    "google_503": "HTTP 503 UNAVAILABLE: the model is overloaded",
    "google_html": "HTTP 502 with an HTML page",
    # Decided when a film is accepted, and kept with its operation; the answer is what suffers.
    "veo_reply_lost": "the operation exists, but the connection closes without an answer",
    "veo_truncated": "the operation exists, but its name comes in JSON cut in the middle",
    # Decided when a film is accepted; its polls suffer.
    "veo_slow": "every film takes `seconds` longer (5)",
    "veo_never": "the operation runs for ever",
    "veo_polls": "the first `polls` (3) polls say that it is still running",
    "veo_regress": "the poll after the first that says done says running again",
    "veo_vanish": "the operation is forgotten after `polls` (0) polls: 404",
    # Decided when a film is accepted; its end suffers.
    "veo_filtered": "done, but every film was withheld by the safety filters",
    "veo_partial": "done, but film number `result` (counted from 0; the last) was withheld",
    "veo_failed": "done with error code 13, with HTTP 200",
    "veo_no_result": "done without response and without error",
    "veo_empty": "done with an empty list of films",
    "veo_no_uri": "done with a film that has no address",
    "veo_foreign_uri": "done with a film whose address is http://169.254.169.254/x",
    # Decided at every poll.
    "veo_poll_quota": "HTTP 429 RESOURCE_EXHAUSTED with RetryInfo of `seconds` (17)",
    "veo_poll_503": "HTTP 503 UNAVAILABLE",
    "veo_poll_html": "HTTP 502 with an HTML page",
    "veo_poll_lost": "the connection closes without an answer",
    # Decided at every download of a film.
    "veo_file_404": "HTTP 404 NOT_FOUND: the film is gone",
    "veo_file_500": "the file server fails",
    "veo_file_stall": "headers and some bytes, then nothing for `seconds` (60)",
    "veo_file_slow": "the bytes trickle over `seconds` (10)",
    "veo_file_cut": "the connection closes in the middle of the body",
    "veo_file_wrong_type": "an HTML page under a film's content type",
    "veo_file_redirect": "302 to /cdn/film/…, which needs no key",
    "veo_file_redirect_host": "302 to the same under this machine's other name",
    "veo_file_redirect_private": "302 to http://10.0.0.1/",
    "veo_file_redirect_chain": "302 to itself, for ever",
    # Decided when a picture is asked of Gemini; always HTTP 200, as the provider answers.
    "gemini_slow": "the answer takes `seconds` longer (5)",
    "gemini_lost": "the connection closes without an answer",
    "gemini_blocked": "no candidates, but promptFeedback.blockReason PROHIBITED_CONTENT",
    "gemini_safety": "a candidate without parts, finishReason IMAGE_SAFETY",
    "gemini_no_image": "a candidate without parts, finishReason NO_IMAGE",
    "gemini_text_only": "finishReason STOP with words and no picture",
    "gemini_cut": "words only, finishReason MAX_TOKENS",
    "gemini_two": "two pictures with words between them",
    "gemini_thought": "a draft marked as thought before the picture, which has a thoughtSignature",
    "gemini_unknown_finish": "a candidate without parts, finishReason IMAGE_SOMETHING_NEW",
    "gemini_bad_data": "a picture whose data is no base64",
    "gemini_wrong_type": "an HTML page as inline data",
    "gemini_empty": "an empty JSON object",
}
LANGUAGE = {
    # Decided when the language model is asked; `match` looks at what was said last.
    "model_rejected": "HTTP 400 invalid_request_error",
    "model_billing": "HTTP 402 billing_error",
    "model_denied": "HTTP 403 permission_error",
    "model_retired": "HTTP 404 not_found_error for the model",
    "model_busy": "HTTP 429 rate_limit_error with retry-after `seconds` (12)",
    "model_spent": "HTTP 429 rate_limit_error without retry-after: a monthly limit",
    "model_500": "HTTP 500 api_error",
    "model_504": "HTTP 504 timeout_error",
    "model_overloaded": "HTTP 529 overloaded_error",
    "model_html": "HTTP 502 with an HTML page",
    "model_slow": "the answer takes `seconds` longer (5)",
    "model_drip": "the bytes of the answer trickle over `seconds` (30)",
    "model_lost": "the connection closes without an answer",
    "model_cut": "the connection closes in the middle of the answer",
    "model_error_event": "a stream brings overloaded_error after its first words; else HTTP 529",
    "model_refusal": "HTTP 200 with stop_reason refusal and no content",
    "model_max_tokens": "half an answer, with stop_reason max_tokens",
    "model_full": "half an answer, with stop_reason model_context_window_exceeded",
    "model_pause": "stop_reason pause_turn; given back, the turn goes on",
    "model_nonsense": "words instead of the JSON or the tool that was asked for",
    "model_bad_shape": "JSON against its schema, or a tool's input against its own",
    "model_unknown_tool": "a call of a tool that was not declared",
}
BILLING = {
    # Decided when events come in; nothing is taken.
    "billing_500": "HTTP 500 with an error",
    "billing_429": "HTTP 429 with retry-after `seconds` (2)",
    "billing_denied": "HTTP 401: the token is not valid",
    "billing_partial": "HTTP 422 that refuses the event number `result` (counted from 0; the last)",
    "billing_refused": "HTTP 422 that does not say which event it refuses; `match`: one with that",
    # Decided when events come in; what is taken suffers, or the answer does.
    "billing_short": "HTTP 200, but the last of several events is neither taken nor counted",
    "billing_lost": "taken, but the connection closes without an answer",
}
FAULTS = RUNWARE | GOOGLE | LANGUAGE | BILLING
# Words in a prompt that do by themselves what a rule does.
WORDS = {
    "forbidden": ("content_policy", "veo_filtered", "gemini_blocked"),
    "nsfw": ("gemini_safety",),
    "in words": ("gemini_text_only",),
    "two pictures": ("gemini_two",),
    "think first": ("gemini_thought",),
}

BEFORE = (
    "error_before",
    "error_before_402",
    "error_before_429",
    "error_before_503",
    "html_gateway",
    "reject",
)
CDN = tuple(name for name in RUNWARE if name.startswith("cdn_"))
ACCEPTED = tuple(name for name in RUNWARE if name not in BEFORE and name not in CDN)
GOOGLE_BEFORE = tuple(name for name in GOOGLE if name.startswith("google_"))
VEO_POLL = tuple(name for name in GOOGLE if name.startswith("veo_poll_"))
VEO_FILE = tuple(name for name in GOOGLE if name.startswith("veo_file_"))
VEO_ACCEPTED = tuple(
    name for name in GOOGLE if name.startswith("veo_") and name not in VEO_POLL + VEO_FILE
)
GEMINI = tuple(name for name in GOOGLE if name.startswith("gemini_"))
MODEL = tuple(LANGUAGE)
BILLED = tuple(BILLING)

FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "fault": ((str,), "a name from the table"),
    "match": ((str,), "a part of the prompt, or a whole taskUUID"),
    "rate": ((int, float), "a number from 0 to 1"),
    "times": ((int,), "a whole number from 1"),
    "result": ((int,), "a result's number, counted from 0"),
    "seconds": ((int, float), "a number from 0"),
    "polls": ((int,), "a whole number from 0"),
}
BOUNDS = {
    "rate": (0, 1),
    "times": (1, None),
    "result": (0, None),
    "seconds": (0, None),
    "polls": (0, None),
}


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


def by_words(names: tuple[str, ...], prompt: str) -> Rule | None:
    """What the words of a prompt bring about, among these faults."""
    said = prompt.lower()
    struck = [fault for words, faults in WORDS.items() if words in said for fault in faults]
    return next(({"fault": fault} for fault in struck if fault in names), None)


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
