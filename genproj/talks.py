"""TABLE: who answers in a conversation of each kind.

Named by string, because the assistant knows none of the apps above it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Talk:
    """`answer` is the dotted name of an operation that takes a claimed Turn, outside of any
    transaction, and ends by `turns.settle` in the transaction that adds its answer. `tells` is
    that of one that tells the audience of a message; empty: `message:created|updated`. A talk
    that is not `listed` has a place of its own, and is left out of people's lists."""

    answer: str
    tells: str = ""
    listed: bool = True


TALKS: dict[str, Talk] = {
    "video": Talk(answer="videos.operations.answering.answer"),
    "space": Talk(
        answer="spaces.operations.answering.answer",
        tells="spaces.operations.telling.tell_message",
        listed=False,
    ),
}
