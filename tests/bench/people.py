"""Makes the people of a bench installation; prints their tokens. `python -m tests.bench.people 8`.

Their tokens are issued without the password door, whose deliberate slowness would take longer
than the figures. One more person has a password and comes through the door.
"""

import json
import sys

import django

NAME, PASSWORD = "bench", "bench-password-1"


def make(count: int) -> list[str]:
    """Tokens of `count` new people."""
    from django.contrib.auth.models import User

    from genproj.accounts.operations import issue_token

    User.objects.create_user(NAME, password=PASSWORD)
    tokens = []
    for number in range(count):
        user = User.objects.create_user(f"bench{number}")
        tokens.append(issue_token(user=user).secret)
    return tokens


if __name__ == "__main__":
    django.setup()
    sys.stdout.write("\n" + json.dumps(make(int(sys.argv[1]))))
