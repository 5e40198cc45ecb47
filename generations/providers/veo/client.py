"""Calls to Google's Gemini API for films: begin an operation, ask for it, say where its file is."""

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
from generations.providers.veo import wire
from genproj.kernel import http

# No wait on a provider may outlast the 30 s within which open entries are taken up again. An
# answer may hold a film as base64.
LIMITS = http.Limits(connect=5, read=20, total=28, max_bytes=64 * 2**20, max_redirects=0)


class VeoClient:
    takes_task_id = False
    kind_of_answer: Literal["callback", "poll", "inline"] = "poll"

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def submit(self, task: Task) -> Submission:
        """Begin an operation; the answer's name is all that it can be asked for by.

        Raises ProviderError; `in_doubt` when the reply was lost or unreadable.
        """
        name = google.send(
            self.connection,
            task,
            verb="predictLongRunning",
            write=wire.request,
            read=wire.operation,
            limits=LIMITS,
        )
        return Submission(ref=name)

    def ask(self, ref: str) -> ProviderUpdate:
        """What became of an operation. Raises UnknownTask, and ProviderError without an answer."""
        if not wire.NAME.fullmatch(ref):
            raise UnknownTask(ref)
        answer = google.call(self.connection, "GET", ref, limits=LIMITS)
        if not answer.ok:
            problem = google.refusal(self.connection, answer)
            if answer.status == 404 and any(
                one["code"] == google.NOT_FOUND for one in problem.errors
            ):
                raise UnknownTask(ref)
            raise problem
        try:
            return wire.translate(read_json(answer.body), name=ref)
        except Unparsable as error:
            raise google.unreadable(self.connection, answer) from error

    def address_of(self, url: str) -> Address | None:
        """The file's own address at the host that we were told to trust, whatever `url` names."""
        file = wire.FILE.search(url)
        if file is None:
            return None
        return Address(
            f"{self.connection.base_url}/files/{file[1]}:download?alt=media",
            google.headers(self.connection),
        )

    def search_models(self, **filters: Any) -> FoundModels:
        """Google's films are rows of our registry; there is nothing to search."""
        return FoundModels(0, ())
