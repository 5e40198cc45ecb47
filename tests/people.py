"""People at the API."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client


class Person:
    """Somebody at the API; a path such as `videos/` lies below `/api/v1/`."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client(raise_request_exception=True)
        self.client.force_login(user)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call a door; the answer as it is."""
        return self.client.generic(
            method,
            path if path.startswith(("/", "http")) else f"/api/v1/{path}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=headers,
        )

    def ask(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> Any:
        """Call a door; AssertionError when it does not answer with `status`."""
        answer = self.send(method, path, body, **headers)
        assert answer.status_code == status, (answer.status_code, answer.content[:2000])
        return answer.json() if answer.content else None

    def get(self, path: str, *, status: int = 200) -> Any:
        return self.ask("GET", path, status=status)

    def post(self, path: str, body: Any = None, *, status: int = 201, **headers: str) -> Any:
        return self.ask("POST", path, {} if body is None else body, status=status, **headers)

    def patch(self, path: str, body: Any, *, status: int = 200, **headers: str) -> Any:
        return self.ask("PATCH", path, body, status=status, **headers)

    def put(self, path: str, body: Any, *, status: int = 200, **headers: str) -> Any:
        return self.ask("PUT", path, body, status=status, **headers)

    def delete(self, path: str, *, status: int = 204, **headers: str) -> Any:
        return self.ask("DELETE", path, status=status, **headers)
