"""The named counters and histograms of `/metrics`, added up over all processes of this host."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO

from prometheus_client import Counter, Gauge, Histogram, values

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_slot: tuple[int, str, IO[str]] | None = None


def _take_slot() -> str:
    """This process's place in the folder of figures.

    By process id the folder would grow with every recycled worker; a place is taken over, sums
    included, by the next process once its holder is gone.
    """
    global _slot
    if _slot is None or _slot[0] != os.getpid():
        _slot = _free_slot(Path(os.environ[FOLDER]))
    return _slot[1]


def _free_slot(folder: Path) -> tuple[int, str, IO[str]]:
    number = 0
    while True:
        lock = (folder / f"slot-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            number += 1
            continue
        for stale in folder.glob(f"gauge_live*_{number}.db"):
            with contextlib.suppress(FileNotFoundError):
                stale.unlink()  # what the last holder had open went with it
        return os.getpid(), str(number), lock


if os.environ.get(FOLDER):
    Path(os.environ[FOLDER]).mkdir(parents=True, exist_ok=True)
    values.ValueClass = values.MultiProcessValue(_take_slot)  # type: ignore[no-untyped-call]

#: From a few milliseconds to the longest deadline.
WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
LONG_WAITS = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 3600)
QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

CREATED = Counter("genproj_created", "Generations accepted.", ["kind", "provider"])
SETTLED = Counter("genproj_settled", "Generations settled, by state.", ["kind", "state"])
WEBHOOKS = Counter("genproj_webhooks", "Deliveries received, by outcome.", ["source", "outcome"])
DELIVERIES = Counter(
    "genproj_deliveries", "Attempts to deliver to others, by outcome.", ["outcome"]
)
ACK_SECONDS = Histogram(
    "genproj_webhook_ack_seconds", "From a delivery's last byte to its answer.", buckets=QUICK
)
PROVIDER_SECONDS = Histogram(
    "genproj_provider_seconds", "From submission to the last output.", ["provider"], buckets=WAITS
)
FETCH_SECONDS = Histogram("genproj_fetch_seconds", "Fetching one output.", buckets=WAITS)
STORE_SECONDS = Histogram("genproj_store_seconds", "Storing one output.", buckets=WAITS)
RETRIES = Counter("genproj_retries", "Attempts put off to be made again.", ["what"])
VIDEO_NEWS = Counter("genproj_video_news", "What happened to videos.", ["news"])
FILM_SECONDS = Histogram(
    "genproj_film_seconds",
    "From confirm or retry to the stored film.",
    ["provider"],
    buckets=LONG_WAITS,
)
STATUS_READS = Counter(
    "genproj_video_status_reads", "Looks of polling clients at videos, by answer.", ["answer"]
)
MODEL_SECONDS = Histogram(
    "genproj_language_model_seconds",
    "Calls of the language model, by outcome.",
    ["outcome"],
    buckets=WAITS,
)
COMPLAINTS = Counter(
    "genproj_complaints", "Warnings and errors logged, by component.", ["component", "level"]
)
INTENTS = Counter("genproj_intents", "What messages meant, and who said so.", ["intent", "by"])
PROJECTION_FAILURES = Counter(
    "genproj_projection_failures", "Projections left for a person.", ["projector"]
)
SOCKETS = Gauge(
    "genproj_sockets", "Open WebSockets and event streams.", multiprocess_mode="livesum"
)
