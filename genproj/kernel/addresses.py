"""Which addresses of the network may be asked for; pure."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBERISH = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]|\\")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class NotAllowed(ValueError):  # noqa: N818 - a verdict, not a fault
    """The address may not be asked for; the message says why."""


@dataclass(frozen=True)
class Origin:
    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """Scheme, lower-case host and port of an http(s) URL; ValueError for anything else."""
        if _UNPRINTABLE.search(url):
            raise ValueError("a character that no URL may hold")
        parts = urlsplit(url)
        if parts.scheme not in PORTS:
            raise ValueError("only http and https are spoken")
        if "@" in parts.netloc:
            raise ValueError("credentials in the URL")
        host = (parts.hostname or "").removesuffix(".")
        if not host:
            raise ValueError("no host")
        port = parts.port
        return cls(parts.scheme, host, PORTS[parts.scheme] if port is None else port)


@dataclass(frozen=True)
class Guard:
    """Which addresses may be reached.

    `hosts`: names, or ".suffix" for every name below it; empty means every public host.
    `excepted`: configured origins that may be plain http, private and on any port.
    """

    hosts: tuple[str, ...] = ()
    excepted: tuple[Origin, ...] = ()
    https_only: bool = True


def check(url: str, guard: Guard) -> Origin:
    """The origin of an address that the guard lets through; NotAllowed otherwise.

    Names are not resolved here: their addresses are judged when the connection is made.
    """
    try:
        origin = Origin.of(url)
    except ValueError as error:
        raise NotAllowed(str(error)) from None
    if origin in guard.excepted:
        return origin
    if guard.https_only and origin.scheme != "https":
        raise NotAllowed("plain http")
    if origin.port not in PORTS.values():
        raise NotAllowed("an unusual port")
    address = literal(origin.host)
    if address is not None and not is_public(address):
        raise NotAllowed("not a public address")
    if guard.hosts and not any(_matches(origin.host, allowed) for allowed in guard.hosts):
        raise NotAllowed("not one of the allowed hosts")
    return origin


def is_public(address: str) -> bool:
    """Whether an address, and the IPv4 address it may carry inside, is globally routable."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id or found.ipv4_mapped:
            return False
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        if found.sixtofour:
            return is_public(str(found.sixtofour))
        if found not in _GLOBAL_UNICAST:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


def _matches(host: str, allowed: str) -> bool:
    allowed = allowed.lower()
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def literal(host: str) -> str | None:
    """The address when the host is one; None for a name; NotAllowed for an odd spelling.

    Resolvers read `127.1`, `0x7f.1`, `2130706433` and `017700000001` as addresses, so whatever
    ends like a number has to be the plain dotted form.
    """
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise NotAllowed("not an address") from None
    if _NUMBERISH.fullmatch(host.rsplit(".", 1)[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise NotAllowed("an odd spelling of an address") from None
    if not _NAME.fullmatch(host):
        raise NotAllowed("not a host name")
    return None
