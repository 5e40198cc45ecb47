"""What the stand-in for a language model says: short, warm, and the same for the same talk."""

import hashlib
import re
from typing import Any

ORDER = ("detail", "duration", "aspect_ratio", "resolution", "sound", "style")
MOST_QUESTIONS = 5

QUESTIONS = {
    "detail": (
        "What else should be seen? A place, a time of day, a mood?",
        "Tell me a little more: who or what is in it, and where?",
    ),
    "duration": ("How many seconds should it last?", "How long should it be, in seconds?"),
    "aspect_ratio": (
        "Which shape: widescreen (16:9), vertical (9:16) or square (1:1)?",
        "Where will it be seen: on a wide screen (16:9) or on a phone (9:16)?",
    ),
    "resolution": ("How sharp: 720p, or 1080p?", "720p for a quick look, or 1080p?"),
    "sound": ("With sound, or silent?", "Should there be sound?"),
    "style": (
        "Which style: cinematic, documentary, anime, watercolour …?",
        "How should it look: cinematic, realistic, painted, drawn?",
    ),
}
NAMES = {
    "detail": "a few details",
    "duration": "the length",
    "aspect_ratio": "the shape",
    "resolution": "the resolution",
    "sound": "the sound",
    "style": "the style",
}

WISHED = (
    "“{prompt}” – lovely. {rest}",
    "“{prompt}”: I can picture it. {rest}",
    "Good idea: “{prompt}”. {rest}",
    "“{prompt}” it is. {rest}",
)
ASKS = (
    "A few quick questions, or just take the usual settings.",
    "Tell me a bit more, or leave it to the defaults.",
    "Some details first; skip whatever you don't mind.",
)
COMPLETE = (
    "I have all I need: look at the summary and confirm when it looks right.",
    "That's everything. Check the summary, and nothing is spent until you confirm.",
)
CHANGED = ("Noted: {what}.", "Got it – {what}.", "Done: {what}.", "Sure, {what}.")
UNSAID = (
    "I'd love to. What should the film show? For example: “a paper boat on a rainy street”.",
    "Happy to make one! What should we see in it – a place, an animal, a little scene?",
    "Gladly. Describe it in a sentence, such as “a lighthouse in a storm at night”.",
)
UNSURE = (
    "Tell me what you would like to see, for example “create a video of a sunset over Lisbon”.",
    "I turn descriptions into short films. Try “a red kite over a windy beach, 8 seconds”.",
    "I'm not sure I follow. Describe a film in a sentence and I'll take it from there.",
)

PLEASED = (
    r"\b(?:thank|thanks|thx)\b|^\W*(?:(?:that|it|this)(?:'s| is| looks?)?\s+|looks?\s+|so\s+"
    r"|very\s+|really\s+|i\s+|wow\W+)*(?:great|awesome|love (?:it|this|that)|nice|perfect"
    r"|beautiful|cool|wonderful|amazing|lovely|good|fantastic|excellent)\b"
)
# The first row whose pattern is found in the words gives the answer.
TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\b(?:what can you (?:do|make)|what do you do|help\b|how does (?:this|it) work|how do i "
     r"(?:start|begin|use|create|make)|what is this|get started|capabilit"
     r"|(?:do|can) you (?:make|create|do) (?:videos?|films?|movies?))", (
        "I make short films from your words. Say something like “create a video of a sunset over "
        "Lisbon”; I ask what is missing, show you the price, and start once you confirm.",
        "Describe a scene and I turn it into a short film: you answer a few questions, confirm the "
        "price, and watch it come. Try “a paper boat on a rainy street”.",
    )),
    (r"\b(?:are you (?:real|human|a (?:bot|robot|person|model))|who are you|what are you|your name"
     r"|which (?:language )?model are you|about yourself)\b", (
        "I'm the built-in stand-in that talks while no language model key is set. I understand "
        "plain English about films well enough to get one made.",
    )),
    (r"\b(?:how (?:much|expensive)|costs?|price|free|budget|pay)\b", (
        "You see the price on the summary card before anything starts, and nothing is spent until "
        "you confirm. Shorter films cost less.",
    )),
    (r"\bhow (?:long|fast|quick)|\bhow much time", (
        "Most films are ready within a minute or two. You can leave the page; I'll tell you when "
        "it's done.",
    )),
    (r"\b(?:cancel|stop it|abort|never ?mind|forget it)\b", (
        "No problem. Press Cancel on the film's card; before it starts, that costs nothing.",
    )),
    (r"\b(?:ideas?|inspir|suggest|surprise me|don'?t know what)\b", (
        "How about one of these: a fox crossing a snowy street at night, a tea house in the "
        "clouds, or a tiny robot watering flowers?",
        "Three ideas: waves turning into horses, a night market in the rain seen from above, or an "
        "old lighthouse waking up.",
    )),
    (r"\b(?:aspect|ratios?|formats?|shapes?|orientation)\b", (
        "Films come widescreen (16:9) or vertical (9:16), and with some models square. Just say "
        "which you like.",
    )),
    (r"\b(?:resolutions?|quality|1080p|4k)\b", (
        "Usually 720p or 1080p; the summary shows what the chosen model can do.",
    )),
    (r"\b(?:pictures?|images?|photos?|drawings?|posters?|logos?)\b", (
        "Here I make films; pictures are made in the gallery. Shall I make a film of it?",
    )),
    (r"\bhow are you\b|\bhow's it going\b", (
        "Very well, thank you, and ready to make a film. What shall it show?",
    )),
    (r"^\W*no\W+thank", ("All right. I'm here when you feel like it.",)),
    (r"^\W*(?:no|nope|nah)\W*$", ("All right. Tell me what should be different.",)),
    (r"\b(?:styles?|looks?)\b.*\?$", (
        "Any you can name: cinematic, documentary, anime, watercolour, noir, pixel art …",
    )),
    (r"\bwhy do you ask\b|\bwhat do you mean\b|\bwhy (?:these|so many) questions\b", (
        "The answers shape the film and its price. Leave them open and I take the usual settings.",
    )),
    (PLEASED, (
        "You're welcome! Say the word when you'd like another one.",
        "Glad you like it. What shall we make next?",
    )),
    (r"\b(?:bye|goodbye|see you|good night)\b", ("See you soon!", "Goodbye, and come back soon.")),
    (r"\b(?:sorry|oops)\b", ("No harm done. What would you like to see?",)),
    (r"\bjoke\b", (
        "Why did the film go to the bank? To get its roll back. Now, what shall we make?",
    )),
    (r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings|yo|hiya|howdy)\b", (
        "Hello! Tell me what you'd like to see, and I'll make a short film of it.",
        "Hi there! What shall we make? A scene in a sentence is all I need.",
        "Hey, good to see you. Describe a scene and I'll turn it into a film.",
    )),
)  # fmt: skip
STATES = {
    "pending_clarification": "It waits for a few answers; you can also take the usual settings.",
    "pending_confirmation": "It's ready to go: check the summary and press Confirm.",
    "queued": "It's in the queue and starts as soon as there is a free place.",
    "processing": "It's being made right now; the card shows how far it is.",
    "completed": "It's done – have a look. Tell me if you'd like it different.",
    "failed": "It didn't work out this time. The card says why, and you can try again there.",
    "cancelled": "It was cancelled. Say the word and I'll set it up again.",
}
STATUS = re.compile(
    r"\b(?:status|progress|ready|finished|done|where is|how far|still|when will"
    r"|how(?:'s| is) (?:it|my|the))\b",
    re.I,
)
AGREES = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|ok(?:ay)?|go(?: ahead| for it)?|do it|start(?: it)?|confirm(?:ed)?|"
    r"looks? good|perfect|sounds? good|let'?s go|that'?s (?:it|right|fine|all)|fine|great|"
    r"please do)(?:[\s,!.]+(?:please|yes|go|ahead|do it|start|it|now|thanks|then|let'?s go))*\W*$",
    re.I,
)


