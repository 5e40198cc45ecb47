"""Calls to Google's Gemini API for pictures: one call, one picture, in its answer."""

from functools import partial
from typing import Any, Literal

from generations.providers import google
from generations.providers.base import (
    Address,
    Connection,
    FoundModels,
    ProviderUpdate,
    Submission,
    Task,
    UnknownTask,
)
from generations.providers.gemini import wire
from genproj.kernel import http

# The picture is painted while the call waits, a large one for a minute; giving up earlier would
# throw away what is paid for. The lease is extended meanwhile.
LIMITS = http.Limits(connect=5, read=80, total=80, max_bytes=64 * 2**20, max_redirects=0)


class GeminiClient:
    takes_task_id = False
    kind_of_answer: Literal["callback", "poll", "inline"] = "inline"

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def submit(self, task: Task) -> Submission:
        """Ask for a picture and wait for it; the submission holds all that comes of it.

        Raises ProviderError; `in_doubt` when the reply was lost or unreadable.
        """
        update = google.send(
            self.connection,
            task,
            verb="generateContent",
            write=wire.request,
            read=partial(wire.translate, task=task.id),
            limits=LIMITS,
        )
        return Submission(ref=update.ref or task.id, update=update)

    def ask(self, ref: str) -> ProviderUpdate:
        """Nothing can be asked for later: UnknownTask."""
        raise UnknownTask(ref)

    def address_of(self, url: str) -> Address | None:
        """Pictures come inside the answer; none is fetched from anywhere."""
        return None

    def search_models(self, **filters: Any) -> FoundModels:
        """Google's pictures are rows of our registry; there is nothing to search."""
        return FoundModels(0, ())
