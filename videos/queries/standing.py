"""How the queue of films stands, in the figures that staff look at first."""

from collections import Counter

from generations.providers import PROVIDERS
from genproj.kernel.boards import Figure
from genproj.runtime.operations import is_on
from videos.models import Job
from videos.queries.queue import workers_seen
from videos.states import VideoStatus

PAGE = "videos_job_changelist"
#: status of a worker -> tone
TONES = {"active": "done", "idle": "done", "lost": "failed"}


def figures() -> list[Figure]:
    """What waits and runs, what is paused, and who renders."""
    opened = Job.objects.filter(finished_at__isnull=True)
    waiting = opened.filter(video__status=VideoStatus.QUEUED).count()
    running = opened.filter(video__status=VideoStatus.PROCESSING).count()
    found = [
        Figure("Waiting", str(waiting), "", PAGE),
        Figure("Being made", str(running), "", PAGE),
    ]
    names = ["queue:all", *(f"queue:provider:{name}" for name in PROVIDERS)]
    paused = [name for name in names if is_on(name)]
    if paused:
        found.append(Figure("Paused", ", ".join(paused), "partial", "runtime_switch_changelist"))
    statuses = Counter(worker.status for worker in workers_seen())
    for status, count in sorted(statuses.items()):
        tone = TONES.get(status, "")
        found.append(Figure(f"Renderers {status}", str(count), tone, "videos_worker_changelist"))
    return found
