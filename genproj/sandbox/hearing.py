"""What a person asked for, read from ordinary English: the film, and how it should be."""

import re
from typing import Any

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
}  # fmt: skip
PARTS = {"half a": 0.5, "a": 1}
NAMED = "|".join(sorted(NUMBERS, key=len, reverse=True))
# Neither "the 80s look" nor "the ones by the river" tells a length.
LENGTH = (
    rf"(?:(?P<short>\d{{1,3}}(?:\.\d)?)\s?s(?!\s+(?!please|long|and|in|with)[a-z])|(?P<digits>\d{{1,3}}(?:\.\d)?)"
    rf"[\s-]*(?:seconds?|secs?)|(?P<named>{NAMED})[\s-]+(?:seconds?|secs?))"
)
MINUTES = rf"(?P<minutes>\d{{1,2}}|{NAMED}|half a|a)[\s-]+(?:minutes?|mins?)"
SECONDS = re.compile(rf"\b(?:{LENGTH}|{MINUTES})\b", re.I)
BARE = re.compile(rf"(?:^|[,;]\s*)(\d{{1,2}}|{NAMED})(?=\s*(?:[,;.!]|please|$))", re.I)
TOLD = re.compile(rf"\b(?:duration|length)\b\D{{0,12}}\b(\d{{1,3}}|{NAMED})\b", re.I)
FILM = r"(?:videos?|films?(?! noir)|clips?|movies?|animations?|footage|shorts|reels?|vids?)"

# Each first thing found wins; `(?<!…)` keeps what is the subject of a film and not its format.
RATIOS = (
    (r"\b(?:16|9|4|3|21|1|5|2)\s?(?::|x|/|by)\s?(?:16|9|4|3|1|5|2)\b", ""),
    (r"\b(?:vertical(?:ly)?|upright|portrait(?!\s+of)(?:\s+(?:format|mode|orientation))?"
     r"|(?:for|on) (?:my |a |the )?(?:phones?|mobile|tik ?tok|instagram|stories|reels?|shorts?))\b",
     "9:16"),
    (r"(?:^|[,;]\s*)(?:tik ?tok|instagram|reels?|shorts)(?=\s*(?:[,;.!]|please|$))", "9:16"),
    (r"\b(?:ultra-?wide|cinemascope)\b", "21:9"),
    (r"\b(?:wide-?\s?screen|horizontal(?:ly)?|landscape (?:format|mode|orientation|video|film|clip)"
     r"|in landscape|for (?:my |the )?(?:tv|television|youtube))\b", "16:9"),
    (r"(?:^|[,;]\s*)(?:wide|landscape)(?=\s*(?:[,;.!]|please|$))", "16:9"),
    (r"\bsquar(?:e-?\s?ish|ish)\b|\b(?:in|make it|a|and) square(?=\s*(?:[,;.!]|please|format|"
     + FILM + r"|$))|(?:^|[,;]\s*)square(?: (?:format|please))?(?=\s*(?:[,;.!]|$))", "1:1"),
)  # fmt: skip
RESOLUTIONS = (
    (r"\b(?:4k|uhd|ultra hd|2160p?)\b", "4k"),
    (r"\b(?:1080p?|full[\s-]?hd|fhd|high(?:est)? (?:resolution|quality)|best quality)\b", "1080p"),
    (r"\b(?:720p?|hd|low(?:er)? (?:resolution|quality)|standard (?:resolution|quality))\b", "720p"),
    (r"\b480p?\b", "480p"),
)
SOUNDS: tuple[tuple[str, bool], ...] = (
    (r"\b(?:no|without(?: any)?|skip the|remove the|turn off the) (?:sounds?|audio|music)\b"
     r"|\b(?:sound|audio|music)(?: is|:)? off\b|\b(?:muted?|soundless|sound-?less)\b"
     r"|\bsilent(?= (?:and |(?:[\w-]+ ){0,4}" + FILM + r")|\s*(?:[,;.!]|please|$))", False),
    (r"\b(?:with|add|and|has|include|want|turn on(?: the)?) (?:[\w-]+ ){0,2}?"
     r"(?:sounds?(?: effects)?|audio|music)\b|\b(?:sound|audio|music)(?: is|:)? on\b"
     r"|(?:^|[,;]\s*)(?:sound|audio|music)(?= (?:please|yes)|\s*(?:[,;.!]|$))", True),
)  # fmt: skip
STYLES = {
    "cinematic": r"cinematic(?:ally)?|movie-?like|(?<!would )(?<!'d )like a movie|hollywood",
    "anime": r"anime|manga|ghibli",
    "watercolour": r"water-?colou?rs?",
    "documentary": r"documentary",
    "oil painting": r"oil[\s-]paint(?:ing|ed)?|painterly",
    "noir": r"(?:film[\s-])?noir",
    "black and white": r"black[\s-]and[\s-]white|black & white|b&w|monochrome",
    "claymation": r"clay-?mation|clay",
    "stop motion": r"stop[\s-]motion",
    "pixel art": r"pixel[\s-]art|8-bit",
    "cartoon": r"cartoon(?:ish|y)?|comic",
    "3D animation": r"3-?d(?:[\s-](?:animation|animated|render(?:ed)?))?|pixar(?:-like)?",
    "photorealistic": r"photo-?\s?realistic|realistic|lifelike|like real life",
    "vintage": r"vintage|retro|old-?fashioned|super 8",
    "pencil sketch": r"(?:pencil )?sketch(?:y|ed)?|pencil|hand-?drawn",
    "surreal": r"surreal(?:ist(?:ic)?)?",
    "dreamy": r"dreamy|dream-?like",
    "minimalist": r"minimal(?:ist(?:ic)?)?",
    "cyberpunk": r"cyber-?punk|neon",
    "science fiction": r"sci-?fi|science[\s-]fiction",
}
STYLE_OF = re.compile(
    r"\bin (?:the )?style of ([^,.;!?]+)|\b(?:in (?:an? )?)?([\w-]+(?: [\w-]+)?) style\b", re.I
)
DULL = frozenset(
    ["a", "an", "the", "this", "that", "any", "no", "what", "which", "some", "in", "with", "about",
     "choose", "change", "other", "another", "my", "your", "of", "make", "it", "and", "care"]
)  # fmt: skip
ANY_STYLE = "|".join(STYLES.values())

