"""What is owed to others: signed, repeated by the schedule, dead in the end, replayed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from standardwebhooks import WebhookVerificationError

from genproj.kernel import bell, rows
from genproj.kernel.clock import now
from genproj.notices.models import Notice
from genproj.webhooks import jobs, outbox, queries
from genproj.webhooks.models import Attempt, Delivery, Endpoint
from genproj.webhooks.operations import attempts, endpoints, replaying, sending
from genproj.webhooks.operations.endpoints import Issued
from tests import world
from tests.webhooks.receiver import Receiver, receiving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TABLE = world.TABLES.setdefault("deliveries to others", [("case", "what became of it")])
Work = Callable[..., int]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.DELIVERY_ALLOWED_HOSTS = ("127.0.0.1",)
    with receiving() as found:
        yield found


@pytest.fixture
def issued(receiver: Receiver, alice: User) -> Issued:
    return endpoints.create(actor=alice, url=receiver.url)


def owe(owner: User, type: str = "video.completed", **data: Any) -> None:
    outbox.owe(type=type, audience=f"user:{owner.pk}", owner_id=owner.pk, data=data)


def pass_time(seconds: float) -> None:
    """Let everything have happened that much earlier."""
    back = timedelta(seconds=seconds)
    Delivery.objects.update(
        due_at=F("due_at") - back,
        leased_until=F("leased_until") - back,
        created_at=F("created_at") - back,
    )
    Endpoint.objects.update(
        failing_since=F("failing_since") - back, previous_until=F("previous_until") - back
    )


def closing(act: Callable[[], Any]) -> Callable[[], None]:
    """An act of another thread, which gives its connection back."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    return run


def state() -> str:
    return queries.state_of(Delivery.objects.get())


def test_an_event_arrives_once_signed_and_as_it_is_kept(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice, video="v-1", status="completed")
    assert work("deliver") == 1
    [heard] = receiver.heard
    told = heard.verified(issued.secret)
    assert told["type"] == "video.completed"
    assert told["data"] == {"video": "v-1", "status": "completed"}
    row = Delivery.objects.get()
    assert (heard.body, heard.id) == (bytes(row.body), row.event_id)
    assert heard.id.startswith("evt_")
    assert heard.headers["content-type"] == "application/json"
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.status, attempt.response_body) == (1, 200, "thanks")
    assert issued.secret not in json.dumps(attempt.request_headers)
    assert (state(), work("deliver"), len(receiver.heard)) == ("delivered", 0, 1)
    TABLE.append(("up", "delivered once, verified by the standardwebhooks library"))


def test_another_secret_does_not_verify_it(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice)
    work("deliver")
    with pytest.raises(WebhookVerificationError):
        receiver.heard[0].verified(endpoints.new_secret())


def test_only_who_listens_is_told(receiver: Receiver, alice: User, bob: User, work: Work) -> None:
    one, other = (world.opened(alice).pk for _ in range(2))
    for facts in ({"types": ["video.failed"]}, {"conversation": one}, {}):
        endpoints.create(actor=alice, url=receiver.url, **facts)
    endpoints.create(actor=bob, url=receiver.url)
    mine: dict[str, Any] = {"audience": f"user:{alice.pk}", "owner_id": alice.pk, "data": {}}
    outbox.owe(type="video.completed", conversation=other, **mine)
    assert Delivery.objects.count() == 1
    outbox.owe(type="video.failed", conversation=one, **mine)
    assert Delivery.objects.count() == 4
    assert Delivery.objects.filter(endpoint__owner=bob).count() == 0
    assert len(set(Delivery.objects.values_list("event_id", flat=True))) == 2


def test_nobody_listens_and_nothing_is_asked_of_the_database(
    alice: User, django_assert_num_queries: Any
) -> None:
    owe(alice)
    with rows.atomic(), django_assert_num_queries(0):
        owe(alice)
    assert Delivery.objects.count() == 0


