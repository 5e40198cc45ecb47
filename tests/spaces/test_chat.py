"""The conversation of a space: who speaks, what the assistant sees, and how its answers come."""

import json
from typing import Any

import pytest

from genproj.assistant.models import Message, Turn
from genproj.events import log
from genproj.kernel.clock import now
from spaces.models import Approval
from spaces.operations import talking
from spaces.queries import full_state_of
from tests.spaces.world import asset_in, variant_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def here(space: Any, studio: Any) -> str:
    """Where the doors of the space are."""
    return f"spaces/{space.pk}/"


def said(person: Any, here: str) -> list[tuple[str, str]]:
    """Who said what, and how it ended."""
    return [(one["role"], one["state"]) for one in messages(person, here)]


def messages(person: Any, here: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"{here}chat/?page_size=200")["results"]
    return found


def test_members_read_and_editors_speak(here, owner, editor, viewer, stranger) -> None:
    body = {"content": "What do we have?", "mode": "advisor"}
    viewer.post(f"{here}chat/", body, status=403)
    stranger.post(f"{here}chat/", body, status=404)
    stranger.get(f"{here}chat/", status=404)
    first = editor.post(f"{here}chat/", body)
    assert (first["role"], first["author"], first["context"]) == (
        "user",
        "bob",
        {"mode": "advisor"},
    )
    for person in (owner, editor, viewer):
        assert [one["id"] for one in messages(person, here)] == [first["id"]]
    assert viewer.get(f"{here}chat/")["may_speak"] is False
    assert viewer.get("conversations/")["results"] == []


def test_what_is_asked_is_looked_up_and_answered_in_words(here, space, editor, work) -> None:
    asset_in(space, "Knight")
    editor.post(f"{here}chat/", {"content": "What do we have?"})
    work("answer_turns")
    found = messages(editor, here)
    assert [one["role"] for one in found] == ["user", "assistant", "assistant"]
    assert [call["tool"] for call in found[1]["calls"]] == ["search"]
    assert found[1]["calls"][0]["state"] == "done"
    assert "Knight" in found[2]["content"]
    assert {one["state"] for one in found} == {"complete"}
    assert Turn.objects.get().outcome == "answered"
    assert Turn.objects.get().rounds == 2


def test_an_advisor_proposes_nothing(here, space, editor, work) -> None:
    asset = asset_in(space, "Knight")
    variant_of(asset, active=True)
    body = {"content": "Rename the knight to Sir Fog", "mode": "advisor"}
    editor.post(f"{here}chat/", body)
    work("answer_turns")
    assert not Approval.objects.exists()
    assert Turn.objects.get().done_at


def test_the_assistant_sees_the_tray_and_nothing_of_other_spaces(here, space, owner, work) -> None:
    asset = asset_in(space, "Knight")
    body = {"content": "hello", "context": {"asset_ids": [str(asset.pk)], "prompt": "armour"}}
    assert owner.post(f"{here}chat/", body)["context"] == {"mode": "actor", **body["context"]}
    elsewhere = {"asset_ids": [str(space.pk)]}
    refused = owner.post(f"{here}chat/", {"content": "hello", "context": elsewhere}, status=422)
    assert refused["errors"][0]["pointer"] == "/context/asset_ids/0"
    owner.post(f"{here}chat/", {"content": "hello", "context": {"secret": 1}}, status=422)
    owner.post(f"{here}chat/", {"content": "  "}, status=422)


def test_a_failing_model_is_told_plainly_and_tried_again(here, editor, work, studio) -> None:
    studio.faults({"fault": "model_rejected", "times": 1})
    editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    [_, told] = messages(editor, here)
    assert (told["state"], told["type"]) == ("failed", "error")
    assert Turn.objects.get().outcome == "failed"
    editor.post(f"{here}chat/retry/", status=200)
    work("answer_turns")
    [_, told] = messages(editor, here)
    assert (told["state"], told["type"]) == ("complete", "text")
    assert told["content"]
    editor.post(f"{here}chat/retry/", status=409)


def test_a_cut_answer_keeps_its_words_and_can_be_gone_on_with(here, editor, work, studio) -> None:
    studio.faults({"fault": "model_cut", "times": 1})
    editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    [_, told] = messages(editor, here)
    assert told["state"] == "interrupted"
    part = told["content"]
    assert part
    editor.post(f"{here}chat/retry/", status=200)
    work("answer_turns")
    [_, told] = messages(editor, here)
    assert told["state"] == "complete"
    assert told["content"].startswith(part)
    assert told["content"].count(part) == 1


def test_a_busy_model_is_asked_again_by_itself(here, editor, work, studio) -> None:
    studio.faults({"fault": "model_overloaded", "times": 1})
    editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    assert said(editor, here)[1:] == [("assistant", "working")]
    Turn.objects.update(due_at=now())
    work("answer_turns")
    assert said(editor, here)[1:] == [("assistant", "complete")]


def test_who_loses_their_place_is_answered_nothing(here, space, editor, bob, work) -> None:
    editor.post(f"{here}chat/", {"content": "What do we have?"})
    space.members.filter(user=bob).update(role="viewer")
    work("answer_turns")
    turn = Turn.objects.get()
    assert turn.done_at
    assert turn.rounds == 0
    assert Message.objects.last().type == "error"


