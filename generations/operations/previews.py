"""Makes the small pictures of stored outputs; nothing ever waits for them."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from generations.models import Preview
from generations.operations import frames, naming
from generations.operations.collecting import outputs_to_collect
from generations.operations.scaling import Small, store_small
from genproj.kernel import leases, logs, media, rows, scaler, storage
from genproj.kernel.clock import now
from genproj.runtime import breakers

BATCH = 4
#: how long small pictures give way to originals that wait to be fetched
GIVES_WAY = timedelta(seconds=10)
MOST_FAILURES = 8

log = logs.component("previews")


def previews_to_make() -> QuerySet[Preview]:
    """Stored outputs whose small pictures are not made yet."""
    waiting = Preview.objects.filter(due_at__isnull=False).select_related("output__entry")
    return waiting.none() if breakers.is_shut(breakers.STORAGE) else waiting


def make_previews() -> int:
    """Make a batch of previews. Returns how many were tried."""
    waiting = previews_to_make()
    if outputs_to_collect().filter(due_at__lte=now()).exists():  # taken ones too
        waiting = waiting.filter(due_at__lt=now() - GIVES_WAY)
    taken, extended = leases.claim(waiting, limit=BATCH), now()
    for place, preview in enumerate(taken):
        if (now() - extended).total_seconds() > settings.HEARTBEAT_SECONDS:
            leases.extend(taken[place:])  # on a busy machine one may take as long as a lease
            extended = now()
        leases.attempt(lambda preview=preview: make_preview(preview), failed=_failed(preview))
    return len(taken)


def _failed(preview: Preview) -> Callable[[BaseException], None]:
    def failed(reason: BaseException) -> None:
        log.warning("preview_failed", artifact=str(preview.pk), error=repr(reason))
        if breakers.is_storage_away(reason):
            leases.put_off(preview, seconds=leases.backoff(0), error=repr(reason), counts=False)
        elif isinstance(reason, media.NotMedia) or preview.failures + 1 >= MOST_FAILURES:
            leases.finish(preview)  # the original is shown instead
        else:
            leases.put_off(preview, seconds=leases.backoff(preview.failures), error=repr(reason))

    return failed


def make_preview(preview: Preview) -> None:
    """Make and store thumb, preview and, for a film, poster of one claimed row."""
    output = preview.output
    with breakers.storage_asked(), storage.open_read(output.storage_key) as file:
        made = scaler.renditions(file, output.content_type)
        small = store_small(output.pk, made=made)
    record_preview(preview, small=small)


@rows.atomically
def record_preview(preview: Preview, *, small: Small) -> None:
    """Record the small pictures, once."""
    done = leases.finish(preview, made_at=now(), **small.columns)
    if done:
        entry = preview.output.entry
        log.info("made", **naming.ids_of(entry), artifact=str(preview.pk))
        frames.tell_artifact(preview.output)
    elif not Preview.objects.filter(pk=preview.pk).exists():
        rows.after_commit(lambda: _discard(small.keys.values()))


def _discard(keys: Iterable[str]) -> None:
    """Delete small pictures whose original was purged meanwhile."""
    for key in keys:
        storage.delete(key)
