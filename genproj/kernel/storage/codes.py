"""What servers of S3 answer with when they refuse."""

from botocore.exceptions import ClientError

ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
# 409 is a concurrent write to the same key.
TAKEN = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
# What servers without create-only writes answer to If-None-Match.
NOT_KNOWN = frozenset({"501", "NotImplemented", "400", "InvalidArgument", "InvalidRequest"})


def code_of(error: Exception) -> str:
    """The server's own code, or what kept its answer away."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code") or "refused")
    return type(error).__name__
