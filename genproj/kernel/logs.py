"""Structured log lines: component, action, facts and the request's id; secrets never get in."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from typing import Any, Literal

from genproj.kernel.figures import COMPLAINTS

LONGEST = 300
HIDDEN = "***"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default={})  # noqa: B039 - never changed

_SECRET_NAME = re.compile(r"secret|key|token|password|passwd|authorization|cookie|credential", re.I)
_SECRET_TEXT = re.compile(
    r"""(?ix)
      (?: \b | (?<=%3F) | (?<=%26) )
      ( token | ticket | sig | signature | secret | password | api_?key | key
        | x-amz-signature | x-amz-credential | x-amz-security-token )
      ( = | %3D | ["']\s*:\s*["'] )
      [^&\s"'<>]+
    | ( \b(?:bearer|basic) \s+ ) [^\s"',]+
    | ( \bauthorization ["']? \s* [:=] \s* ["']? ) (?!bearer|basic) [^\s"',]+
    | ( whsec_ ) [A-Za-z0-9+/=_-]+
    """
)
_PLAIN = re.compile(r"[^\s\"'=\x00-\x1f\x7f]+")


class Component:
    """Writes the lines of one part of the program, each an action and its facts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.logger = logging.getLogger(f"genproj.{name}")

    def debug(self, action: str, **facts: Any) -> None:
        self._write(logging.DEBUG, action, facts)

    def info(self, action: str, **facts: Any) -> None:
        self._write(logging.INFO, action, facts)

    def warning(self, action: str, **facts: Any) -> None:
        self._write(logging.WARNING, action, facts)

    def error(self, action: str, **facts: Any) -> None:
        self._write(logging.ERROR, action, facts)

    def exception(self, action: str, **facts: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, action, facts, traceback=True)

    def _write(
        self, level: int, action: str, facts: Mapping[str, Any], *, traceback: bool = False
    ) -> None:
        if level >= logging.WARNING:
            COMPLAINTS.labels(component=self.name, level=logging.getLevelName(level).lower()).inc()
        if self.logger.isEnabledFor(level):
            extra = {"component": self.name, "facts": facts}
            self.logger.log(level, "%s", action, extra=extra, exc_info=traceback, stacklevel=3)


def component(name: str) -> Component:
    """The log of a part of the program, such as "submission"."""
    return Component(name)


@contextmanager
def bound(**facts: Any) -> Iterator[None]:
    """Add facts to every line that is written inside; `request_id` sets the request's id."""
    id_reset = request_id.set(facts.pop("request_id")) if "request_id" in facts else None
    reset = _bound.set({**_bound.get(), **facts})
    try:
        yield
    finally:
        _bound.reset(reset)
        if id_reset is not None:
            request_id.reset(id_reset)


def carried(write: Callable[[], None]) -> Callable[[], None]:
    """The same call, to be made later (after the commit) with what is bound now."""
    context = copy_context()
    return lambda: context.run(write)


def redacted(text: str) -> str:
    """The text without the secrets that addresses, headers and bodies carry."""
    return _SECRET_TEXT.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    name, sign, *others = found.groups()
    return (f"{name}{sign}" if name else next(one for one in others if one)) + HIDDEN


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """The facts of a line, the bound ones first, each short and without secrets."""
    facts = {**_bound.get(), **getattr(record, "facts", {})}
    if request_id.get():
        facts.setdefault("request_id", request_id.get())
    return {name: _shown(name, value) for name, value in facts.items() if value is not None}


def _shown(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, bool | int | float):
        return value
    text = redacted(str(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


class _Formatter(logging.Formatter):
    def _head(self, record: logging.LogRecord) -> tuple[str, str]:
        name = getattr(record, "component", None) or record.name
        return name, redacted(record.getMessage())

    def _trace(self, record: logging.LogRecord) -> str:
        if not record.exc_info or not record.exc_info[0]:
            return ""
        return redacted(self.formatException(record.exc_info))


class ConsoleFormatter(_Formatter):
    """`12:00:00 [SUBMISSION] Submitted entry=019… request_id=…`"""

    def format(self, record: logging.LogRecord) -> str:
        name, action = self._head(record)
        words = [
            datetime.fromtimestamp(record.created).strftime("%H:%M:%S"),  # noqa: DTZ006 - a clock
            f"[{name.upper()}]",
            action[:1].upper() + action[1:],
        ]
        if record.levelno >= logging.WARNING:
            words.insert(1, record.levelname)
        for fact, value in _facts(record).items():
            text = str(value)
            words.append(f"{fact}={text if _PLAIN.fullmatch(text) else json.dumps(text)}")
        trace = self._trace(record)
        return " ".join(words) + (f"\n{trace}" if trace else "")


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        name, action = self._head(record)
        line = {
            **_facts(record),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "component": name,
            "action": action,
        }
        if trace := self._trace(record):
            line["exception"] = trace
        return json.dumps(line, ensure_ascii=False, default=str)


FORMATTERS = {"console": ConsoleFormatter, "json": JsonFormatter}


def logging_config(format: Literal["console", "json"] | str) -> dict[str, Any]:
    """Django's LOGGING: every line to standard error in one format; KeyError for another one."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": FORMATTERS[format]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django would print a page for every 4xx, and its own handlers a second line.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR"},
            "django-q": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},
            "botocore": {"level": "WARNING"},
            "PIL": {"level": "WARNING"},
            "libav": {"level": "CRITICAL"},
        },
    }
