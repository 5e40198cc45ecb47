"""Calls to Google's Gemini API for pictures: one call, one picture, in its answer."""

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
    Unparsable,
    read_json,
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
        try:
            body = wire.request(task)
        except ValueError as error:
            raise google.unsendable(self.connection, str(error)) from error
        path = f"models/{task.model}:generateContent"
        answer = google.call(self.connection, "POST", path, body, limits=LIMITS)
        if not answer.ok:
            raise google.refusal(self.connection, answer, of_model=True)
        try:
            update = wire.translate(read_json(answer.body), task=task.id)
        except Unparsable as error:
            raise google.unreadable(self.connection, answer, in_doubt=True) from error
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