def pick(choices: tuple[str, ...], *seeds: object) -> str:
    """One of several ways to say it; the same words bring the same one."""
    digest = hashlib.sha256(repr(seeds).encode()).digest()
    return choices[digest[0] % len(choices)]


def questions(missing: list[str], seed: str) -> list[dict[str, str]]:
    asked = [key for key in ORDER if key in missing][:MOST_QUESTIONS]
    return [{"key": key, "question": pick(QUESTIONS[key], key, seed)} for key in asked]


def wished(prompt: str, missing: list[str], seed: str) -> str:
    shown = prompt if len(prompt) <= 80 else prompt[:77].rstrip() + "…"
    rest = pick(ASKS if missing else COMPLETE, seed, "rest")
    return pick(WISHED, seed).format(prompt=shown, rest=rest)


def changed(parameters: dict[str, Any], prompt: str, missing: list[str], seed: str) -> str:
    what = [_said(name, parameters[name]) for name in ORDER if name in parameters]
    if prompt:
        what.append(f"“{prompt if len(prompt) <= 80 else prompt[:77].rstrip() + '…'}”")
    told = pick(CHANGED, seed).format(what=_listed(what) if what else "the usual settings")
    if missing:
        names = _listed([NAMES[key] for key in ORDER if key in missing][:3])
        return f"{told} Still open: {names} – or take the usual."
    return f"{told} {pick(COMPLETE, seed, 'rest')}"


def talk(words: str, status: str, seed: str) -> str:
    """An answer to what is neither a wish nor a change; `status` is that of a film, or empty."""
    if status and (STATUS.search(words) and words.rstrip().endswith("?") or words == "status"):
        return STATES.get(status, pick(UNSURE, seed))
    if AGREES.match(words):
        return STATES.get(status, pick(UNSAID, seed))
    if not status and STATUS.search(words) and words.rstrip().endswith("?"):
        return "The film's card shows how far it is, and I'll tell you as soon as it's done."
    for pattern, answers in TOPICS:
        if re.search(pattern, words, re.I):
            return pick(answers, seed)
    return pick(UNSURE, seed)


def _said(name: str, value: Any) -> str:
    match name:
        case "duration":
            return f"{value} second{'s' if value != 1 else ''}"
        case "aspect_ratio":
            shapes = {"16:9": "widescreen", "9:16": "vertical", "1:1": "square"}
            return shapes.get(value, str(value))
        case "sound":
            return "with sound" if value else "without sound"
        case "style":
            return f"{value} style"
    return str(value)


def _listed(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
