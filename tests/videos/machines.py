"""Workers on other machines, played by the tests; what they sign is signed by another package."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from standardwebhooks.webhooks import Webhook

from genproj.accounts import operations as accounts
from genproj.kernel import storage

DOOR = "/webhooks/worker/"


def key_of(user: User, *scopes: str) -> str:
    """A key of a person's; of scope `worker` when no other is named."""
    made = accounts.issue_key(actor=user, name="machine", scopes=scopes or ("worker",))
    return made.secret


class Machine:
    """A machine that works for a person who is staff."""

    def __init__(self, owner: User, *, name: str = "shed", id: str = "", secret: str = "") -> None:
        self.client = Client(headers={"authorization": f"Bearer {key_of(owner)}"})
        self.id, self.secret, self.count = id, secret, 0
        if not id:
            made = self.post("workers/", {"name": name}, status=201)
            self.id, self.secret = made["id"], made["secret"]

    def post(self, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        """Call a door of the API; AssertionError when it does not answer with `status`."""
        answer = self.client.post(
            f"/api/v1/{path}",
            json.dumps({} if body is None else body),
            content_type="application/json",
            headers=headers,
        )
        assert answer.status_code == status, (answer.status_code, answer.content[:2000])
        return answer.json() if answer.content else None

    def act(self, act: str, body: Any = None, *, status: int = 200) -> Any:
        return self.post(f"workers/{self.id}/{act}/", body, status=status)

    def claim(self, status: int = 200) -> Any:
        return self.act("claim", status=status)

    def began(self) -> Any:
        """A job that was taken, and said to be begun."""
        order = self.claim()
        assert self.tell(order, "started").json() == {"applied": True}
        return order

    def put(self, order: Any, kind: str = "video", content: bytes = b"film") -> str:
        """Have something lie in storage as if it had been put up."""
        key = order["uploads"][kind]["storage_key"]
        digest = hashlib.sha256(content).hexdigest()
        storage.put(
            key, io.BytesIO(content), sha256=digest, size=len(content), content_type="video/mp4"
        )
        return str(key)

    def body(self, order: Any, kind: str, **data: Any) -> dict[str, Any]:
        """What a report of that kind says."""
        status = kind if kind in {"completed", "failed"} else "processing"
        return {
            "type": f"generation.{kind}",
            "timestamp": datetime.now(UTC).isoformat(),
            "data": {
                "job": order["job"],
                "video": order["video"],
                "attempt": order["attempt"],
                "status": status,
                **data,
            },
        }

    def tell(self, order: Any, kind: str, *, send: Any = None, **data: Any) -> Any:
        """Report, signed, under the next id."""
        return self.send(self.body(order, kind, **data), **(send or {}))

    def send(
        self,
        body: Any,
        *,
        id: str = "",
        late: float = 0,
        secret: str = "",
        worker: str = "",
        sent: bytes | None = None,
    ) -> Any:
        """Post a body; `late` is how many seconds ago it was signed, `sent` what goes instead."""
        self.count += 1
        id = id or f"{worker or self.id}.{self.count}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        at = datetime.now(UTC) - timedelta(seconds=late)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret or self.secret).sign(id, at, content.decode()),
        }
        return Client().post(
            DOOR,
            content if sent is None else sent,
            content_type="application/json",
            headers=headers,
        )
