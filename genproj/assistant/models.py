"""Conversations, messages, and turns."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from genproj.kernel.leases import Leased


class Conversation(models.Model):
    """A talk between people and the assistant. `talk` names who answers in it."""

    id = models.UUIDField(primary_key=True, editable=False)
    talk = models.CharField(max_length=20)
    audience = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    title = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    trashed_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-updated_at", "-id"]
        indexes = [
            # for the list of one person's conversations
            models.Index(
                fields=["audience", "-updated_at", "-id"], name="conversation_by_audience"
            ),
            # for the list that staff see
            models.Index(fields=["-updated_at", "-id"], name="conversation_by_time"),
            # for the sweep that empties the trash
            models.Index(
                fields=["trashed_at"],
                condition=Q(trashed_at__isnull=False),
                name="conversation_trashed",
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)


class Message(models.Model):
    """Something that was said. `about` names a thing of an app, as in `video:ID`.

    Of a streamed answer each round is one message: `blocks` are the model's own, given back to it
    as they came, and `results` (tool call's id -> content, is_error) is what its calls brought.
    `context` is what somebody sent beside their words.
    """

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    class Type(models.TextChoices):
        TEXT = "text"
        CLARIFICATION = "clarification"
        CONFIRMATION = "confirmation"
        PROGRESS = "progress"
        GENERATION_RESULT = "generation_result"
        ERROR = "error"

    class State(models.TextChoices):
        COMPLETE = "complete"
        WORKING = "working"
        INTERRUPTED = "interrupted"
        STOPPED = "stopped"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    type = models.CharField(max_length=20, choices=Type.choices)
    content = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    about = models.CharField(max_length=80, blank=True, default="")
    state = models.CharField(max_length=12, choices=State.choices, default=State.COMPLETE)
    of_turn = models.ForeignKey(
        "Turn", null=True, blank=True, on_delete=models.SET_NULL, related_name="said"
    )
    blocks = models.JSONField(blank=True, default=list)
    results = models.JSONField(blank=True, default=dict)
    context = models.JSONField(blank=True, default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            # for a conversation's pages, and what is unread of it
            models.Index(fields=["conversation", "created_at", "id"], name="message_in_order"),
            # for the messages about one thing
            models.Index(fields=["about"], condition=~Q(about=""), name="message_about"),
        ]

    def __str__(self) -> str:
        return self.content[:60]


class Turn(Leased):
    """The assistant's turn after a message: leased while an answer is worked out.

    `waiting_at`: it waits for people's decisions, nobody works on it, and nobody waits behind it.
    """

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        STOPPED = "stopped"
        INTERRUPTED = "interrupted"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    asked = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="turn")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    waiting_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True, default="")
    rounds = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    request_id = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        ordering = ["created_at"]
        indexes = [
            # for the claim of `genproj.assistant.jobs.answer_turns` and the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="turn_due"),
            # for "the assistant is at work"
            models.Index(
                fields=["conversation"], condition=Q(done_at__isnull=True), name="turn_open"
            ),
        ]

    def __str__(self) -> str:
        return f"turn {self.id}"


class ReadMark(models.Model):
    """Up to where a person has read a conversation."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="marks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "user"], name="one_read_mark_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} read {self.conversation_id}"
