"""What the making of the demo film asks of conversations and videos."""

from dataclasses import dataclass
from uuid import UUID

from genproj.assistant.models import Turn
from videos.models import Video


@dataclass(frozen=True)
class Standing:
    """How far the demo film is; `answered` once the assistant has had its turn."""

    conversation_id: UUID
    answered: bool
    video_id: UUID | None = None
    status: str = ""


def standing(request_id: str) -> Standing | None:
    """What became of the sentence that was said under this request id; None: nothing yet.

    What somebody threw away stands, and is not made again.
    """
    turn = Turn.objects.filter(request_id=request_id).order_by("created_at").first()
    if turn is None:
        return None
    video = Video.objects.filter(message=turn.asked_id).order_by("created_at").first()
    return Standing(
        conversation_id=turn.conversation_id,
        answered=turn.done_at is not None,
        video_id=video.pk if video else None,
        status=video.status if video else "",
    )
