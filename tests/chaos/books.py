"""Readings beside the product: its database by SQL of our own, and everything that is stored."""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from tests.chaos.installation import Installation

ENTRIES = """SELECT id, provider, model, input, expected_count, hold, error, cancelled_at,
 completed_at, due_at FROM generations_registerentry"""
OUTPUTS = """SELECT o.id, o.entry_id, o."index", o.ref, o.stored_at, o.storage_key, o.size,
 o.sha256, o.cost, o.error, p.thumb_key, p.preview_key, p.poster_key, o.duration
 FROM generations_output o LEFT JOIN generations_preview p ON p.output_id = o.id"""
LINES = "SELECT id, kind, subject, closes_id, amount FROM usage_ledgerline"
PRICES = "SELECT id, price, price_unit FROM generations_providermodel"
#: what is left undone -> how it is counted
UNDONE = {
    "receipts that nobody has read": "webhooks_receipt WHERE applied_at IS NULL",
    "projections that have not run": "generations_projection WHERE done_at IS NULL "
    "AND failed_at IS NULL",
    "projections that failed": "generations_projection WHERE failed_at IS NOT NULL "
    "AND resolved_at IS NULL",
    "open entries": "generations_registerentry WHERE completed_at IS NULL",
    "outputs that nobody fetches": "generations_output WHERE stored_at IS NULL AND error IS NULL "
    'AND "index" IS NOT NULL',
    "small pictures that are not made": "generations_preview WHERE made_at IS NULL "
    "AND due_at IS NOT NULL",
    "open turns": "assistant_turn WHERE done_at IS NULL AND waiting_at IS NULL",
    "approved calls not carried out": "spaces_approval WHERE status = 'approved'",
    "open jobs": "videos_job WHERE finished_at IS NULL",
    "settled entries without a catalogue row": "generations_registerentry e WHERE "
    "completed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM generations_generation g "
    "WHERE g.id = e.id)",
    "stored outputs without a catalogue row": "generations_output o WHERE stored_at IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM generations_artifact a WHERE a.id = o.id)",
}
#: what grows while something is being done
MOVES = """SELECT (SELECT count(*) FROM generations_output),
 (SELECT count(*) FROM webhooks_receipt), (SELECT coalesce(sum(head), 0) FROM events_stream)"""
STREAMS = """SELECT s.name, s.head, count(e.seq), min(e.seq), max(e.seq) FROM events_stream s
 LEFT JOIN events_event e ON e.stream_id = s.name GROUP BY s.name, s.head"""
#: rows of which there is one for each of something -> how doubled ones are found
ONCE = {
    "artifacts of one place": "SELECT generation_id FROM generations_artifact "
    'GROUP BY generation_id, "index" HAVING count(*) > 1',
    "artifacts of the same bytes in one generation": "SELECT generation_id FROM "
    "generations_artifact GROUP BY generation_id, sha256 HAVING count(*) > 1",
    "results kept twice": "SELECT entry_id FROM generations_output GROUP BY entry_id, ref "
    "HAVING count(*) > 1",
    "ends of one film told twice": "SELECT m.about FROM assistant_message m "
    "WHERE m.type IN ('generation_result') AND m.about <> '' GROUP BY m.about "
    "HAVING count(*) > 1",
    "words said twice": "SELECT content FROM assistant_message WHERE role = 'user' "
    "GROUP BY content HAVING count(*) > 1",
    "holds closed twice": "SELECT closes_id FROM usage_ledgerline WHERE closes_id IS NOT NULL "
    "GROUP BY closes_id HAVING count(*) > 1",
    "approvals executed for one call twice": "SELECT turn, call_id FROM spaces_approval "
    "WHERE status = 'executed' AND call_id <> '' GROUP BY turn, call_id HAVING count(*) > 1",
}


