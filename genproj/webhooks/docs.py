"""What the schema says about the doors of endpoints."""

from typing import Any

from drf_spectacular.utils import extend_schema

from genproj.kernel.api import describing as say
from genproj.webhooks import bodies, queries
from genproj.webhooks.types import TYPES

TAGS = ["webhook endpoints"]
ENDPOINT = say.json_of(say.ref("WebhookEndpoint"), "The endpoint.")
ISSUED = say.json_of(say.ref("NewWebhookEndpoint"), "The endpoint and its new secret, shown once.")
DELIVERY = say.json_of(say.ref("WebhookDelivery"), "What was owed, without its attempts.")
LOST = say.problems(s404=say.LOST)
FIXED = say.problems(s404=say.LOST, s409="Nothing is sent there; enable it first.")
WRONG = say.problems(s404=say.LOST, s422=say.WRONG)


def _post(name: str, body: Any, status: int, answer: Any, **problems: str) -> say.Decorator:
    return extend_schema(
        operation_id=f"webhook_endpoints_{name}",
        tags=TAGS,
        parameters=[say.ONCE],
        request={"application/json": body},
        responses={status: answer, **say.problems(s422=say.WRONG, **problems)},
    )


LIST = extend_schema(
    operation_id="webhook_endpoints_list",
    tags=TAGS,
    parameters=[*say.PAGES, say.query("owner", "One's own, for staff, who see all.", enum=["me"])],
    responses={200: say.page_of("WebhookEndpoint"), **say.problems(s400=say.WRONG_QUERY)},
)
CREATE = _post("create", bodies.NEW, 201, ISSUED, s409="There are as many as one may have.")
READ = extend_schema(
    operation_id="webhook_endpoints_read",
    tags=TAGS,
    parameters=[say.IF_NONE_MATCH, say.ETAG],
    responses={200: ENDPOINT, 304: say.UNCHANGED, **LOST},
)
CHANGE = extend_schema(
    operation_id="webhook_endpoints_change",
    tags=TAGS,
    parameters=[say.IF_MATCH, say.ETAG],
    request={"application/json": bodies.CHANGES},
    responses={200: ENDPOINT, **WRONG, **say.problems(s412="It has changed.")},
)
DELETE = extend_schema(
    operation_id="webhook_endpoints_delete",
    tags=TAGS,
    parameters=[say.IF_MATCH],
    responses={204: say.EMPTY, **LOST, **say.problems(s412="It has changed.")},
)
ROTATE = _post("rotate", bodies.NOTHING, 200, ISSUED, s404=say.LOST)
TEST = _post("test", bodies.NOTHING, 202, DELIVERY, s404=say.LOST, s409="Enable it first.")
ENABLE = _post("enable", bodies.ENABLE, 200, ENDPOINT, s404=say.LOST)
REPLAY = _post(
    "replay",
    bodies.REPLAY,
    202,
    say.json_of(say.ref("WebhookReplay"), "How many are due again."),
    s404=say.LOST,
    s409="Enable it first.",
)
DELIVERIES = extend_schema(
    operation_id="webhook_deliveries_list",
    tags=TAGS,
    parameters=[
        *say.PAGES,
        say.query("state", "", enum=list(queries.STATES)),
        say.query("type", "", enum=list(TYPES)),
    ],
    responses={
        200: say.page_of("WebhookDelivery"),
        **say.problems(s400=say.WRONG_QUERY, s404=say.LOST),
    },
)
DELIVERY_READ = extend_schema(
    operation_id="webhook_deliveries_read",
    tags=TAGS,
    parameters=[say.IF_NONE_MATCH, say.ETAG],
    responses={
        200: say.json_of(say.ref("FullWebhookDelivery"), "What was sent, and each answer."),
        304: say.UNCHANGED,
        **LOST,
    },
)
DELIVERY_REPLAY = _post(
    "replay_delivery", bodies.NOTHING, 202, DELIVERY, s404=say.LOST, s409="Enable it first."
)
