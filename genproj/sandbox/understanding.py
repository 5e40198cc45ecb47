"""What the stand-in makes of a talk: a wish for a film, a change to one, or just talk."""

import re
from typing import Any

from genproj.sandbox import hearing, saying
from genproj.sandbox.conversation import Conversation, Film, lengths, settings

SHORT_PROMPT = 20
SETTINGS = ("duration", "aspect_ratio", "resolution", "style", "sound")
DEFAULTS = re.compile(
    r"\b(?:(?:use|take|with|go with) (?:the )?(?:usual|defaults?|standard)|defaults?(?: settings)?|"
    r"you (?:decide|choose|pick)|up to you|whatever|surprise me|(?:i )?don'?t (?:mind|care)|"
    r"skip|any(?:thing| of them)?(?: is fine)?$|as you like)\b",
    re.I,
)
LONGER, SHORTER = (
    re.compile(rf"\b(?:{words})\b", re.I)
    for words in (
        "longer|more time|extend it|double the length|twice as long",
        "shorter|less time|cut it down|half the length",
    )
)
REPLACES = re.compile(
    r"\b(?:replace|swap|change)\s+(?:the\s+|a\s+)?(.+?)\s+(?:with|for|to|into)\s+(.+)", re.I
)
REMOVES = re.compile(
    r"^(?:remove|drop|leave out|without|no|take out|lose)\s+((?:the |any |an? )?)(.+)", re.I
)
INSTEAD = re.compile(
    r"^(?:(?:make|turn|change) it (?:in)?(?:to )?|(?:rather|actually|no|instead|well)[\s,]+)*"
    r"((?:an?|two|three|some)\s.+?)(?:\s+instead(?: of .+)?)?$",
    re.I,
)
LEADS = re.compile(
    r"^(?:(?:how about|what about|and|but|also|then|maybe|perhaps|just|now|actually"
    r"|no|yes|well)\b[\s,]*)*"
    r"(?:(?:can|could|would|will) (?:you|it|we)\s+|(?:i(?:'d| would) (?:like|prefer|love)|i want"
    r"|i'd)(?: you)?(?: to)?\s+|let(?:'s| it)\s+)?(?:please\s+)?"
    r"(?:(?:make|change|turn|set|have|put|give|keep|want|be|use|do)\b\s*)?"
    r"(?:(?:it|this|that|the (?:style|mood|prompt|scene)|(?:the|this|my) "
    rf"{hearing.FILM})\b(?:'s| is| should(?: be)?| to be)?\s*)?(?:there (?:should|could) be\s+)?"
    r"(?:(?:more like|look|to|into|be)\b\s*)?",
    re.I,
)
CHANGES = re.compile(
    r"\b(?:make it|make (?:the|this|that|my)|change|instead|add|remove|replace|swap|without|drop"
    r"|more|less|longer|shorter|faster|slower|brighter|darker|zoom|rather|prefer|should|let it"
    r"|i want|i'd like|i would like|(?:can|could) we (?:have|add|see)|let there|too(?=\W*$)"
    r"|there should|turn|include|set|keep|use|at night|at dawn)\b",
    re.I,
)
NOISE = re.compile(
    r"\b(?:longer|shorter|more time|less time|the|it|be|please|seconds?|long|video|film|clip|yes|ok"
    r"|okay|thanks|and|a bit|a little|bit|much|usual|settings?|default|style|look|resolution|"
    r"duration|length|double|twice|half"
    r"|aspect|ratio|set|change|to|of|in|\d+|format"
    r"|sound|sharp(?:er)?|quality)\b|\W",
    re.I,
)


