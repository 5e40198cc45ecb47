"""How often somebody may knock: fixed windows in the cache, told in the RateLimit headers."""

import time
from dataclasses import dataclass
from typing import Any, NoReturn

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from genproj.kernel.errors import RateLimited

PERIODS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}


@dataclass(frozen=True)
class Allowance:
    """What is left of one limit."""

    name: str
    quota: int
    window: int
    used: int
    reset: int

    @property
    def left(self) -> int:
        return max(self.quota - self.used, 0)

    @property
    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.name}";r={self.left};t={self.reset}',
        }

    def require(self) -> None:
        """RateLimited when more than allowed was used."""
        if self.used > self.quota:
            self.refuse()

    def refuse(self) -> NoReturn:
        """RateLimited, until the window ends."""
        raise RateLimited(retry_after=self.reset)


def rate_of(name: str) -> tuple[int, int] | None:
    """Quota and seconds of a limit in DEFAULT_THROTTLE_RATES (`600/min`); None: no limit."""
    rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    text = rates.get(name)
    if not text:
        return None
    quota, _, period = text.partition("/")
    return int(quota), PERIODS[period]


def use(name: str, who: str, *, cost: int = 1) -> Allowance | None:
    """Count a use of the limit `name` by `who`; None where there is none, or nobody can count.

    `cost=0` only looks.
    """
    rate = rate_of(name)
    if rate is None:
        return None
    quota, window = rate
    moment = int(time.time())
    key = f"limit:{name}:{who}:{moment // window}"
    try:
        if cost and not cache.add(key, cost, window + 1):
            used = cache.incr(key, cost)
        else:
            used = cost or cache.get(key, 0)
    except (RedisError, OSError, ValueError):
        return None  # a lost counter must not close the door
    return Allowance(name, quota, window, used, window - moment % window)
