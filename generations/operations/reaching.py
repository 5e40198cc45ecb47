"""Where each provider is: its row in the table, with the key and address that settings give."""

from dataclasses import replace

from django.conf import settings

from generations import providers
from generations.models import Output
from generations.providers.base import Address, Connection, ProviderClient
from genproj.kernel.http import Guard, Origin


def connection_of(provider: str) -> Connection:
    """The provider's key, address and result hosts as this installation has them."""
    row = providers.PROVIDERS[provider]
    base_url = getattr(settings, row.base_url_setting)
    if row.version_setting:
        base_url = f"{base_url}/{getattr(settings, row.version_setting)}"
    return Connection(
        api_key=getattr(settings, row.key_setting),
        base_url=base_url,
        allowed_hosts=(*row.hosts, *settings.DOWNLOAD_ALLOWED_HOSTS),
    )


def client_of(provider: str) -> ProviderClient:
    """A client that speaks to the provider."""
    return providers.client_of(provider, connection_of(provider))


def download_guard(provider: str) -> Guard:
    """What the provider's results may be fetched from."""
    guard = connection_of(provider).downloads
    sandbox = Origin.of(settings.SANDBOX_URL)
    if guard.excepted and sandbox not in guard.excepted and is_sandbox(provider):
        return replace(guard, excepted=(*guard.excepted, sandbox))
    return guard


def address_of(output: Output) -> Address | None:
    """How the file of an announced output is fetched; None when there is no way.

    The provider's client says it, so that a key goes to its own host only, whatever address an
    answer names.
    """
    if output.entry.provider not in providers.PROVIDERS:
        return None
    return client_of(output.entry.provider).address_of(output.url)


def is_sandbox(provider: str) -> bool:
    """Whether the provider is played by the built-in sandbox."""
    row = providers.PROVIDERS[provider]
    return bool(getattr(settings, row.key_setting) == "sandbox")
