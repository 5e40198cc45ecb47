"""The pages about films: the chat in which they are wished for, and one film."""

from videos.pages.acting import act
from videos.pages.details import video
from videos.pages.talking import chat, conversation_act

__all__ = ["act", "chat", "conversation_act", "video"]