def understood(talk: Conversation) -> dict[str, Any]:
    """Intent, reply and what belongs to it, under the names that schemas use for them."""
    words = talk.words
    seed = f"{words}|{talk.turns}"
    intent = _intent(talk)
    if intent == "video":
        return _wish(talk, seed)
    if intent == "change" and talk.film is not None:
        return _again(talk.film, talk, seed) if talk.film.gone else _change(talk.film, talk, seed)
    subjectless = _is_bare_wish(words)
    status = talk.film.status if talk.film else ""
    reply = saying.pick(saying.UNSAID, seed) if subjectless else saying.talk(words, status, seed)
    told: dict[str, Any] = {"intent": "talk", "reply": reply}
    if len(words.split()) > 2 and (title := hearing.title_of(words)):
        told["title"] = title
    return told


def _is_bare_wish(words: str) -> bool:
    """Whether a film is asked for, but not what it shows."""
    if hearing.QUESTION.match(words) or _is_chat(words):
        return False
    short = hearing.FILMS.search(words) and not hearing.subject_of(words)
    return bool(short or hearing.WISHES.search(words) or hearing.DIRECT.match(words))


def _intent(talk: Conversation) -> str:
    words, film = talk.words, talk.film
    asks = hearing.QUESTION.match(words)
    wish = hearing.is_wish(words)
    if film is None:
        return "video" if wish else "talk"
    if wish and hearing.WISHES.search(words):
        return "video"
    if asks or saying.AGREES.match(words):
        return "talk"
    pleased = re.search(saying.PLEASED, words, re.I)
    if pleased and not hearing.parameters_in(words, answering=True):
        return "talk"
    if _says_change(talk):
        return "change"
    if hearing.TALKING.search(words) or words.endswith("?"):
        return "talk"
    # A mere scene: of a film that is still being settled it is a detail, after it a new wish.
    if film.open and not film.gone:
        return "change" if len(words.split()) > 1 and not _is_chat(words) else "talk"
    return "video" if wish else "talk"


def _says_change(talk: Conversation) -> bool:
    words = talk.words
    if hearing.parameters_in(words, answering=True):
        return True
    return bool(DEFAULTS.search(words) or hearing.SAME.search(words) or CHANGES.search(words))


def _is_chat(words: str) -> bool:
    return any(re.search(pattern, words, re.I) for pattern, _ in saying.TOPICS)


def _wish(talk: Conversation, seed: str) -> dict[str, Any]:
    prompt = hearing.subject_of(talk.words)
    return _told_wish(talk, prompt, hearing.parameters_in(talk.words), seed)


def _told_wish(
    talk: Conversation, prompt: str, parameters: dict[str, Any], seed: str
) -> dict[str, Any]:
    missing = _missing(talk, prompt, parameters)
    return {
        "intent": "video",
        "reply": saying.wished(prompt, missing, seed),
        "prompt": prompt,
        "title": hearing.title_of(prompt),
        "parameters": parameters,
        "missing": missing,
        "questions": saying.questions(missing, seed),
    }


def _again(film: Film, talk: Conversation, seed: str) -> dict[str, Any]:
    """A change to what was made already is a wish for another film like it."""
    prompt = changed_prompt(film.prompt, talk.words) or film.prompt
    parameters = {**film.known, **_changed(film, talk)}
    return _told_wish(talk, prompt, parameters, seed)


def _changed(film: Film, talk: Conversation) -> dict[str, Any]:
    parameters = hearing.parameters_in(talk.words, answering=True)
    if "duration" not in parameters and (length := _length(film, talk)):
        parameters["duration"] = length
    return parameters


def _change(film: Film, talk: Conversation, seed: str) -> dict[str, Any]:
    parameters = _changed(film, talk)
    prompt = changed_prompt(film.prompt, talk.words)
    missing = _missing(talk, prompt or film.prompt, {**film.known, **parameters})
    if film.asked is not None:
        said = parameters.keys() | ({"detail"} if prompt else set())
        missing = [key for key in film.asked if key in saying.ORDER and key not in said]
    if DEFAULTS.search(talk.words) or not film.open:
        missing = []
    told: dict[str, Any] = {
        "intent": "change",
        "reply": saying.changed(parameters, prompt, missing, seed),
        "parameters": parameters,
        "missing": missing,
        "questions": saying.questions(missing, seed),
    }
    if prompt:
        told |= {"prompt": prompt, "title": hearing.title_of(prompt)}
    return told


