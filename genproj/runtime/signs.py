"""Signs that staff look at: who lives, which switches are on, what is left alone."""

from genproj.runtime.models import Breaker, Heartbeat, Switch

#: processes that are shown; recycled workers leave a row for an hour
MOST = 12


def heartbeats() -> list[Heartbeat]:
    """The processes that showed themselves last."""
    return list(Heartbeat.objects.order_by("-last_at")[:MOST])


def switches_on() -> list[Switch]:
    """The switches that are on."""
    return list(Switch.objects.filter(on=True))


def breakers_known() -> list[Breaker]:
    """The breakers that ever saw a failure, or that somebody set."""
    return list(Breaker.objects.all())
