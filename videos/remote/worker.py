"""The life of a worker: take a film, render it, put it up, report; all the while show life."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genproj.kernel import logs
from genproj.kernel.clock import now, zulu
from videos.remote import render
from videos.remote.client import Refused, Server, Unavailable, pause_after
from videos.remote.journal import Journal, Record
from videos.remote.render import Failed, Film, Provider, Studio, named

#: seconds between two looks for a job
LOOK_EVERY = 2.0
#: seconds between two signs of life, until the server says otherwise
BEAT_EVERY = 15.0
#: an address for the film that is not good any more is asked for anew so often
MOST_ADDRESSES = 5

log = logs.component("worker")

Providers = Callable[[str], Provider | None]
Attempt = tuple[str, int]


class Dropped(Exception):
    """The film is not wanted any more, or is another worker's."""


class Stopped(Exception):
    """The worker is to end at once; its journal keeps what it was at."""


def journal_at(folder: Path, name: str) -> Journal:
    """The journal of the worker of that name. Raises journal.Busy."""
    return Journal.at(folder / f"worker-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.json")


class RemoteWorker:
    """One worker, one film at a time."""

    def __init__(
        self, *, server: Server, journal: Journal, name: str, providers: Providers, folder: Path
    ) -> None:
        self.server, self.journal, self.name = server, journal, name
        self.providers, self.folder = providers, folder
        self._beat_every = BEAT_EVERY
        self._stops = 0
        self._stirred = threading.Event()  # set by a signal, and by news about the film
        self._dropped: Attempt | None = None
        self._ended = threading.Event()

    # --- from outside ------------------------------------------------------------------------

    def stop(self) -> None:
        """Take nothing more; asked a second time, leave the film where it is."""
        self._stops += 1
        self._stirred.set()

    def run(self, *, once: bool = False) -> int:
        """Work until stopped; `once`: until one film is done, or none waits. Returns how many."""
        self._introduce()
        beats = threading.Thread(target=self._beat, name="beats", daemon=True)
        beats.start()
        count = 0
        try:
            while True:
                record = self.journal.film or self._next()
                if record is not None:
                    count += self._work(record)
                if once or self._stops:
                    return count
                if record is None:
                    self._sleep(LOOK_EVERY)
        except Stopped:
            return count
        finally:
            self._ended.set()
            self._stirred.set()

    # --- the server --------------------------------------------------------------------------

    def _introduce(self) -> None:
        known = self.journal.identity(self.server.url)
        if known is None:
            known = self._insist(lambda: self.server.register(self.name))
            self.journal.become(self.server.url, *known)
            log.info("registered", worker=known[0])
        self.server.become(*known)

    def _next(self) -> Record | None:
        """Take a job, if there is one and the worker may take more."""
        if self._stops:
            return None
        try:
            order = self.server.claim()
        except Unavailable as reason:
            log.warning("server_away", reason=str(reason))
            return None
        except Refused as refusal:
            if refusal.status != 404:
                raise
            self.journal.become(self.server.url, "", "")  # it has forgotten this worker
            self._register_anew()
            return None
        if order is None:
            return None
        self._beat_every = float(order["heartbeat_seconds"])
        log.info("took", **named(order), attempt=order["attempt"])
        return self.journal.begin(order)

    def _register_anew(self) -> None:
        known = self._insist(lambda: self.server.register(self.name))
        self.journal.become(self.server.url, *known)
        self.server.become(*known)

    def _insist(self, act: Callable[[], Any]) -> Any:
        tries = 0
        while True:
            try:
                return act()
            except Unavailable as reason:
                log.warning("server_away", reason=str(reason))
                if self._stops:
                    raise Stopped from None
                self._sleep(reason.after or pause_after(tries))
                tries += 1

    def _beat(self) -> None:
        """Show life in a thread of its own, so that no film and no upload can hold it up."""
        last = time.monotonic()
        while not self._ended.wait(min(self._beat_every, 1.0)):
            if time.monotonic() - last < self._beat_every:
                continue  # the server may ask for quicker ones with any job
            last = time.monotonic()
            film = self.journal.film
            named = [film["order"]["job"]] if film else []
            try:
                held = self.server.heartbeat(named)
            except (Unavailable, Refused) as reason:
                log.warning("not_heard", reason=str(reason))
                continue
            if film and not film["last_word"] and named[0] not in held:
                self._dropped = _attempt(film)
                self._stirred.set()

    # --- one film ----------------------------------------------------------------------------

    def _work(self, record: Record) -> int:
        """Bring one film to its end. 1 when its last word was heard, else 0."""
        job = record["order"]["job"]
        try:
            if not record["last_word"]:
                self._make(record)
            self._tell_last_word()
        except Dropped:
            log.warning("dropped", job=job)
            render.forget(self.journal.film or record)
            self.journal.note(file=None)
            self.journal.end(remembered=True)
            return 0
        render.forget(self.journal.film or record)
        self.journal.end()
        return 1

    def _make(self, record: Record) -> None:
        """Render and put up; the last word is in the journal when this returns."""
        order, began = record["order"], time.monotonic()
        provider = self.providers(order["provider"])
        try:
            if provider is None:
                raise Failed("worker_failed", "This worker does not know the provider.")
            if self._stops and not record["sent_at"]:
                raise Failed("worker_failed", "The worker was stopped before it began.")
            self._tell(order, "started", insist=True)
            studio = Studio(
                self.journal,
                provider,
                self.folder,
                self._wait,
                lambda at: self._progress(order, at),
            )
            film = render.render(studio, record)
            self._put_up(order, film)
        except Failed as failure:
            log.warning("failed", **named(order), code=failure.code)
            error = {"code": failure.code, "message": failure.message[:500]}
            self._settle(order, "failed", error=error)
            return
        self._settle(order, "completed", result=_result(order, film, time.monotonic() - began))

    def _put_up(self, order: dict[str, Any], film: Film) -> None:
        addresses, renewed, tries = order["uploads"], 0, 0
        while True:
            self._wait(0)
            try:
                with film.path.open("rb") as file:
                    self.server.put(addresses["video"], file)
            except Unavailable as reason:
                log.warning("not_put_up", **named(order), reason=str(reason))
                self._wait(reason.after or pause_after(tries))
                tries += 1
            except Refused as refusal:
                renewed += 1
                if renewed > MOST_ADDRESSES:
                    raise Failed("worker_failed", "The film could not be put up.") from refusal
                addresses = self._addresses(order["job"])
            else:
                log.info("put_up", **named(order), size=film.size)
                return

    def _addresses(self, job: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._insist(lambda: self.server.addresses(job))
        except Refused as refusal:
            raise Dropped from refusal
        return found

    # --- reports -----------------------------------------------------------------------------

    def _progress(self, order: dict[str, Any], percent: int) -> None:
        self._tell(order, "progress", insist=False, progress=percent)

    def _tell(self, order: dict[str, Any], kind: str, *, insist: bool, **data: Any) -> None:
        """Report something that may be lost, or (`insist`) is repeated until it is heard."""
        number, body = self.journal.next_number(), _report(order, kind, data)
        tries = 0
        while True:
            try:
                self.server.report(number, body)
            except Unavailable as reason:
                log.warning("not_heard", type=body["type"], reason=str(reason))
                if not insist:
                    return
                self._wait(reason.after or pause_after(tries))
                tries += 1
            except Refused as refusal:
                log.warning("refused", type=body["type"], reason=str(refusal))
                if refusal.status == 404:
                    raise Dropped from refusal
                if insist:
                    raise  # nothing is paid for that could never be told
                return
            else:
                return

    def _settle(self, order: dict[str, Any], kind: str, **data: Any) -> None:
        """Write the last word down; from here on it is only told."""
        last_word = {"number": self.journal.next_number(), "body": _report(order, kind, data)}
        self.journal.note(last_word=last_word)

    def _tell_last_word(self) -> None:
        """Tell it until it is heard, also across restarts; Dropped when it is too late."""
        film = self.journal.film
        assert film is not None
        word, tries = film["last_word"], 0
        while True:
            try:
                self.server.report(word["number"], word["body"])
            except Unavailable as reason:
                log.warning("not_heard", type=word["body"]["type"], reason=str(reason))
                if self._stops > 1:
                    raise Stopped from None
                self._sleep(reason.after or pause_after(tries))
                tries += 1
            except Refused as refusal:
                log.error("refused", type=word["body"]["type"], reason=str(refusal))
                if refusal.status == 401:  # clocks that differ may come together again
                    self._sleep(pause_after(10))
                    continue
                raise Dropped from refusal
            else:
                return

    # --- waiting -----------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        """Sleep while a film is made; Dropped or Stopped when it is not to be made any more."""
        end = time.monotonic() + seconds
        while True:
            film = self.journal.film
            if film and self._dropped == _attempt(film):
                raise Dropped
            if self._stops > 1:
                raise Stopped
            left = end - time.monotonic()
            if left <= 0:
                return
            self._stirred.wait(min(left, 1.0))
            self._stirred.clear()

    def _sleep(self, seconds: float) -> None:
        self._stirred.wait(seconds)
        self._stirred.clear()


def _attempt(film: Record) -> Attempt:
    return film["order"]["job"], film["order"]["attempt"]


def _report(order: dict[str, Any], kind: str, data: dict[str, Any]) -> dict[str, Any]:
    status = kind if kind in {"completed", "failed"} else "processing"
    named = {"job": order["job"], "video": order["video"], "attempt": order["attempt"]}
    return {
        "type": f"generation.{kind}",
        "timestamp": zulu(now()),
        "data": {**named, "status": status, **data},
    }


def _result(order: dict[str, Any], film: Film, seconds: float) -> dict[str, Any]:
    found = {
        "storage_key": order["uploads"]["video"]["storage_key"],
        "file_size": film.size,
        "format": "mp4",
        "processing_time": round(seconds, 3),
    }
    return found if film.cost is None else found | {"cost": f"{film.cost:f}"}
