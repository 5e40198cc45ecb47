"""Callback tokens, and Standard Webhooks v1 (standardwebhooks.com/specification); pure."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

TOKEN_BYTES = 24
TOLERANCE = 300
_PURPOSE = b"callback:"


class BadSignature(Exception):  # noqa: N818 - a verdict on a message
    """The message is not from who it says, or not from now; `reason` is for logs only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def callback_token(secret: bytes, entry_id: str) -> str:
    """The token that a provider's callback for this entry carries: 192 bits, URL-safe."""
    digest = hmac.new(secret, _PURPOSE + entry_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:TOKEN_BYTES]).decode()


def callback_token_valid(secrets: Sequence[bytes], entry_id: str, token: str) -> bool:
    """Whether one of the secrets made the token for this entry; takes the same time either way."""
    given = token.encode("utf-8", "replace")
    valid = False
    for secret in secrets:
        valid |= hmac.compare_digest(callback_token(secret, entry_id).encode(), given)
    return valid


def sign(secret: str, msg_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a message; `timestamp` in seconds since 1970.

    `secret` is "whsec_" and base64, as the specification writes it; ValueError when it is not.
    """
    signed = f"{msg_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    tolerance: int = TOLERANCE,
) -> str:
    """The `webhook-id` of an authentic message; BadSignature for every other.

    `now` in seconds since 1970, `tolerance` in seconds to either side. Header names may have any
    case. Several secrets are tried, and several signatures may be given, so that both rotate.
    """
    given = {name.lower(): value for name, value in headers.items()}
    msg_id = given.get("webhook-id", "")
    stamp = given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "").split()
    if not secrets:
        raise BadSignature("no secret is configured")
    if not msg_id or not signatures:
        raise BadSignature("a header is missing")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadSignature("the timestamp is not a number")
    if abs(now - int(stamp)) > tolerance:
        raise BadSignature("the timestamp is too far from now")
    authentic = False
    for secret in secrets:
        expected = sign(secret, msg_id, int(stamp), body).encode()
        for signature in signatures:
            authentic |= hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
    if not authentic:
        raise BadSignature("no signature fits")
    return msg_id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a secret is written whsec_ and base64") from None
