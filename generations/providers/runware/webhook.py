"""Runware's callbacks: authenticated by our token in the address, since they carry no signature."""

import re
from collections.abc import Mapping, Sequence

from generations.providers.base import ProviderUpdate, Unparsable, digest_id, issue, read_json
from generations.providers.runware import wire
from genproj.kernel.signing import callback_token_valid

ENTRY = "generation_id"
TOKEN = "token"
#: as our own addresses write it; anything else could never be applied
ENTRY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RunwareInbound:
    def authenticate(
        self,
        secrets: Sequence[bytes],
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> str | None:
        """The entry that the address was made for, when its token says so; no look-up."""
        entry_id = query.get(ENTRY, "")
        authentic = callback_token_valid(secrets, entry_id, query.get(TOKEN, ""))
        return entry_id if authentic and ENTRY_ID.fullmatch(entry_id) else None

    def delivery_id(self, entry_id: str, body: bytes) -> str:
        return digest_id(entry_id, body)

    def translate(self, body: bytes, *, task: str) -> ProviderUpdate:
        """Both shapes in which integrators receive callbacks: wrapped in `data` and flat.

        Unparsable for everything else, and for a delivery that speaks of another task: the token
        belongs to one task only.
        """
        message = read_json(body)
        update = wire.translate(message, task=task)
        if update.ref is None and not update.errors:
            raise Unparsable(*update.issues or [issue("", "nothing about the task")])
        return update
