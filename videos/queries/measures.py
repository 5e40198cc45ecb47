"""Figures of films that are read off their rows when somebody looks at /metrics."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min, QuerySet

from generations.queries.measures import Measure
from genproj.kernel.clock import now
from videos.models import Job, Video
from videos.queries.queue import workers_seen
from videos.states import ENDED, VideoStatus

_STATES = {"waiting": VideoStatus.QUEUED, "running": VideoStatus.PROCESSING}


def all_measures() -> Iterator[Measure]:
    """Everything that the rows of films tell, one query or a few each."""
    jobs = {state: _open(status).count() for state, status in _STATES.items()}
    yield Measure(
        "genproj_film_jobs",
        "Films in the queue and being made.",
        ["state"],
        {(state,): count for state, count in jobs.items()},
    )
    oldest = _open(VideoStatus.QUEUED).aggregate(at=Min("created_at"))["at"]
    waited = (now() - oldest).total_seconds() if oldest else 0.0
    yield Measure(
        "genproj_film_wait_seconds",
        "How long the film that waits longest has waited since it was confirmed.",
        [],
        {(): waited},
    )
    yield Measure(
        "genproj_film_workers",
        "Workers that render films, by status; this installation itself is one.",
        ["status"],
        {(key,): count for key, count in Counter(one.status for one in workers_seen()).items()},
    )
    lately = Video.objects.filter(updated_at__gte=now() - timedelta(hours=1), status__in=ENDED)
    counts = lately.values_list("status").annotate(Count("id")).order_by()
    yield Measure(
        "genproj_films_ended_last_hour",
        "Films that ended within the last hour, by outcome.",
        ["outcome"],
        {(str(status),): count for status, count in counts},
    )


def _open(status: VideoStatus) -> QuerySet[Job]:
    return Job.objects.filter(finished_at__isnull=True, video__status=status)