# What may stand before and around the subject of a wish.
POLITE = (
    r"(?:(?:please|pls|hi|hello|hey|ok(?:ay)?|so|well|now|great|thanks|cool|yes|another one"
    r"|one more|next)\b[\s,!.:–-]*)*"
)
MAKING = (
    r"(?:create|creating|make|making|generate|produce|render|film(?! noir)|shoot|do|build|get|have"
    r"|see|give|show|want|need|animate|record|try|craft|design)"
)
ASKING = (
    r"(?:(?:can|could|would|will) (?:you|we|i)(?: please| kindly)?\s+"
    r"|(?:i(?:'d| would) (?:like|love)|i want|i need|i wish|i'm looking|let(?:'s| us)|let me"
    r"|help me|how about|what about)"
    r"(?: you)?(?: to| for)?\s+)?"
)
OPENING = re.compile(
    rf"^{POLITE}{ASKING}(?:to )?(?:please )?(?:{MAKING}\s+)?(?:me |us |up )?"
    rf"(?:(?:an?|the|another|one|some|my|a new|this)\s+)?"
    rf"(?:(?!(?:as|of|over|on|in|with|where|that|from|at|to|into|for|about)\b)[^\s,.]+\s+){{0,6}}?"
    rf"{FILM}\b"
    r"(?:\s+(?:clip|video))?[\s,:—–-]*"
    r"(?:(?:of|about|showing|shows|that shows|which shows|with|where|in which|featuring)\b"
    r"[\s:]*)?",
    re.I,
)
DIRECT = re.compile(
    rf"^{POLITE}{ASKING}(?:{MAKING})\s+(?:me\s+|us\s+)?(?=\S)", re.I
)  # "make a sunset over Lisbon"
WISHES = re.compile(
    rf"\b{MAKING}\b[^.?!]*\b{FILM}\b|^\W*{POLITE}(?:an?|another|one|some)?\s*(?:[\w-]+\s+){{0,4}}"
    rf"(?:{FILM}|time-?lapse|trailer|teaser|commercial)\s*(?:of|about|showing|with|where|for|:)"
    r"|\banimate\b|^\W*(?:another one|one more|next one)\s*[:,–-]",
    re.I,
)
QUESTION = re.compile(
    r"^\W*(?:how(?! about)|why|when|who|which|where|what(?! about)|is|are|does|did|do you|will it|"
    r"can (?:i(?! (?:get|have|see))|it)|could (?:i(?! (?:get|have|see))|it)|should|have you)\b",
    re.I,
)
# "make the video longer" speaks of a film that is there.
SAME = re.compile(
    rf"\b{MAKING}\s+(?:it|this|that|(?:the|this|that|my|our) {FILM})\b"
    r"|^\W*(?:it|this|that)(?:'s| is| should| needs)\b",
    re.I,
)
TALKING = re.compile(
    r"\b(?:i|i'm|i've|you|you're|we|they|thanks?|hello|hi|hey|sorry|nothing|never mind|cancel|stop|"
    r"yes|no|ok|okay|help|bye|ideas?|suggestions?|jokes?|something|anything|why|how"
    r"|the (?:first|second|third|last) one)\b",
    re.I,
)
# Verbs that are said of little else than what is to be seen.
STRONG = re.compile(
    rf"^{POLITE}{ASKING}(?:to )?(?:show me|see|animate|generate|create|render)\b", re.I
)
PICTURE = re.compile(
    r"\b(?:pictures?|images?|photos?|drawings?|posters?|logos?|paintings?)\b", re.I
)
FILMS = re.compile(rf"\b{FILM}\b", re.I)


