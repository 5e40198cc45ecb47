"""Addresses of videos, the queue and its workers for programs."""

from django.urls import path

from videos import webhooks
from videos.api import queue, videos, workers

API = "api/v1"
VIDEO = f"{API}/videos/<uuid:id>"
WORKER = f"{API}/workers/<slug:id>"

urlpatterns = [
    path(f"{API}/videos/", videos.VideoList.as_view(), name="api_videos"),
    path(f"{VIDEO}/", videos.VideoDetail.as_view(), name="api_video"),
    path(f"{VIDEO}/status/", videos.VideoProgress.as_view()),
    path(f"{VIDEO}/timeline/", videos.VideoTimeline.as_view()),
    path(f"{VIDEO}/clarify/", videos.VideoClarify.as_view()),
    path(f"{VIDEO}/confirm/", videos.VideoConfirm.as_view()),
    path(f"{VIDEO}/cancel/", videos.VideoCancel.as_view()),
    path(f"{VIDEO}/retry/", videos.VideoRetry.as_view()),
    path(f"{VIDEO}/restore/", videos.VideoRestore.as_view()),
    path(f"{VIDEO}/to-front/", videos.VideoToFront.as_view()),
    path(f"{API}/queue/", queue.QueueDoor.as_view(), name="api_queue"),
    path(f"{API}/queue/pause/", queue.QueuePause.as_view()),
    path(f"{API}/queue/resume/", queue.QueueResume.as_view()),
    path(f"{API}/workers/", workers.WorkerList.as_view(), name="api_workers"),
    path(f"{WORKER}/heartbeat/", workers.WorkerHeartbeat.as_view()),
    path(f"{WORKER}/claim/", workers.WorkerClaim.as_view()),
    path(f"{WORKER}/uploads/", workers.WorkerUploads.as_view()),
    path(f"{WORKER}/retire/", workers.WorkerRetire.as_view()),
    path("webhooks/worker/", webhooks.receive),
    path("webhooks/worker", webhooks.receive),
]
