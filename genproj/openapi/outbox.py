"""The named shapes of webhook endpoints and of what is delivered to them."""

from genproj.openapi.shapes import (
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    URL,
    UUID,
    Schema,
    maybe,
    ref,
    several,
    shape,
    words,
)
from genproj.webhooks.models import Endpoint
from genproj.webhooks.queries import STATES
from genproj.webhooks.types import TYPES

HEADERS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
TYPE = words(*TYPES)

DELIVERY: dict[str, Schema] = {
    "id": UUID,
    "endpoint": UUID,
    "event": TEXT | {"description": "The `webhook-id`, the same in every attempt and replay."},
    "type": TYPE,
    "state": words(*STATES),
    "attempt_count": NUMBER,
    "next_attempt_at": maybe(MOMENT),
    "last_error": maybe(TEXT),
    "created_at": MOMENT,
    "delivered_at": maybe(MOMENT),
    "dead_at": maybe(MOMENT),
    "urls": shape("", self=URL),
}

SHAPES: dict[str, Schema] = {
    "WebhookEndpoint": shape(
        "Where somebody is told what happens, signed by Standard Webhooks 1.0.",
        id=UUID,
        owner=TEXT,
        url=URL,
        description=TEXT,
        types=several(TYPE) | {"description": "Empty: everything."},
        conversation=maybe(UUID),
        enabled=FLAG,
        disabled_reason={"enum": [*Endpoint.Reason.values, None]},
        disabled_at=maybe(MOMENT),
        failing_since=maybe(MOMENT),
        previous_secret_until=maybe(MOMENT),
        created_at=MOMENT,
        urls=shape("", self=URL, deliveries=URL),
    ),
    "NewWebhookEndpoint": {
        "allOf": [
            ref("WebhookEndpoint"),
            shape("Shown this once; null when an answer is repeated.", secret=maybe(TEXT)),
        ]
    },
    "WebhookDelivery": shape("One event owed to one endpoint; kept 30 days.", **DELIVERY),
    "FullWebhookDelivery": shape(
        "With what was sent and answered; the newest attempt first.",
        **DELIVERY,
        body=TEXT | {"description": "Exactly what is sent."},
        attempts=several(
            shape(
                "One sending. `status` null: no answer.",
                number=NUMBER,
                at=MOMENT,
                status=maybe(NUMBER),
                latency_ms=NUMBER,
                error=maybe(TEXT),
                request_headers=HEADERS,
                response_headers=HEADERS,
                response_body=TEXT | {"description": "Its first 4 kB."},
            )
        ),
    ),
    "WebhookReplay": shape("What is sent again.", replayed=NUMBER),
}