def parameters_in(text: str, *, answering: bool = False) -> dict[str, Any]:
    """What the words say of length, shape, size, sound and style.

    `answering`: questions were put before, so that a mere number is an answer.
    """
    found: dict[str, Any] = {}
    seconds = _seconds(text, answering=answering)
    if seconds is not None:
        found["duration"] = seconds
    ratio = _first(RATIOS, text)
    if ratio is not None:
        pattern, value = ratio
        found["aspect_ratio"] = value or _spelled(re.search(pattern, text, re.I))
    for name, table in (("resolution", RESOLUTIONS), ("sound", SOUNDS)):
        hit = _first(table, text)
        if hit is not None:
            found[name] = hit[1]
    style = style_in(text)
    if style:
        found["style"] = style
    return found


def is_wish(text: str) -> bool:
    """Whether the words ask for a film, and say what it shows."""
    subject = subject_of(text)
    if QUESTION.match(text) or not subject:
        return False
    if SAME.search(text):
        # "a video of my dog, please make it short" is a wish all the same.
        opened = OPENING.match(text)
        return bool(opened and re.search(r"\b(?:of|about|showing)\W*$", opened[0], re.I))
    if WISHES.search(text):
        return True
    if STRONG.match(text) and not PICTURE.search(text):
        return not TALKING.search(subject)
    if PICTURE.search(text):
        return False
    direct = DIRECT.match(text)
    if direct and not re.match(r"(?:it|this|that|them|sure|sense)\b", text[direct.end() :], re.I):
        return _is_thing(subject)
    return not direct and _is_thing(subject)


def _is_thing(subject: str) -> bool:
    """Whether the words name something to be seen: "a red boat", "sunset over Lisbon"."""
    words = subject.split()
    if TALKING.search(subject) or subject.endswith("?"):
        return False
    if re.match(r"(?:an?|the|two|three|four|some|several|my|our|many)\b", subject, re.I):
        return len(words) > 1
    placed = re.search(
        r"\b(?:over|in|on|at|under|through|with|of|by|near|above|across|along|into|from)\b",
        subject, re.I,
    )  # fmt: skip
    return len(words) > 2 and bool(placed)


def style_in(text: str) -> str:
    at = {
        name: match.start()
        for name, pattern in STYLES.items()
        if (match := re.search(rf"(?<!not )(?<!no )(?<!less )\b(?:{pattern})\b", text, re.I))
    }
    if at:
        return min(at, key=lambda name: at[name])
    match = STYLE_OF.search(text)
    words = (match[1] or match[2] or "").lower().split() if match else []
    while words and words[0] in DULL:
        words = words[1:]
    return "" if not words or words[-1] in DULL else " ".join(words)


