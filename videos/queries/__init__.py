"""What doors ask of videos: frozen views, never rows."""

from videos.queries.lists import full_state_of, video_of, video_page
from videos.queries.queue import QueueView, queue_json, queue_view
from videos.queries.timeline import timeline
from videos.queries.views import (
    LABELS,
    VideoFilters,
    VideoView,
    frame_of,
    short,
    status_json,
    summary_of,
    thin,
    video_json,
    video_views,
)

__all__ = [
    "LABELS",
    "QueueView",
    "VideoFilters",
    "VideoView",
    "frame_of",
    "full_state_of",
    "queue_json",
    "queue_view",
    "short",
    "status_json",
    "summary_of",
    "thin",
    "timeline",
    "video_json",
    "video_of",
    "video_page",
    "video_views",
]
