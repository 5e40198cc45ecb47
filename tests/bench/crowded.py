"""Makes a space with many variants; prints its id. `python -m tests.bench.crowded 5000`.

All bench people are its editors, and the first one its owner.
"""

import sys
from uuid import UUID, uuid4

import django

EACH = 10


def make(count: int) -> UUID:
    """A space of `count` completed variants, ten of each asset, in lines of descent."""
    from django.contrib.auth.models import User

    from genproj.kernel.clock import now
    from genproj.kernel.ids import uuid7
    from spaces.models import Asset, Lineage, Member, Variant
    from spaces.operations import spaces

    people = list(User.objects.filter(username__startswith="bench").order_by("pk"))
    space = spaces.create(actor=people[0], name="Crowd")
    at = now()
    common = {"space": space, "created_by": people[0], "created_at": at, "updated_at": at}
    Member.objects.bulk_create(
        Member(space=space, user=person, role="editor", created_at=at) for person in people[1:]
    )
    assets = [
        Asset(id=uuid7(), name=f"Asset {number}", asset_type="character", tags=["bench"], **common)
        for number in range(count // EACH)
    ]
    Asset.objects.bulk_create(assets)
    variants = [
        Variant(
            id=uuid7(),
            asset=assets[number // EACH],
            status="completed",
            artifact=uuid4(),
            generation=uuid7(),
            recipe=recipe(number),
            position=float(number),
            **common,
        )
        for number in range(len(assets) * EACH)
    ]
    Variant.objects.bulk_create(variants, batch_size=500)
    Lineage.objects.bulk_create(
        [
            Lineage(
                id=uuid7(),
                space=space,
                parent_variant=parent.pk,
                child_variant=child.pk,
                parent_name=parent.asset.name,
                child_name=child.asset.name,
                relation="derived",
                created_at=at,
            )
            for parent, child in zip(variants, variants[1:], strict=False)
            if parent.asset_id == child.asset_id
        ],
        batch_size=500,
    )
    return space.pk


def recipe(number: int) -> dict[str, object]:
    """What a made picture keeps of its making."""
    return {
        "operation": "derive",
        "model": "gemini-2.5-flash-image",
        "prompt": f"The keeper of the lighthouse, number {number}, in a coat of oilskin at dusk",
        "aspect_ratio": "1:1",
        "parameters": {"seed": number, "temperature": 1.0},
        "references": [{"role": "reference", "variant": str(uuid4()), "artifact": str(uuid4())}],
        "style": {"enabled": False, "version": 1},
    }


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(f"\n{make(int(sys.argv[1]))}")