def subject_of(text: str) -> str:
    """What the film shows: a wish without "create a video of", its format and its courtesies."""
    rest = re.sub(r"\s+", " ", text).strip()
    opened = OPENING.match(rest)
    if opened and not re.match(r"(?:for|to)\b", rest[opened.end() :], re.I):
        rest = rest[opened.end() :]
    else:
        direct = DIRECT.match(rest)
        rest = rest[direct.end() :] if direct else re.sub(rf"^{POLITE}", "", rest, flags=re.I)
    rest = re.sub(r"^(?:of|about|showing)\s+", "", without_format(rest), flags=re.I)
    if not re.sub(rf"\b(?:{FILM}|an?|the|{MAKING}|me|us|please|it|one|you|can|could|of)\b|\W", "",
                  rest, flags=re.I):  # fmt: skip
        return ""
    return rest[:1].upper() + rest[1:]


def title_of(prompt: str) -> str:
    """A few words of a prompt."""
    words = re.sub(r"^(?:an?|the|some)\s+", "", prompt.strip(), flags=re.I).split()
    title = ""
    for word in words:
        if len(title) + len(word) > 42:
            break
        title = f"{title} {word}".strip()
        if word[-1] in ",.;:!?" and len(title) > 12:
            break
    title = re.sub(r"(?:\s+(?:and|or|of|in|on|at|with|the|an?|to|over|by|for))+$", "", title)
    title = title.rstrip(",.;:!?—-")
    return title[:1].upper() + title[1:]


def without_format(rest: str) -> str:
    """The words without those that parameters were read from."""
    style = rf"(?:{ANY_STYLE})"
    cuts = (
        rf"(?:,|\bin\b|\bas\b)?\s*(?:an?|the)?\s*\b{style}(?:[\s-]+(?:style|look|feel))\b",
        rf"(?:,|;|\bin\b|\bas\b)\s*(?:an? )?\b{style}\b(?=\s*(?:$|[,;.!]))",
        r"\bin (?:the )?style of [^,.;!?]+",
        r"(?:,|\bin an?)\s*[\w-]+ style\b",
        rf"(?:,|\bfor\b|\babout\b|\bof\b)?\s*\b{LENGTH}\b(?:[\s-]*(?:long|in length))?",
        rf"(?:^|,)\s*{MINUTES}(?: long)?(?=\s*(?:$|[,;.!]))",
        rf"\b{MINUTES} long\b",
        r"(?:,|\bin\b)?\s*\b(?:1080p?|720p|480p|4k|full[\s-]?hd|uhd|hd)\b(?: resolution| quality)?",
    )
    for cut in cuts:
        rest = re.sub(cut, " ", rest, flags=re.I)
    for pattern, _ in (*RATIOS, *SOUNDS):
        rest = re.sub(rf"(?:,|\band\b|\bin\b|\bwith\b)?\s*(?:{pattern})(?: format| mode)?", " ",
                      rest, flags=re.I)  # fmt: skip
    rest = re.sub(rf"(?:,|\bas\b)\s*(?:an?|the)?\s*{FILM}\s*(?=$|[,;.])", " ", rest, flags=re.I)
    rest = re.sub(r"[,;.]?\s*(?:and\s+)?(?:please\s+)?(?:make|keep) it\b"
                  r"(?:[\s,.]|long|and|in|be)*$",
                  " ", rest, flags=re.I)  # fmt: skip
    rest = re.sub(r"\b(?:please|thanks|thank you)\b", " ", rest, flags=re.I)
    rest = re.sub(r"\s*([,;])(?:\s*[,;])+", r"\1", re.sub(r"\s+", " ", rest))
    rest = re.sub(r"\s+([,;.!?])", r"\1", rest)
    return re.sub(r"(?:^[\s,;:.!—-]+)|(?:(?:[\s,;:.!?—-]|\b(?:and|in|with|but)\b)+$)", "", rest)


def _seconds(text: str, *, answering: bool) -> int | None:
    match = SECONDS.search(text)
    if match is not None:
        found = {name: value for name, value in match.groupdict().items() if value}
        ((unit, word),) = found.items()
        return max(1, round(_number(word) * (60 if unit == "minutes" else 1)))
    bare = TOLD.search(text) or (BARE.search(text) if answering else None)
    return max(1, round(_number(bare[1]))) if bare else None


def _number(word: str) -> float:
    known: dict[str, float] = {**NUMBERS, **PARTS}
    return known[word.lower()] if word.lower() in known else float(word)


def _first(table: Any, text: str) -> Any:
    return next((row for row in table if re.search(row[0], text, re.I)), None)


def _spelled(match: re.Match[str] | None) -> str:
    numbers = re.findall(r"\d+", match[0]) if match else ["16", "9"]
    return ":".join(numbers)
