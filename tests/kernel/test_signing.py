from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from genproj.kernel import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = 1_790_000_000


def headers(signature, *, msg_id="w1.7", timestamp=NOW):
    return {
        "webhook-id": msg_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


@given(st.binary(max_size=200), st.text(alphabet="abc.0", min_size=1, max_size=10))
def test_the_reference_package_makes_the_same_signature(body, msg_id):
    body = body.hex().encode()
    at = datetime.fromtimestamp(NOW, UTC)
    assert signing.sign(SECRET, msg_id, NOW, body) == Webhook(SECRET).sign(
        msg_id, at, body.decode()
    )


def test_the_reference_package_accepts_what_is_signed():
    now = int(datetime.now(UTC).timestamp())
    body = b'{"type":"ping"}'
    signature = signing.sign(SECRET, "m1", now, body)
    assert Webhook(SECRET).verify(body, headers(signature, msg_id="m1", timestamp=now)) == {
        "type": "ping"
    }


def test_an_authentic_message_gives_its_id_whatever_the_case_of_its_headers():
    given_headers = headers(signing.sign(SECRET, "w1.7", NOW, b"{}"))
    shouted = {name.upper(): value for name, value in given_headers.items()}
    assert signing.verify([OTHER, SECRET], shouted, b"{}", now=NOW) == "w1.7"


def test_one_fitting_signature_among_several_is_enough():
    several = f"v1a,xx {signing.sign(OTHER, 'w1.7', NOW, b'{}')} v1,é"
    assert signing.verify([OTHER], headers(several), b"{}", now=NOW) == "w1.7"


GOOD = signing.sign(SECRET, "w1.7", NOW, b"{}")


@pytest.mark.parametrize(
    ("secrets", "sent", "body", "now"),
    [
        ([SECRET], headers(GOOD), b"{} ", NOW),
        ([SECRET], headers(GOOD, msg_id="w1.8"), b"{}", NOW),
        ([SECRET], headers(GOOD, timestamp=NOW + 1), b"{}", NOW),
        ([SECRET], headers(GOOD), b"{}", NOW + 301),
        ([SECRET], headers(GOOD), b"{}", NOW - 301),
        ([SECRET], headers(GOOD, timestamp="soon"), b"{}", NOW),
        ([SECRET], headers(GOOD, timestamp="-5"), b"{}", NOW),
        ([SECRET], headers(GOOD, timestamp="9" * 40), b"{}", NOW),
        ([SECRET], headers(""), b"{}", NOW),
        ([SECRET], {}, b"{}", NOW),
        ([OTHER], headers(GOOD), b"{}", NOW),
        ([], headers(GOOD), b"{}", NOW),
    ],
)
def test_everything_else_is_refused(secrets, sent, body, now):
    with pytest.raises(signing.BadSignature):
        signing.verify(secrets, sent, body, now=now)


def test_a_message_at_the_edge_of_the_tolerance_is_accepted():
    assert signing.verify([SECRET], headers(GOOD), b"{}", now=NOW + 300)


def test_a_secret_that_is_not_base64_is_named():
    with pytest.raises(ValueError, match="whsec_"):
        signing.sign("whsec_!!", "m", NOW, b"")


def test_a_callback_token_fits_its_entry_and_no_other():
    token = signing.callback_token(b"new", "019a")
    assert signing.callback_token_valid([b"new"], "019a", token)
    assert not signing.callback_token_valid([b"new"], "019b", token)
    assert not signing.callback_token_valid([b"old"], "019a", token)
    assert not signing.callback_token_valid([], "019a", token)


def test_tokens_of_the_former_secret_stay_good_while_it_is_listed():
    token = signing.callback_token(b"old", "019a")
    assert signing.callback_token_valid([b"new", b"old"], "019a", token)


@given(st.text())
def test_no_made_up_token_is_accepted(token):
    assert not signing.callback_token_valid([b"s"], "019a", token)


def test_a_token_can_stand_in_a_query_and_holds_more_than_128_bits():
    token = signing.callback_token(b"s", "019a")
    assert token.replace("-", "").replace("_", "").isalnum()
    assert len(token) * 6 >= 128
