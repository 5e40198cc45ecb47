"""The door of the workers to the queue of films."""

from videos.operations import queue

run_queue = queue.run_queue


def run_queue_due() -> bool:
    """Whether a film can be taken now, or has lost its worker."""
    return queue.anything_to_run()
