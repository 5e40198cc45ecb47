"""Calls to Runware's REST interface: hand over a task, ask for it, search its catalogue."""

from typing import Any, Literal
from uuid import uuid4

from generations.providers.base import (
    Address,
    Connection,
    FoundModel,
    FoundModels,
    ProviderError,
    ProviderUpdate,
    ResultError,
    Submission,
    Task,
    UnknownTask,
    Unparsable,
    clean,
    read_json,
)
from generations.providers.runware import wire
from genproj.kernel import http

# No wait on a provider may outlast the 30 s within which open entries are taken up again.
LIMITS = http.Limits(connect=5, read=20, total=28, max_bytes=32 * 2**20, max_redirects=0)
# A gateway's word for "the other side may have heard it".
PASSED_ON = frozenset({502, 504})

FILTERS = frozenset(
    {
        "search",
        "tags",
        "category",
        "type",
        "architecture",
        "conditioning",
        "visibility",
        "limit",
        "offset",
    }
)


class RunwareClient:
    takes_task_id = True
    kind_of_answer: Literal["callback", "poll", "inline"] = "callback"

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def submit(self, task: Task) -> Submission:
        """Hand over a task under its own id, which may be repeated: it is accepted once.

        Raises ProviderError; `accepted` when the id is known already, `in_doubt` when the reply
        was lost or unreadable.
        """
        answer = self._post(wire.request(task))
        message = self._read(answer, in_doubt=True)
        try:
            update = wire.translate(message, task=task.id)
        except Unparsable as error:
            raise self._unreadable(answer, in_doubt=True) from error
        if update.errors and not update.outputs:
            raise self._rejection(answer, list(update.errors))
        if update.ref is None:
            raise self._unreadable(answer, in_doubt=True)
        told = update.outputs or update.processing
        return Submission(ref=task.id, update=update if told else None)

    def ask(self, ref: str) -> ProviderUpdate:
        """Everything known of a task, finished results repeated each time (`getResponse`).

        `processing` is False once the answer speaks only of what is finished. Raises UnknownTask,
        and ProviderError when the call itself failed.
        """
        answer = self._post({"taskType": "getResponse", "taskUUID": ref}, of_task=True)
        message = self._read(answer)
        try:
            update = wire.translate(message, task=ref)
        except Unparsable as error:
            raise self._unreadable(answer) from error
        codes = {one.provider_code for one in update.errors}
        if wire.UNKNOWN_TASK in codes and not update.outputs:
            raise UnknownTask(ref)
        if update.errors and not update.outputs and self._failed_to_ask(answer, update):
            raise self._rejection(answer, list(update.errors))
        if update.processing is None and (update.outputs or update.errors):
            return _settled(update)
        return update

    def address_of(self, url: str) -> Address | None:
        """As it was announced."""
        return Address(url)

    def search_models(self, **filters: Any) -> FoundModels:
        """A page of the catalogue (`modelSearch`); filters are Runware's, limit at most 100.

        TypeError for a filter that Runware does not have; ProviderError.
        """
        if unknown := filters.keys() - FILTERS:
            raise TypeError(f"no such filter: {', '.join(sorted(unknown))}")
        given = {name: value for name, value in filters.items() if value not in (None, "", [])}
        answer = self._post({"taskType": "modelSearch", "taskUUID": str(uuid4()), **given})
        message = self._read(answer)
        if errors := wire.errors_in(message):
            raise self._rejection(answer, errors)
        data = message.get("data") if isinstance(message, dict) else None
        found = data[0] if isinstance(data, list) and data else data
        results = found.get("results") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(results, list):
            raise self._unreadable(answer)
        models = tuple(
            FoundModel(id=one["air"], name=str(one.get("name") or one["air"]), raw=one)
            for one in results
            if isinstance(one, dict) and isinstance(one.get("air"), str)
        )
        total = found.get("totalResults")
        return FoundModels(total if isinstance(total, int) else len(models), models)

    def _post(self, task: dict[str, Any], *, of_task: bool = False) -> http.Answer:
        """The answer to one task object. Other refusals than those `of_task` are raised here."""
        connection = self.connection
        try:
            answer = http.call(
                "POST",
                connection.base_url,
                json=[task],
                headers={"Authorization": f"Bearer {connection.api_key}"},
                guard=connection.guard,
                limits=LIMITS,
            )
        except http.HttpFailure as failure:
            raise ProviderError.of(failure) from failure
        if not answer.ok and not of_task:
            raise self._refusal(answer)
        return answer

    def _read(self, answer: http.Answer, *, in_doubt: bool = False) -> Any:
        try:
            return read_json(answer.body)
        except Unparsable as error:
            raise self._unreadable(answer, in_doubt=in_doubt) from error

    def _refusal(self, answer: http.Answer) -> ProviderError:
        """A status outside 2xx, with or without a body that explains it."""
        try:
            errors = wire.errors_in(read_json(answer.body))
        except Unparsable:
            errors = []
        return self._rejection(answer, errors) if errors else self._unreadable(answer)

    def _rejection(self, answer: http.Answer, errors: list[ResultError]) -> ProviderError:
        """Errors that Runware wrote itself, with whatever status: nothing was begun."""
        accepted = any(one.provider_code == wire.CONFLICT for one in errors)
        return ProviderError(
            "api_rejected",
            url=self.connection.base_url,
            status=answer.status,
            body=answer.text,
            errors=errors,
            permanent=any(wire.is_permanent(one.provider_code, answer.status) for one in errors)
            and not accepted,
            accepted=accepted,
            retry_after=http.retry_after(answer.headers),
        )

    def _unreadable(self, answer: http.Answer, *, in_doubt: bool = False) -> ProviderError:
        """An answer that Runware does not give: a gateway's page, half a body, another shape."""
        return ProviderError(
            "http_error",
            url=self.connection.base_url,
            status=answer.status,
            body=clean(answer.text),
            permanent=not answer.ok and wire.is_permanent("", answer.status),
            in_doubt=in_doubt or answer.status in PASSED_ON,
            retry_after=http.retry_after(answer.headers),
        )

    def _failed_to_ask(self, answer: http.Answer, update: ProviderUpdate) -> bool:
        """Whether errors are about the asking: then the task's own fate is still open."""
        about_task = any(
            one.raw.get("taskUUID") is not None
            and (one.raw.get("status") == "error" or one.provider_code not in wire.OF_THE_CALL)
            for one in update.errors
        )
        return not about_task or answer.status in (401, 403, 429) or answer.status >= 500


def _settled(update: ProviderUpdate) -> ProviderUpdate:
    return ProviderUpdate(
        ref=update.ref,
        outputs=update.outputs,
        errors=update.errors,
        processing=False,
        progress=update.progress,
        raw=update.raw,
        issues=update.issues,
    )
