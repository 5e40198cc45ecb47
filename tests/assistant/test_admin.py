"""Staff look at conversations, turns and notices; nobody changes them there."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.assistant.models import Conversation, Turn
from genproj.notices.models import Notice
from genproj.notices.operations import notify
from tests.assistant.talking import Person

pytestmark = pytest.mark.django_db


def test_every_page_opens_for_staff_and_shows_the_words(
    client: Client, anne: Person, dana: User, work: Any
) -> None:
    address = anne.begin("Lighthouse")
    anne.say(address, "<i>hello</i>")
    work("answer_turns")
    anne.say(address, "again")
    notify(owner=anne.user, kind="video.completed", title="Ready", url="/")
    client.force_login(dana)
    for row in (Conversation.objects.get(), Turn.objects.first(), Notice.objects.get()):
        page = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"  # type: ignore[union-attr]
        assert client.get(page).status_code == 200
        assert client.get(f"{page}?q=light").status_code == 200
        shown = client.get(f"{page}{row.pk}/change/")  # type: ignore[union-attr]
        assert shown.status_code == 200
        assert client.get(f"{page}add/").status_code == 403
    shown = client.get(f"/admin/assistant/conversation/{Conversation.objects.get().pk}/change/")
    assert "You said: &lt;i&gt;hello&lt;/i&gt;" in shown.content.decode()
    assert "Working" in shown.content.decode()