def test_the_days_calls_are_counted(here, editor, settings, work) -> None:
    settings.ASSISTANT_CALLS_PER_DAY = 1
    assert editor.get(f"{here}chat/")["calls_left"] == 1
    for _ in range(2):
        editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    found = messages(editor, here)
    assert [one["state"] for one in found if one["role"] == "assistant"] == ["complete", "failed"]
    assert editor.get(f"{here}chat/")["calls_left"] == 0


def test_frames_tell_of_the_question_and_of_the_answer(here, space, editor, work) -> None:
    head = log.head_of(f"space:{space.pk}")
    editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    frames = [one.wire() for one in log.since(f"space:{space.pk}", head) or []]
    chat = [frame for frame in frames if frame["type"] == "chat:message"]
    assert [one["message"]["state"] for one in chat] == ["complete", "working", "complete"]
    assert chat[-1]["message"] == messages(editor, here)[-1]
    versions = [one["message"]["version"] for one in chat[1:]]
    assert versions == sorted(set(versions))


def test_frames_and_states_tell_that_a_turn_waits_for_people(
    here, space, editor, owner, work
) -> None:
    asset_in(space, "Knight")
    head = log.head_of(f"space:{space.pk}")
    editor.post(f"{here}chat/", {"content": "Rename the knight to Sir Fog; tag the knight as hero"})
    work("answer_turns")

    def told() -> list[Any]:
        frames = [one.wire() for one in log.since(f"space:{space.pk}", head) or []]
        return [one["message"] for one in frames if one["type"] == "chat:message"]

    *before, waiting = told()
    assert waiting["waiting"] is True
    assert not any(one["waiting"] for one in before)
    assert messages(owner, here)[-1] == waiting == full_state_of(str(space.pk))["messages"][-1]
    first, second = owner.get(f"{here}approvals/")["results"]
    owner.post(f"{here}approvals/{first['id']}/reject/", status=200)
    assert told()[-1]["waiting"] is True
    owner.post(f"{here}approvals/{second['id']}/reject/", status=200)
    work("answer_turns")
    last = [one for one in told() if one["id"] == waiting["id"]][-1]
    assert last["waiting"] is False
    assert not any(one["waiting"] for one in messages(owner, here))


def test_a_talk_that_was_cleared_is_told_of_no_more(here, space, editor, owner, work) -> None:
    asset_in(space, "Knight")
    editor.post(f"{here}chat/", {"content": "Rename the knight to Sir Fog"})
    work("answer_turns")
    [proposed] = owner.get(f"{here}approvals/")["results"]
    owner.post(f"{here}approvals/{proposed['id']}/approve/", status=200)
    owner.post(f"{here}chat/clear/", status=200)
    head = log.head_of(f"space:{space.pk}")
    work("run_approved", "answer_turns")
    kinds = {one.kind for one in log.since(f"space:{space.pk}", head) or []}
    assert kinds == {"approval:updated", "asset:updated"}


def test_a_cleared_chat_begins_anew_for_all(here, space, editor, owner, work) -> None:
    editor.post(f"{here}chat/", {"content": "hello"})
    work("answer_turns")
    before = owner.get(f"{here}chat/")["conversation"]
    owner.post(f"{here}chat/clear/", status=200)
    after = editor.get(f"{here}chat/")
    assert after["results"] == []
    assert after["conversation"] not in (None, before)


def test_stopping_before_anybody_works_on_it(here, space, editor, bob, work) -> None:
    editor.post(f"{here}chat/", {"content": "hello"})
    assert editor.post(f"{here}chat/stop/", status=200) == {"message": None}
    work("answer_turns")
    assert said(editor, here) == [("user", "complete")]
    assert Turn.objects.get().outcome == "stopped"
    talking.retry(actor=bob, space_id=space.pk)
    work("answer_turns")
    assert said(editor, here)[1:] == [("assistant", "complete")]


def test_the_model_is_given_the_talk_ascending(here, editor, work, studio) -> None:
    for words in ("hello", "What do we have?", "thanks"):
        editor.post(f"{here}chat/", {"content": words})
        work("answer_turns")
    found = messages(editor, here)
    assert [one["created_at"] for one in found] == sorted(one["created_at"] for one in found)
    assert json.dumps(found).count("What do we have?") == 1
    assert all(one["created_at"] <= now().isoformat() for one in found)


def test_the_doors_of_conversations_change_nothing_that_is_shared(here, space, owner, editor):
    owner.post(f"{here}chat/", {"content": "hello"})
    space.refresh_from_db()
    talk = f"conversations/{space.conversation_id}/"
    for person in (owner, editor):
        refused = [
            person.patch(talk, {"title": "Mine"}, status=409),
            person.delete(talk, status=409),
            person.post(f"{talk}restore/", status=409),
            person.post(f"{talk}messages/", {"content": "psst"}, status=409),
        ]
        assert {one["code"] for one in refused} == {"shared_conversation"}
        wish = {"prompt": "waves", "conversation": str(space.conversation_id)}
        person.post("videos/", wish, status=409)
    assert len(messages(owner, here)) == 1
    assert editor.get(talk)["title"] == "Lighthouse"
