"""Prints the SELECTs of one real answer as JSON: `python -m tests.bench.selects PATH TOKEN`."""

import json
import sys

import django


def selects_of(path: str, token: str) -> list[str]:
    """The SQL that the application sends for a GET of `path`."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(HTTP_HOST="127.0.0.1", HTTP_AUTHORIZATION=f"Bearer {token}")
    client.get(path)  # what is read once per process is not part of an answer
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    return [row["sql"] for row in captured.captured_queries if row["sql"].startswith("SELECT")]


if __name__ == "__main__":
    django.setup()
    sys.stdout.write("\n" + json.dumps(selects_of(sys.argv[1], sys.argv[2])))
