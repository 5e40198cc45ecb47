"""The worker's door: answers turns, and tells whether one waits."""

from genproj.assistant.operations import turns
from genproj.kernel import leases

answer_turns = turns.answer_turns


def answer_turns_due() -> bool:
    """Whether somebody waits for an answer."""
    return leases.due(turns.turns_to_answer()).exists()