@dataclass(frozen=True)
class Entry:
    """A row of the register."""

    id: str
    provider: str
    model: str
    prompt: str
    asked: dict[str, Any]
    expected: int
    hold: str
    error: dict[str, Any] | None
    cancelled: bool
    completed: bool
    due: bool


@dataclass(frozen=True)
class Output:
    """A row of a result."""

    id: str
    entry: str
    index: int | None
    ref: str
    stored: bool
    keys: tuple[str, ...]
    size: int
    sha256: str
    cost: Decimal | None
    error: dict[str, Any] | None
    duration: float | None


@dataclass(frozen=True)
class Line:
    """A line of the ledger."""

    id: str
    kind: str
    subject: str
    closes: str
    amount: Decimal


class Books:
    """What the database says, read in one go and without a lock."""

    def __init__(self, one: Installation) -> None:
        self.one = one
        with self._open() as ask:
            self.entries = {row.id: row for row in map(_entry, ask(ENTRIES))}
            self.outputs = [_output(row) for row in ask(OUTPUTS)]
            self.lines = [_line(row) for row in ask(LINES)]
            self.prices = {
                row[0]: (_money(row[1]), str(row[2])) for row in ask(PRICES) if row[1] is not None
            }
            self.undone = {
                what: int(ask(f"SELECT count(*) FROM {where}")[0][0])
                for what, where in UNDONE.items()
            }
            self.twice = {what: len(ask(query)) for what, query in ONCE.items()}
            self.streams = ask(STREAMS)
            self.moves = str(ask(MOVES))

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        if self.one.services is not None:
            with psycopg.connect(self.one.services.database) as there:
                there.read_only = True
                yield lambda query: there.execute(query).fetchall()
            return
        file = self.one.first.folder / "genproj.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as here:
            here.execute("BEGIN")
            yield lambda query: here.execute(query).fetchall()


def _id(value: Any) -> str:
    return "" if value is None else str(UUID(str(value)))


def _money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.000001"))


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _entry(row: Any) -> Entry:
    asked = _json(row[3])
    facts = (asked.get("prompt", ""), asked, row[4], row[5], _json(row[6]))
    return Entry(
        _id(row[0]), row[1], row[2], *facts, row[7] is not None, row[8] is not None, bool(row[9])
    )


def _output(row: Any) -> Output:
    keys = tuple(key for key in (row[5], *row[10:13]) if key)
    cost = None if row[8] is None else _money(row[8])
    facts = (row[6] or 0, row[7], cost, _json(row[9]), row[13])
    return Output(_id(row[0]), _id(row[1]), row[2], row[3], row[4] is not None, keys, *facts)


def _line(row: Any) -> Line:
    return Line(_id(row[0]), row[1], row[2], _id(row[3]), _money(row[4]))


# --- what is stored -------------------------------------------------------------------------------


def stored(one: Installation) -> dict[str, int]:
    """Key and size of everything that lies in the store, found without the product."""
    if one.services is not None:
        return {row["Key"]: row["Size"] for row in _listing(one)}
    root = one.first.folder / "media"
    return {
        path.relative_to(root).as_posix(): path.stat().st_size
        for path in root.rglob("*")
        if path.is_file() and not path.relative_to(root).as_posix().startswith(".tmp/")
    }


def hashed(one: Installation, key: str) -> str:
    """The SHA-256 of what lies there."""
    if one.services is not None:
        body = _client(one).get_object(Bucket="chaos", Key=key)["Body"]
        return hashlib.sha256(body.read()).hexdigest()
    return hashlib.sha256(Path(one.first.folder / "media" / key).read_bytes()).hexdigest()


def _client(one: Installation) -> Any:
    import boto3
    from botocore.config import Config

    assert one.services is not None
    assert one.services.s3 is not None
    server = one.services.s3
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )


def _listing(one: Installation) -> Iterator[dict[str, Any]]:
    pages = _client(one).get_paginator("list_objects_v2").paginate(Bucket="chaos")
    for page in pages:
        yield from page.get("Contents", ())
