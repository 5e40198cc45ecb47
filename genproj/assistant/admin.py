"""Conversations, what was said in them, and turns that wait or were given up."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from genproj.assistant.models import Conversation, Message, Turn
from genproj.kernel import staff

SHOWN = 200
CONVERSATION = "assistant_conversation_change"


@admin.register(Conversation)
class ConversationAdmin(staff.LookedAt):
    list_display = ("named", "owner", "talk", "state", "said", "updated")
    list_filter = ("talk", "updated_at", ("trashed_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("title", "owner__username", "=id")
    search_help_text = "Search by title, owner or id"
    ordering = ("-updated_at",)
    fields: Any = (
        *("id", "named", "owner", "audience", "talk", "state"),
        *(staff.when(name) for name in ("created_at", "updated_at", "trashed_at")),
        "words",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Conversation]":
        waiting = Count("turns", filter=Q(turns__done_at__isnull=True), distinct=True)
        count = Count("messages", distinct=True)
        return super().get_queryset(request).annotate(waiting=waiting, message_count=count)

    @admin.display(description="Title", ordering="title")
    def named(self, row: Conversation) -> str:
        return row.title or "Without a title"

    @admin.display(description="State")
    def state(self, row: Any) -> SafeString:
        if row.trashed_at:
            return staff.chip("In the trash", "", "trash")
        if row.waiting:
            return staff.chip("Working", "running", "running")
        return staff.chip("Answered", "done", "check")

    @admin.display(description="Messages", ordering="message_count")
    def said(self, row: Any) -> int:
        return int(row.message_count)

    @admin.display(description="Last message", ordering="updated_at")
    def updated(self, row: Conversation) -> SafeString | str:
        return staff.ago(row.updated_at)

    @admin.display(description="Messages")
    def words(self, row: Conversation) -> SafeString | str:
        newest = Message.objects.filter(conversation=row).order_by("-created_at", "-id")
        return staff.table(
            ["Said", "Who", "Type", "About", "Words"],
            [
                (
                    f"{message.created_at:%d %b %H:%M:%S}",
                    str(message.role),
                    str(message.type),
                    message.about,
                    message.content[:500],
                )
                for message in newest[:SHOWN]
            ],
            empty="Nothing was said.",
        )


@admin.register(Turn)
class TurnAdmin(staff.LookedAt):
    list_display = ("asked_words", "where", "state", "attempts", "failures", "begun")
    list_filter = (("done_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("asked", "conversation")
    search_fields = ("=conversation__id", "request_id")
    search_help_text = "Search by conversation or request id"
    ordering = ("-created_at",)
    fields: Any = (
        *("id", "where", "asked_words", "state", "request_id"),
        *(
            staff.when(name)
            for name in ("created_at", "due_at", "leased_until", "waiting_at", "done_at")
        ),
        *("rounds", "input_tokens", "output_tokens", "attempts", "failures", "last_error"),
    )
    readonly_fields = fields

    @admin.display(description="Message")
    def asked_words(self, row: Turn) -> str:
        return row.asked.content[:120]

    @admin.display(description="Conversation")
    def where(self, row: Turn) -> SafeString | str:
        return staff.link(str(row.conversation)[:60], CONVERSATION, row.conversation_id)

    @admin.display(description="State")
    def state(self, row: Turn) -> SafeString:
        if row.waiting_at:
            return staff.chip("Waits for a decision", "", "clock")
        if row.done_at is None:
            return staff.chip("Open", "running", "running")
        if row.last_error or row.outcome == Turn.Outcome.FAILED:
            return staff.chip("Given up", "failed", "failed")
        if row.outcome in (Turn.Outcome.STOPPED, Turn.Outcome.INTERRUPTED):
            return staff.chip(Turn.Outcome(row.outcome).label, "", "slash")
        return staff.chip("Answered", "done", "check")

    @admin.display(description="Asked", ordering="created_at")
    def begun(self, row: Turn) -> SafeString | str:
        return staff.ago(row.created_at)
