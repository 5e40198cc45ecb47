"""Takes up what answers brought and nobody recorded: the bytes lie in storage, the call is lost.

An answer that carries its result is kept before it is recorded. A worker that dies between the
two, or finds the database away, leaves the only copy of a paid picture behind.
"""

from functools import partial
from uuid import UUID

from generations.models import Output, RegisterEntry
from generations.operations import desk, inline, naming
from generations.operations.recording import IN_STORAGE, record_update
from generations.providers.base import ProviderUpdate, ResultOutput
from genproj.kernel import logs, rows, storage
from genproj.kernel.clock import now
from genproj.kernel.ids import is_uuid

log = logs.component("collecting")


def take_up(entry: RegisterEntry) -> bool:
    """Record what an earlier call about an entry has left in storage. False when there is nothing.

    Safe to repeat, and beside the call itself: a result has one id.

    Raises:
        storage.StorageFailure: nobody can say what lies there.
    """
    keys = [key for key, _ in storage.keys(f"{inline.FOLDER}/{entry.pk}/")]
    if keys:
        _record(entry.pk, keys)
    return bool(keys)


def take_up_all() -> None:
    """Sweep: what was left behind by calls about entries that are closed. Those that are open
    are looked at when their turn comes; what has been collected, or belongs to nothing, goes."""
    left: dict[UUID, list[str]] = {}
    try:
        for key, _ in storage.keys(f"{inline.FOLDER}/"):
            name = key.removeprefix(f"{inline.FOLDER}/").partition("/")[0]
            if is_uuid(name):
                left.setdefault(UUID(name), []).append(key)
    except storage.StorageFailure as problem:
        log.warning("storage_away", error=str(problem))
        return
    for entry_id, keys in left.items():
        entry = RegisterEntry.objects.filter(pk=entry_id, purged_at__isnull=True).first()
        if entry is None or entry.completed_at is not None:
            _record(entry_id, keys)


@rows.atomically
def _record(entry_id: UUID, keys: list[str]) -> None:
    """Record what lies there, unless it is known; delete what nobody waits for."""
    at = now()
    item = desk.open_entries([entry_id]).get(entry_id)
    known = {} if item is None else {output.ref: output for output in item.outputs}
    for key in keys:
        ref = inline.ref_in(key)
        output = known.get(ref)
        if item is None or (output is not None and not _is_awaited(output, key)):
            rows.after_commit(partial(storage.delete, key))
        elif output is None and ref:
            found = ResultOutput(ref=ref, url=None, seed=None, cost=None, raw={}, storage_key=key)
            update = ProviderUpdate(ref=ref, outputs=(found,), processing=False)
            record_update(item, update=update, at=at)
            known[ref] = item.outputs[-1]
            log.warning("taken_up", **naming.ids_of(item.entry))
    if item is not None:
        item.change(leased_until=None)
        desk.put_back([item], at=at)


def _is_awaited(output: Output, key: str) -> bool:
    """Whether it is still to be collected, and from there."""
    return not output.is_terminal and output.url == IN_STORAGE + key
