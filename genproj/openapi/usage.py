"""The named shapes of money."""

from genproj.openapi.shapes import (
    FLAG,
    MOMENT,
    MONEY,
    NUMBER,
    TEXT,
    UUID,
    Schema,
    maybe,
    ref,
    several,
    shape,
    words,
)
from genproj.usage.models import LedgerLine

WHAT = words(*LedgerLine.What.values, "")

SHAPES: dict[str, Schema] = {
    "Usage": shape(
        "A month of money. `projected`: at its end, if it goes on as it went so far.",
        month=TEXT,
        currency=words("USD"),
        spent=MONEY,
        held=MONEY | {"description": "Set aside just now for what has not ended."},
        projected=MONEY,
        days=several(shape("", day={"type": "string", "format": "date"}, spent=MONEY)),
        people=several(ref("UsagePart")),
        audiences=several(ref("UsagePart")),
        models=several(ref("UsagePart")),
        kinds=several(ref("UsagePart")),
        top=several(shape("What cost most.", subject=TEXT, spent=MONEY)),
    ),
    "UsagePart": shape(
        "One share. `units` counts pictures, films or tokens.",
        key=TEXT,
        name=TEXT,
        spent=MONEY,
        units=NUMBER,
    ),
    "LedgerLine": shape(
        "One movement of money; never changed. `held`: what the hold that it closes had set aside.",
        id=UUID,
        kind=words(*LedgerLine.Kind.values),
        what=WHAT,
        units=NUMBER,
        amount=MONEY,
        held=maybe(MONEY),
        subject=TEXT,
        audience=TEXT,
        person=maybe(TEXT),
        provider=TEXT,
        model=TEXT,
        reason=TEXT,
        created_at=MOMENT,
    ),
    "Budget": shape(
        "What may be spent in a calendar month (UTC). `user:ID` covers all that a person asks "
        "for, in spaces too; `person` and `model` narrow it.",
        id=UUID,
        audience=TEXT,
        person=maybe(TEXT),
        model=TEXT,
        period=words("month"),
        limit=MONEY,
        hard=FLAG,
        spent=MONEY,
        held=MONEY,
        left=MONEY,
        state=words("ok", "warning", "exhausted"),
        warned_at=maybe(MOMENT),
        exhausted_at=maybe(MOMENT),
        version=NUMBER,
        created_at=MOMENT,
        updated_at=MOMENT,
    ),
}
