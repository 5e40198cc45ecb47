"""What the assistant refuses."""

from genproj.kernel.errors import InvalidTransition, NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation, or it is not yours."""


class ConversationTrashed(InvalidTransition):
    """The conversation lies in the trash; restore it first."""


class SharedConversation(InvalidTransition):
    """The conversation belongs to a space; say, begin or end things there."""

    code = "shared_conversation"
