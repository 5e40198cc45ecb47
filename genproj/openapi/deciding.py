"""The named shapes of an assistant's plans, and of what it may do without being asked."""

from genproj.openapi.shapes import (
    ANY,
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
from spaces.states import PlanStatus, StepStatus
from spaces.tools import Kind

SHAPES: dict[str, Schema] = {
    "StandingPermission": shape(
        "What the assistant may do without asking again, up to a ceiling. With a conversation it "
        "is for whoever speaks there, else for what its giver asks for.",
        id=UUID,
        tool=TEXT,
        given_by=maybe(TEXT),
        conversation=maybe(UUID),
        ceiling=MONEY,
        spent=MONEY,
        created_at=MOMENT,
    ),
    "Plan": shape(
        "Steps that people start. `note` is why it does not go on by itself.",
        id=UUID,
        title=TEXT,
        status=words(*(status.value for status in PlanStatus)),
        note=TEXT,
        conversation=maybe(UUID),
        ceiling=MONEY,
        spent=MONEY,
        auto_advance=FLAG,
        steps=several(ref("PlanStep")),
        requested_by=maybe(TEXT),
        started_by=maybe(TEXT),
        created_at=MOMENT,
        updated_at=MOMENT,
        version=NUMBER,
    ),
    "PlanStep": shape(
        "One call of a plan; `approval` is its newest attempt.",
        id=UUID,
        position=NUMBER,
        title=TEXT,
        tool=TEXT,
        kind=maybe(words(*(kind.value for kind in Kind))),
        arguments=ANY,
        cost=maybe(MONEY),
        status=words(*(status.value for status in StepStatus)),
        approval=maybe(UUID),
        result=maybe(ANY),
    ),
}
