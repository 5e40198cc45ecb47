"""Videos, jobs, workers and the queue in the admin."""

from videos.admin import queue, videos

__all__ = ["queue", "videos"]
