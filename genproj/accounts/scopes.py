"""TABLE: what a key may be used for."""

from collections.abc import Collection

READ, WRITE, STAFF, WORKER = "read", "write", "staff", "worker"

SCOPES = {
    READ: "Read everything that the person may see.",
    WRITE: "Make, change and delete; spends money.",
    STAFF: "Act as staff; only staff may give it.",
    WORKER: "Register and run a worker; only staff may give it.",
}
#: what the token door gives
ALL = (READ, WRITE, STAFF)
STAFF_ONLY = frozenset({STAFF, WORKER})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def allows(scopes: Collection[str], method: str) -> bool:
    """Whether a key with these scopes may send a request of this method."""
    if method in SAFE_METHODS:
        return bool({READ, WRITE, STAFF} & set(scopes))
    return WRITE in scopes
