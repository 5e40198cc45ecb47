"""Secrets at rest: unreadable, and opened by the present key or a former one."""

from typing import Any

import pytest

from genproj.kernel.sealing import Unreadable, seal, unseal

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_what_was_sealed_is_opened_again_and_reads_differently_each_time() -> None:
    first, second = seal(SECRET), seal(SECRET)
    assert first != second
    assert SECRET not in first
    assert unseal(first) == unseal(second) == SECRET
    assert unseal(seal("ключ 🗝")) == "ключ 🗝"


def test_nothing_stays_nothing() -> None:
    assert seal("") == unseal("") == ""


def test_a_former_key_opens_until_it_is_forgotten(settings: Any) -> None:
    sealed = seal(SECRET)
    settings.SEALING_KEY_FALLBACKS = (settings.SECRET_KEY,)
    settings.SECRET_KEY = "another key altogether"
    assert unseal(sealed) == SECRET
    again = seal(SECRET)
    settings.SEALING_KEY_FALLBACKS = ()
    assert unseal(again) == SECRET
    with pytest.raises(Unreadable):
        unseal(sealed)


@pytest.mark.parametrize("text", ["x", "whsec_abc", "ü", "gAAAAA=="])
def test_what_was_never_sealed_is_not_opened(text: str) -> None:
    with pytest.raises(Unreadable):
        unseal(text)


def test_a_changed_seal_is_not_opened() -> None:
    sealed = seal(SECRET)
    with pytest.raises(Unreadable):
        unseal(sealed[:-3] + ("A" if sealed[-3] != "A" else "B") + sealed[-2:])
