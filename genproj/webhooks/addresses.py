"""Where deliveries may go: public https, and the hosts that DELIVERY_ALLOWED_HOSTS names."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow

from django.conf import settings

from genproj.kernel import http
from genproj.kernel.addresses import Guard, NotAllowed, Origin, check, is_public, literal

#: seconds that a registration waits for the name; each delivery judges its addresses anew
RESOLVE_SECONDS = 3.0

_resolving = ThreadPoolExecutor(2, thread_name_prefix="resolve")


def guard_for(url: str) -> Guard:
    """What may be reached for a delivery to this address."""
    try:
        origin = Origin.of(url)
    except ValueError:
        return Guard()
    named = {host.lower().strip("[]") for host in settings.DELIVERY_ALLOWED_HOSTS}
    return Guard(excepted=(origin,) if origin.host in named else ())


def require_reachable(url: str) -> None:
    """NotAllowed, with the reason, for an address that nothing would be delivered to.

    A name that has no address just now is let through.
    """
    guard = guard_for(url)
    origin = check(url, guard)
    if origin in guard.excepted or literal(origin.host):
        return
    try:
        found = _resolving.submit(http.resolve, origin.host, origin.port).result(RESOLVE_SECONDS)
    except (OSError, TooSlow, UnicodeError):
        return
    if not all(map(is_public, found)):
        raise NotAllowed("the name leads to an address that is not public")
