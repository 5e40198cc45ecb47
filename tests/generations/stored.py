"""Makes results come in, and settle, without a provider."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User

from generations.models import Artifact, Generation, Output, RegisterEntry
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from tests import world


def come(entry: RegisterEntry, index: int = 0, **facts: object) -> Output:
    """One output that is stored."""
    at = now()
    known = {
        "announced_at": at,
        "stored_at": at,
        "storage_key": f"generations/{entry.pk}/{index}.png",
        "content_type": "image/png",
        "size": 1000,
        "sha256": "a" * 64,
        "width": 64,
        "height": 48,
        "seed": 7,
        "cost": Decimal("0.0013"),
    }
    return Output.objects.create(
        id=uuid7(), entry=entry, index=index, ref=f"ref-{index}", **(known | facts)
    )


def settle(entry: RegisterEntry, *, at: datetime | None = None, **facts: object) -> None:
    """Complete an entry as it stands; what is missing stays missing."""
    RegisterEntry.objects.filter(pk=entry.pk).update(completed_at=at or now(), due_at=None, **facts)
    entry.refresh_from_db()


def catalogue(entry: RegisterEntry) -> None:
    """Write a settled entry's rows of the catalogue."""
    outputs = list(entry.outputs.filter(stored_at__isnull=False))
    common = {
        "kind": entry.kind,
        "provider": entry.provider,
        "model": entry.model,
        "audience": entry.audience,
        "owner": entry.owner,
        "prompt": entry.input["prompt"],
    }
    generation = Generation.objects.create(
        id=entry.pk,
        input=entry.input,
        expected_count=entry.expected_count,
        artifact_count=len(outputs),
        cancelled_at=entry.cancelled_at,
        created_at=entry.created_at,
        completed_at=entry.completed_at,
        **common,
    )
    for output in outputs:
        Artifact.objects.create(
            id=output.pk,
            generation=generation,
            index=output.index,
            storage_key=output.storage_key,
            content_type=output.content_type,
            width=output.width,
            height=output.height,
            size=output.size,
            sha256=output.sha256,
            created_at=output.stored_at,
            **common,
        )
    RegisterEntry.objects.filter(pk=entry.pk).update(catalogued_at=now())


def history(owner: User, number: int, *, each: int = 1, waiting: int = 0) -> list[RegisterEntry]:
    """Settled generations, oldest first, a minute apart; the last `waiting` not catalogued."""
    begun = now() - timedelta(days=1)
    entries = []
    for place in range(number):
        entry = world.opened(owner, count=max(each, 1), prompt=f"picture {place}")
        at = begun + timedelta(minutes=place)
        RegisterEntry.objects.filter(pk=entry.pk).update(created_at=at)
        for index in range(each):
            come(entry, index, stored_at=at + timedelta(seconds=index + 1))
        settle(entry, at=at + timedelta(seconds=9))
        if place < number - waiting:
            catalogue(entry)
        entries.append(entry)
    return entries
