"""Protocols in, our words out: who the providers are and where each one's adapter stands.

Owns the translation of every provider's protocol. Knows no tables, no web requests and no
settings: keys and addresses come as arguments. Promises that whatever a provider sends becomes a
ProviderUpdate or one of the errors of `base`.
"""

from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name

from generations.providers.base import Connection, Inbound, ProviderClient


@dataclass(frozen=True)
class Provider:
    """One provider. `client` and `inbound` are dotted names, resolved when first needed.

    `hosts` are those its result files come from; `kinds` what it makes; the settings are named
    so that the operation can look them up; where there is a version, it ends the base url.
    """

    name: str
    client: str
    inbound: str | None
    base_url_setting: str
    key_setting: str
    hosts: tuple[str, ...]
    kinds: tuple[str, ...]
    version_setting: str = ""


#: who brings films that no provider here is asked for: a worker on another machine
WORKER = "worker"

PROVIDERS: dict[str, Provider] = {
    "runware": Provider(
        name="runware",
        client="generations.providers.runware.client:RunwareClient",
        inbound="generations.providers.runware.webhook:RunwareInbound",
        base_url_setting="RUNWARE_BASE_URL",
        key_setting="RUNWARE_API_KEY",
        hosts=("im.runware.ai", "vm.runware.ai"),
        kinds=("image", "video"),
    ),
    "veo": Provider(
        name="veo",
        client="generations.providers.veo.client:VeoClient",
        inbound=None,
        base_url_setting="GEMINI_BASE_URL",
        key_setting="GEMINI_API_KEY",
        # the first is asked; a download may be redirected to the others, without the key
        hosts=(
            "generativelanguage.googleapis.com",
            "storage.googleapis.com",
            ".googleusercontent.com",
        ),
        kinds=("video",),
        version_setting="GEMINI_API_VERSION",
    ),
    "gemini": Provider(
        name="gemini",
        client="generations.providers.gemini.client:GeminiClient",
        inbound=None,
        base_url_setting="GEMINI_BASE_URL",
        key_setting="GEMINI_API_KEY",
        hosts=(),  # the picture comes inside the answer
        kinds=("image",),
        version_setting="GEMINI_API_VERSION",
    ),
}


def client_of(name: str, connection: Connection) -> ProviderClient:
    """A client of the provider at this connection; KeyError for an unknown name."""
    client: ProviderClient = resolve_name(PROVIDERS[name].client)(connection)
    return client


@cache
def inline_providers() -> frozenset[str]:
    """Those whose call lasts until the result is there, because it comes in the answer."""
    clients = {name: resolve_name(row.client) for name, row in PROVIDERS.items()}
    return frozenset(name for name, made in clients.items() if made.kind_of_answer == "inline")


def inbound_of(name: str) -> Inbound | None:
    """The reader of the provider's deliveries; None when it sends none; KeyError if unknown."""
    dotted = PROVIDERS[name].inbound
    if dotted is None:
        return None
    inbound: Inbound = resolve_name(dotted)()
    return inbound
