"""Programs that knock with a key."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from genproj.accounts import operations

Program = Callable[..., Client]


@pytest.fixture
def program() -> Program:
    """A client that carries a person's token, or a key with only some scopes."""

    def of(user: User, *scopes: str) -> Client:
        if scopes:
            secret = operations.issue_key(actor=user, name="test", scopes=scopes).secret
        else:
            secret = operations.issue_token(user=user).secret
        return Client(headers={"authorization": f"Bearer {secret}"})

    return of
