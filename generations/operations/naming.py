"""What each line of the log about an entry names."""

from generations.models import RegisterEntry
from genproj.kernel.ids import is_uuid


def ids_of(entry: RegisterEntry) -> dict[str, str]:
    """The entry, the request that caused it, and the ids that the app which opened it noted.

    So the lines of the engine are found by the id of a video although it knows no videos.
    """
    noted = {
        name: value
        for name, value in entry.annotations.items()
        if isinstance(value, str) and is_uuid(value)
    }
    return noted | {"generation": str(entry.pk), "request_id": entry.request_id}
