"""A small talk of the tests' own, and people who take part in it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from genproj.accounts import operations
from genproj.assistant import client
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import messages, rounds, turns
from genproj.assistant.transcript import transcript
from genproj.kernel import rows

CONVERSATIONS = "/api/v1/conversations/"


@rows.atomically
def echo(turn: Turn) -> None:
    """Answers with the words that were said."""
    if turns.settle(turn):
        messages.add(
            conversation_id=turn.conversation_id,
            type=Message.Type.TEXT,
            content=f"You said: {turn.asked.content}",
        )


def breaks(turn: Turn) -> None:
    """Answers nothing."""
    raise ValueError("this talk is broken")


def forgets(turn: Turn) -> None:
    """Comes to its end and leaves its turn open."""


class Person:
    """Somebody with a program of their own."""

    def __init__(self, user: User) -> None:
        secret = operations.issue_token(user=user).secret
        self.user = user
        self.client = Client(headers={"authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, body or {}, content_type="application/json", headers=named)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.patch(path, body, content_type="application/json", headers=named)

    def begin(self, title: str = "") -> str:
        """Open a conversation; its address."""
        answer = self.post(CONVERSATIONS, {"title": title} if title else {})
        assert answer.status_code == 201, answer.content
        return f"{CONVERSATIONS}{answer.json()['id']}/"

    def say(self, conversation: str, content: str) -> Any:
        """Say something; the message."""
        answer = self.post(f"{conversation}messages/", {"content": content})
        assert answer.status_code == 201, answer.content
        return answer.json()

    def heard(self, conversation: str) -> list[tuple[str, str]]:
        """Everything said, as (role, content)."""
        found = self.get(f"{conversation}messages/", page_size=200).json()["results"]
        return [(one["role"], one["content"]) for one in found]


def streams(turn: Turn) -> None:
    """Says what the model says, as it comes."""
    message = rounds.open_round(turn)
    if message is None:
        return
    connection = client.connection(
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL, settings.ANTHROPIC_MODEL
    )
    asked = transcript(turn, words=lambda said: said.content)
    pieces = client.stream(connection, system="", messages=asked, silence=2.0)
    try:
        reply = rounds.stream_into(turn, message=message, pieces=pieces)
    except client.ModelFailure:
        rounds.break_off(turn, message=message, words="The model is away.")
        return
    if reply is not None:
        _end(turn, message, reply)


@rows.atomically
def _end(turn: Turn, message: Message, reply: client.Reply) -> None:
    if rounds.close_round(turn, message=message, reply=reply):
        turns.settle(turn)
