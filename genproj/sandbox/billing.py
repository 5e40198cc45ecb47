"""The billing service: Polar's ingestion of events, each counted once by its external id."""

import json
from datetime import datetime
from typing import Any

from genproj.sandbox.faults import BILLED, Rule, Rules
from genproj.sandbox.tasks import Store
from genproj.sandbox.web import Exchange

PATH = "/v1/events/ingest"
TOKEN = "sandbox"
LONGEST_STRING = 500
MOST_FACTS = 50

Problem = dict[str, Any]


class Billing:
    def __init__(self, store: Store, rules: Rules) -> None:
        self._store, self._rules = store, rules

    async def serve(self, exchange: Exchange) -> None:
        """One batch: all of it is taken, or, where an event is wrong, none."""
        if exchange.method != "POST":
            await exchange.json(405, {"detail": "Method Not Allowed"})
            return
        if exchange.headers.get("authorization") != f"Bearer {TOKEN}":
            await _denied(exchange)
            return
        content = await exchange.body()
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        events = body.get("events") if isinstance(body, dict) else None
        if not isinstance(events, list):
            await _invalid(exchange, [_problem(["events"], "missing", "Field required")])
            return
        rule = self._rules.take(BILLED, "", content.decode(errors="replace"))
        if await self._broken(exchange, rule, events):
            return
        if wrong := [row for place, event in enumerate(events) for row in _wrong(place, event)]:
            await _invalid(exchange, wrong)
            return
        await self._take(exchange, events, rule["fault"] if rule else "")

    async def _broken(self, exchange: Exchange, rule: Rule | None, events: list[Any]) -> bool:
        """Refuse on order, before anything is taken."""
        fault = rule["fault"] if rule else ""
        if fault == "billing_500":
            await exchange.json(500, {"error": "InternalServerError", "detail": "on order"})
        elif fault == "billing_429":
            wait = str(int((rule or {}).get("seconds", 2)))
            content = json.dumps({"detail": "Too Many Requests"}).encode()
            await exchange.answer(429, content, "application/json", {"retry-after": wait})
        elif fault == "billing_denied":
            await _denied(exchange)
        elif fault == "billing_partial":
            place = min((rule or {}).get("result", len(events) - 1), len(events) - 1)
            where = ["events", place, "external_customer_id"]
            await _invalid(exchange, [_problem(where, "value_error", "Refused on order")])
        elif fault == "billing_refused":
            await exchange.json(422, {"detail": "An event of this batch was refused on order."})
        else:
            return False
        return True

    async def _take(self, exchange: Exchange, events: list[Any], fault: str) -> None:
        taken = events[:-1] if fault == "billing_short" and len(events) > 1 else events
        inserted = sum(self._store.bill(event.get("external_id"), event) for event in taken)
        if fault == "billing_lost":
            await exchange.hang_up()
            return
        counted = {"inserted": inserted, "duplicates": len(taken) - inserted}
        await exchange.json(200, counted)


async def _denied(exchange: Exchange) -> None:
    await exchange.json(
        401, {"error": "invalid_token", "error_description": "The access token is not valid."}
    )


async def _invalid(exchange: Exchange, problems: list[Problem]) -> None:
    await exchange.json(422, {"error": "RequestValidationError", "detail": problems})


def _problem(where: list[Any], kind: str, words: str) -> Problem:
    return {"loc": ["body", *where], "msg": words, "type": kind}


def _wrong(place: int, event: Any) -> list[Problem]:
    """What an event lacks."""
    at: list[Any] = ["events", place]
    if not isinstance(event, dict):
        return [_problem(at, "dict_type", "Input should be a valid dictionary")]
    found = []
    if not isinstance(event.get("name"), str) or not event["name"]:
        found.append(_problem([*at, "name"], "missing", "Field required"))
    if not (event.get("customer_id") or event.get("external_customer_id")):
        found.append(_problem([*at, "external_customer_id"], "missing", "Field required"))
    try:
        datetime.fromisoformat(event.get("timestamp") or "2026-01-01T00:00:00Z")
    except (TypeError, ValueError):
        words = "Input should be a valid datetime"
        found.append(_problem([*at, "timestamp"], "datetime_parsing", words))
    facts = event.get("metadata") or {}
    if not isinstance(facts, dict) or len(facts) > MOST_FACTS:
        found.append(_problem([*at, "metadata"], "dict_type", "At most 50 pairs"))
        return found
    for name, value in facts.items():
        fits = isinstance(value, str | int | float) or name in ("_cost", "_llm")
        if not fits or (isinstance(value, str) and len(value) > LONGEST_STRING):
            words = "Input should be a short string, a number or a boolean"
            found.append(_problem([*at, "metadata", name], "value_error", words))
    return found
