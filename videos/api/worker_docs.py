"""What the schema says about the doors of workers, and what their bodies may hold."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema

from genproj.kernel.api import describing as say
from genproj.kernel.api.describing import Decorator

TAGS = ["workers"]
NEW: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "\\S"},
    },
}
BEAT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "jobs": {
            "type": "array",
            "maxItems": 200,
            "items": {"type": "string", "format": "uuid"},
            "description": "Those it works on; the others are left to lapse. Left out: all.",
        }
    },
}
WHICH: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["job"],
    "properties": {"job": {"type": "string", "format": "uuid"}},
}
NOT_YOURS = "No such worker, or not one that this key's owner registered."

LIST: Decorator = extend_schema(
    operation_id="workers_list",
    tags=TAGS,
    description="For staff.",
    parameters=say.PAGES,
    responses={
        200: say.page_of("Worker"),
        **say.problems(s400=say.WRONG_QUERY, s403="Not staff."),
    },
)
REGISTER: Decorator = extend_schema(
    operation_id="workers_register",
    tags=TAGS,
    description="Needs a key of scope `worker`, as all doors of workers do. The secret signs the "
    "worker's reports to `/webhooks/worker/`.",
    parameters=[say.ONCE, say.LOCATION],
    request={"application/json": NEW},
    responses={
        201: say.json_of(say.ref("NewWorker"), "The worker, and its secret this once."),
        **say.problems(s400="Not JSON.", s403="Not a key of scope `worker`.", s422=say.WRONG),
    },
)
HEARTBEAT: Decorator = extend_schema(
    operation_id="workers_heartbeat",
    tags=TAGS,
    description="A sign of life: holds the worker's jobs for another lease, and says which are "
    "still its own. What is not among them was cancelled or given to others, and is dropped.",
    request={"application/json": BEAT},
    responses={
        200: say.json_of(say.ref("WorkerJobs"), "What it holds."),
        **say.problems(s403="Not a key of scope `worker`.", s404=NOT_YOURS, s422=say.WRONG),
    },
)
CLAIM: Decorator = extend_schema(
    operation_id="workers_claim",
    tags=TAGS,
    description="Take the next job. One that was taken and of which nothing has been reported is "
    "given again, as the same attempt, so that a lost answer loses nothing.",
    request=None,
    responses={
        200: say.json_of(say.ref("WorkerOrder"), "What is to be made."),
        204: OpenApiResponse(description="Nothing to do."),
        **say.problems(s403="Not a key of scope `worker`.", s404=NOT_YOURS),
    },
)
UPLOADS: Decorator = extend_schema(
    operation_id="workers_uploads",
    tags=TAGS,
    description="New addresses to put the files of a running attempt to.",
    request={"application/json": WHICH},
    responses={
        200: say.json_of(say.ref("WorkerUploads"), "The addresses."),
        **say.problems(
            s403="Not a key of scope `worker`.",
            s404="No such worker or job of its, or not any more.",
            s422=say.WRONG,
            s503="The bucket gives none.",
        ),
    },
)
RETIRE: Decorator = extend_schema(
    operation_id="workers_retire",
    tags=TAGS,
    description="End the worker. Its secret is forgotten; others take at once what it held.",
    request=None,
    responses={
        200: say.json_of(say.ref("Worker"), "The worker as it was."),
        **say.problems(s403="Not a key of scope `worker`.", s404=NOT_YOURS),
    },
)