def changed_prompt(prompt: str, words: str) -> str:
    """The whole prompt after a change; empty when the words change none of it."""
    rest = re.sub(r"\s+", " ", words).strip().rstrip(".!?")
    if DEFAULTS.search(rest):
        return ""
    rest = re.sub(r"\s*\binstead of \d+(?:\s?s(?:ec(?:ond)?s?)?)?$", "", rest, flags=re.I)
    if swap := REPLACES.search(rest):
        old, new = swap[1].strip(), hearing.without_format(swap[2])
        found = re.compile(rf"\b{re.escape(old)}\b", re.I)
        if found.search(prompt):
            new = re.sub(r"^(?:an?|the)\s+", "", new, flags=re.I)
            return found.sub(lambda _: new, prompt)
    cut = hearing.without_format(LEADS.sub("", rest))
    cut = hearing.BARE.sub("", re.sub(rf"^(?:{hearing.ANY_STYLE})$", "", cut, flags=re.I))
    if not NOISE.sub("", cut):
        return ""
    if gone := REMOVES.match(cut):
        return _without(prompt, gone[1], gone[2])
    whole = INSTEAD.match(hearing.without_format(rest))
    instead = "instead" in rest.lower() or re.search(r"\b(?:make|turn|change) it\b", rest, re.I)
    if whole and instead and len(whole[1].split()) > 1:
        return _replaced(prompt, whole[1])
    cut = re.sub(r"^look (?=like)", "", cut, flags=re.I)
    cut = re.sub(r"\s+(?:too|as well|also)$", "", cut, flags=re.I)
    cut = re.sub(r"^(?:add|include|show|have)\s+", "with ", cut, flags=re.I)
    cut = re.sub(r"^(?=(?:an?|some|more|two|three|many)\s)", "with ", cut, flags=re.I)
    return f"{prompt.rstrip('.')}, {cut[:1].lower()}{cut[1:]}"


def _replaced(prompt: str, new: str) -> str:
    """Another subject; a mere "a sunrise" keeps the place of "a sunset over Lisbon"."""
    if len(new.split()) == 2 and len(prompt.split()) > 2:
        kept = re.match(
            r"(?:an?|the)\s+[\w-]+(?=\s(?:over|in|on|at|under|by|near|with)\b)", prompt, re.I
        )
        if kept:
            new += prompt[kept.end() :]
    return new[:1].upper() + new[1:]


def _without(prompt: str, article: str, gone: str) -> str:
    gone = gone.strip()
    found = re.sub(
        rf",?\s*\b(?:with |and )?(?:an? |the |some )?{re.escape(gone)}\b", "", prompt, flags=re.I
    ).strip(" ,")
    return found if found and found != prompt else f"{prompt.rstrip('.')}, without {article}{gone}"


def _length(film: Film, talk: Conversation) -> int | None:
    """The next longer or shorter length than the present one."""
    now = film.settings.get("duration")
    if not isinstance(now, int) or isinstance(now, bool):
        return None
    allowed = lengths(talk.declared)
    if LONGER.search(talk.words):
        return next((one for one in allowed if one > now), now if allowed else now + 2)
    if SHORTER.search(talk.words):
        below = [one for one in allowed if one < now]
        return below[-1] if below else now if allowed else max(1, now - 2)
    return None


def _missing(talk: Conversation, prompt: str, known: dict[str, Any]) -> list[str]:
    possible = settings(talk.declared)
    missing = [
        name
        for name in SETTINGS
        if name not in known and (not possible or name in possible or name == "style")
    ]
    if len(prompt) < SHORT_PROMPT and "detail" not in known:
        missing.append("detail")
    return missing