def test_what_is_rolled_back_is_never_owed(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    def break_off() -> None:
        with rows.atomic():
            owe(alice)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert work("deliver") == 0
    assert receiver.heard == []


def test_an_unknown_event_is_a_mistake(alice: User) -> None:
    with pytest.raises(LookupError):
        owe(alice, "video.sang")


def test_a_payload_stays_below_twenty_kilobytes(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice, id="v-1", prompt="x" * 30_000, many={str(n): "y" * 100 for n in range(300)})
    work("deliver")
    assert receiver.heard[0].verified(issued.secret)["data"] == {"id": "v-1", "truncated": True}
    owe(alice, **{f"name{n}": "z" * 200 for n in range(300)})
    work("deliver")
    assert len(receiver.heard[1].body) < 20_000


def test_down_for_a_day_and_every_event_arrives(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    receiver.status = 503
    for hour in range(24):
        owe(alice, hour=hour)
        work("deliver")
        pass_time(3600)
        work("deliver")
    assert receiver.heard
    assert Delivery.objects.filter(delivered_at__isnull=False).count() == 0
    receiver.status = 200
    receiver.heard.clear()
    for _ in range(24):
        pass_time(3600)
        work("deliver")
    hours = {heard.verified(issued.secret)["data"]["hour"] for heard in receiver.heard}
    assert hours == set(range(24))
    assert len(set(receiver.ids())) == len(receiver.heard) == 24
    assert Endpoint.objects.get().failing_since is None
    TABLE.append(("down for 24 hours", "all 24 events delivered, each once, within a day"))


def test_down_for_ever_and_it_is_listed_as_dead_and_replay_brings_it(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    receiver.status = 500
    began = now()
    owe(alice, video="v-1")
    waits = []
    for _ in range(20):
        work("deliver")
        row = Delivery.objects.get()
        if row.due_at is None:
            break
        waits.append((row.due_at - now()).total_seconds())
        pass_time(waits[-1])
    assert len(receiver.heard) == 10
    assert len(set(receiver.ids())) == 1
    assert state() == "dead"
    for wait, planned in zip(waits, attempts.SCHEDULE, strict=True):
        assert planned * 0.89 <= wait <= planned * 1.11
    assert 75 < sum(attempts.SCHEDULE) / 3600 < 76
    receiver.status = 200
    since = began - timedelta(days=5)
    assert replaying.replay_since(Endpoint.objects.get(), since=since) == 1
    work("deliver")
    assert state() == "delivered"
    assert len(set(receiver.ids())) == 1
    assert Attempt.objects.count() == 11
    TABLE.append(("down for ever", "10 attempts in 75.6 h, dead and listed; replay delivers it"))


def test_killed_between_sending_and_recording_it_is_sent_again_as_the_same(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice)
    [taken] = sending.claim(limit=1, failing=False)
    assert sending.send(taken).status == 200
    assert work("deliver") == 0, "somebody holds it"
    pass_time(60)
    work("deliver")
    assert len(receiver.heard) == 2
    assert len(set(receiver.ids())) == 1
    assert state() == "delivered"
    assert [one.number for one in Attempt.objects.all()] == [2]
    TABLE.append(("killed between send and record", "sent again under the same webhook-id"))


def test_a_sender_that_lost_its_lease_changes_nothing(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice)
    [late] = sending.claim(limit=1, failing=False)
    pass_time(60)
    work("deliver")
    attempts.record(late, outcome=attempts.Outcome(status=500))
    assert state() == "delivered"
    assert Attempt.objects.count() == 2


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
def test_only_2xx_is_success(
    receiver: Receiver, issued: Issued, alice: User, work: Work, status: int
) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url + "/elsewhere"}
    owe(alice)
    work("deliver")
    assert len(receiver.heard) == 1, "a redirect is not followed"
    row = Delivery.objects.get()
    assert (state(), row.failures) == ("pending", 1)
    assert str(status) in row.last_error
    assert Endpoint.objects.get().failing_since is not None
    if status == 302:
        TABLE.append(("redirect", "a failed attempt, not followed"))


def test_gone_disables_and_tells_the_owner(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    receiver.status = 410
    owe(alice, n=1)
    work("deliver")
    endpoint = Endpoint.objects.get()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert Notice.objects.get(owner=alice).kind == "webhook_disabled"
    owe(alice, n=2)
    assert (work("deliver"), len(receiver.heard)) == (0, 1)
    assert {queries.state_of(row) for row in Delivery.objects.all()} == {"held"}
    receiver.status = 200
    endpoints.enable(actor=alice, endpoint_id=endpoint.pk, replay_since=now() - timedelta(hours=1))
    work("deliver")
    assert {heard.verified(issued.secret)["data"]["n"] for heard in receiver.heard} == {1, 2}
    TABLE.append(("410 Gone", "disabled, owner told; enabling replays what was held"))


def test_enabled_without_replay_what_was_held_is_listed_as_dead(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    endpoints.change(actor=alice, endpoint_id=issued.row.pk, changes={"enabled": False})
    owe(alice)
    assert state() == "held"
    assert Notice.objects.count() == 0, "it was the owner's own doing"
    endpoints.enable(actor=alice, endpoint_id=issued.row.pk)
    assert (state(), work("deliver")) == ("dead", 0)
    replaying.replay_delivery(Endpoint.objects.get(), delivery_id=Delivery.objects.get().pk)
    work("deliver")
    assert state() == "delivered"


def test_five_days_of_failures_only_disable(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    receiver.status = 500
    for day in range(6):
        assert Endpoint.objects.get().enabled, day
        owe(alice)
        work("deliver")
        pass_time(86_401)
    work("deliver")
    endpoint = Endpoint.objects.get()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
    assert Notice.objects.count() == 1
    TABLE.append(("only failures for 5 days", "disabled, owner told"))


def test_one_success_ends_the_failing(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    receiver.status = 500
    owe(alice)
    work("deliver")
    pass_time(4 * 86_400)
    receiver.status = 200
    work("deliver")
    receiver.status = 500
    pass_time(2 * 86_400)
    owe(alice)
    work("deliver")
    assert Endpoint.objects.get().enabled


@pytest.mark.parametrize(
    ("status", "value", "least", "most"),
    [(429, "120", 119, 121), (503, "7", 29, 31), (429, "", 29, 31), (503, "999999", 3599, 3601)],
)
def test_a_busy_receiver_is_left_alone(
    receiver: Receiver,
    issued: Issued,
    alice: User,
    work: Work,
    status: int,
    value: str,
    least: int,
    most: int,
) -> None:
    receiver.status, receiver.headers = status, {"Retry-After": value} if value else {}
    owe(alice)
    owe(alice)
    work("deliver")
    assert len(receiver.heard) == 1, "the other event waits too"
    for row in Delivery.objects.all():
        assert row.due_at is not None
        assert least <= (row.due_at - now()).total_seconds() <= most
    if value == "120":
        TABLE.append(("429 with Retry-After", "honoured, for the whole endpoint, an hour at most"))


def test_both_secrets_sign_for_a_day_after_rotation(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    new = endpoints.rotate(actor=alice, endpoint_id=issued.row.pk)
    owe(alice)
    work("deliver")
    assert len(receiver.heard[0].headers["webhook-signature"].split()) == 2
    receiver.heard[0].verified(issued.secret)
    receiver.heard[0].verified(new.secret)
    pass_time(86_401)
    owe(alice)
    work("deliver")
    receiver.heard[1].verified(new.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.heard[1].verified(issued.secret)
    kept = Endpoint.objects.get()
    assert not {issued.secret, new.secret} & {kept.secret, kept.previous_secret}
    TABLE.append(("rotated", "both signatures for 24 hours, then the new one only"))


def test_a_secret_that_no_key_opens_is_a_failed_attempt(
    receiver: Receiver, issued: Issued, alice: User, work: Work, settings: Any
) -> None:
    settings.SECRET_KEY = "changed without telling"
    owe(alice)
    work("deliver")
    assert receiver.heard == []
    assert "rotate it" in Delivery.objects.get().last_error


def test_of_a_huge_answer_four_kilobytes_are_kept(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    receiver.body = b"\x00\xff" + b"a" * 30_000_000
    owe(alice)
    began = time.monotonic()
    work("deliver")
    assert time.monotonic() - began < 60
    assert (state(), len(Attempt.objects.get().response_body)) == ("delivered", 4096)
    TABLE.append(("huge answer", "delivered; the first 4 kB are kept"))


def test_an_answer_that_never_ends_is_no_failure(
    receiver: Receiver, issued: Issued, alice: User, work: Work, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sending, "LIMITS", sending.http.Limits(read=1, total=1, max_bytes=2**60))

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        time.sleep(2)

    receiver.act = drip
    owe(alice)
    work("deliver")
    assert state() == "delivered"


def test_slow_receivers_take_one_place_each_and_stop_nobody(
    receiver: Receiver, issued: Issued, alice: User, bob: User, wakes: bell.Listener
) -> None:
    with receiving() as stuck:
        free, at_once, most = threading.Event(), 0, 0

        def hang(handler: Any) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            free.wait(120)
            at_once -= 1
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        stuck.act = hang
        endpoints.create(actor=bob, url=stuck.url)
        for _ in range(5):
            owe(bob)
        for _ in range(20):
            owe(alice)
        lane = threading.Thread(target=closing(jobs.deliver))
        lane.start()
        world.until(lambda: len(receiver.heard) == 20, seconds=60)
        assert len(stuck.heard) == 1
        free.set()
        lane.join(60)
        assert (most, len(stuck.heard)) == (1, 5)
    TABLE.append(("one stuck receiver", "takes one place; the others get everything meanwhile"))


def test_claimers_at_once_never_get_the_same_endpoint(
    receiver: Receiver, alice: User, settings: Any
) -> None:
    settings.LEASE_SECONDS = 600
    for _ in range(3):
        endpoints.create(actor=alice, url=receiver.url)
    for _ in range(5):
        owe(alice)
    taken: list[Delivery] = []
    gate = threading.Barrier(4)

    def claim() -> None:
        gate.wait(60)
        for _ in range(3):
            taken.extend(sending.claim(limit=4, failing=False))

    claimers = [threading.Thread(target=closing(claim)) for _ in range(4)]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join(60)
    assert len(taken) == len({row.endpoint_id for row in taken}) == 3


def test_nobody_there_is_a_failed_attempt_like_others(
    receiver: Receiver, alice: User, work: Work
) -> None:
    from tests.conftest import free_port

    endpoints.create(actor=alice, url=f"http://127.0.0.1:{free_port()}/")
    owe(alice)
    work("deliver")
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.error) == (0, "unreachable: no connection")
    assert Delivery.objects.get().failures == 1


def test_nothing_is_sent_for_somebody_who_may_not_sign_in(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice)
    alice.is_active = False
    alice.save()
    assert (jobs.deliver_due(), work("deliver")) == (False, 0)
    assert receiver.heard == []


def test_staff_try_now_and_give_up(
    receiver: Receiver, issued: Issued, alice: User, dana: User, work: Work
) -> None:
    receiver.status = 500
    owe(alice)
    work("deliver")
    row = Delivery.objects.get()
    assert replaying.try_now(actor=dana, delivery_ids=[row.pk]) == 1
    work("deliver")
    assert len(receiver.heard) == 2
    assert replaying.give_up(actor=dana, delivery_ids=[row.pk]) == 1
    assert state() == "dead"
    with pytest.raises(replaying.Forbidden):
        replaying.give_up(actor=alice, delivery_ids=[row.pk])


def test_old_deliveries_are_forgotten_unless_they_wait(
    receiver: Receiver, issued: Issued, alice: User, work: Work
) -> None:
    owe(alice)
    work("deliver")
    owe(alice)
    pass_time(31 * 86_400)
    replaying.forget_old_deliveries()
    assert [queries.state_of(row) for row in Delivery.objects.all()] == ["pending"]
