"""Keeps secrets unreadable at rest: only who knows SECRET_KEY, or a former one, opens them."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"genproj sealing 1"


class Unreadable(Exception):  # noqa: N818 - a state of the secret
    """The seal is not ours, or was made with a key that is known no more."""


def seal(text: str) -> str:
    """The text so that it can be kept; different each time. An empty text stays empty."""
    if not text:
        return ""
    keys = _keys(settings.SECRET_KEY, settings.SEALING_KEY_FALLBACKS)
    return keys.encrypt(text.encode()).decode()


def unseal(text: str) -> str:
    """What was sealed.

    Raises:
        Unreadable: neither SECRET_KEY nor one of SEALING_KEY_FALLBACKS opens it.
    """
    if not text:
        return ""
    try:
        keys = _keys(settings.SECRET_KEY, settings.SEALING_KEY_FALLBACKS)
        return keys.decrypt(text.encode()).decode()
    except InvalidToken:
        raise Unreadable("No key opens this; was SECRET_KEY changed?") from None


@lru_cache(4)
def _keys(first: str, former: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (first, *former)])


def _key(secret: str) -> Fernet:
    # The secret may be short and of any alphabet; the purpose keeps it apart from its other uses.
    derived = HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
