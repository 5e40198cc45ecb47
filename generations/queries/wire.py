"""The JSON of views: what the API answers and the streams carry."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from generations.queries.views import (
    ArtifactView,
    ErrorView,
    GenerationView,
    ModelView,
    OutputView,
    Step,
)
from genproj.kernel.clock import zulu

API = "/api/v1"


def money(amount: Decimal | None) -> str | None:
    """An amount as text, without trailing zeros."""
    return None if amount is None else format(amount.normalize() + 0, "f")


def error_json(error: ErrorView | None) -> dict[str, Any] | None:
    """What went wrong."""
    if error is None:
        return None
    return {
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "at": zulu(error.at),
        "detail": error.detail,
    }


def _output_json(output: OutputView) -> dict[str, Any]:
    return {
        "index": output.index,
        "type": output.type,
        "artifact": output.artifact,
        "url": output.url,
        "thumb_url": output.thumb_url,
        "preview_url": output.preview_url,
        "colour": output.colour,
        "content_type": output.content_type,
        "width": output.width,
        "height": output.height,
        "size": output.size,
        "sha256": output.sha256,
        "seed": output.seed,
        "cost": money(output.cost),
        "late": output.late,
        "error": error_json(output.error),
    }


def generation_json(view: GenerationView, viewer: User | None) -> dict[str, Any]:
    """One generation. `outputs` lists what has come, not the slots that wait."""
    self_url = f"{API}/generations/{view.id}/"
    return {
        "id": view.id,
        "kind": view.kind,
        "provider": view.provider,
        "model": view.model,
        "state": view.state,
        "phase": view.phase,
        "prompt": view.prompt,
        "input": view.input,
        "expected_count": view.expected_count,
        "artifact_count": view.artifact_count,
        "outputs": [_output_json(out) for out in view.outputs if out.type != "pending"],
        "error": error_json(view.error),
        "progress": {
            "done": view.progress.done,
            "expected": view.progress.expected,
            "percent": view.progress.percent,
        },
        "tags": list(view.tags),
        "cost": money(view.cost),
        "retry_of": view.retry_of,
        "created_at": zulu(view.created_at),
        "dispatched_at": zulu(view.dispatched_at),
        "deadline_at": zulu(view.deadline_at),
        "completed_at": zulu(view.completed_at),
        "trashed_at": zulu(view.trashed_at),
        "urls": {
            "self": self_url,
            "events": f"{self_url}events/",
            "timeline": f"{self_url}timeline/",
            "cancel": f"{self_url}cancel/",
            "retry": f"{self_url}retry/",
        },
    }


def artifact_json(view: ArtifactView) -> dict[str, Any]:
    """One picture or film."""
    return {
        "id": view.id,
        "generation": view.generation,
        "index": view.index,
        "kind": view.kind,
        "provider": view.provider,
        "model": view.model,
        "prompt": view.prompt,
        "url": view.url,
        "preview_url": view.preview_url,
        "thumb_url": view.thumb_url,
        "poster_url": view.poster_url,
        "colour": view.colour,
        "content_type": view.content_type,
        "width": view.width,
        "height": view.height,
        "size": view.size,
        "sha256": view.sha256,
        "seed": view.seed,
        "cost": money(view.cost),
        "duration": view.duration,
        "starred": view.starred,
        "tags": list(view.tags),
        "late": view.late,
        "created_at": zulu(view.created_at),
        "trashed_at": zulu(view.trashed_at),
        "urls": {
            "self": f"{API}/artifacts/{view.id}/",
            "generation": f"{API}/generations/{view.generation}/",
        },
    }


def model_json(view: ModelView) -> dict[str, Any]:
    """One model of the registry."""
    usual = view.usual_seconds
    return {
        "id": view.id,
        "provider": view.provider,
        "kind": view.kind,
        "name": view.name,
        "description": view.description,
        "parameters": view.parameters,
        "sizes": view.sizes,
        "max_count": view.max_count,
        "max_references": view.max_references,
        "price": money(view.price),
        "price_unit": view.price_unit,
        "sunset_at": zulu(view.sunset_at),
        "retired": view.retired,
        "replacement": view.replacement,
        "seconds": {"p50": usual[0], "p90": usual[1]} if usual else None,
        "registered": True,
    }


def step_json(step: Step) -> dict[str, Any]:
    """One row of a timeline."""
    return {
        "at": zulu(step.at),
        "step": step.step,
        "title": step.title,
        "seconds": step.seconds,
        "actor": step.actor,
        "failed": step.failed,
        "detail": step.detail,
    }
