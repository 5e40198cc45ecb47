"""Records where variants came from. A line is never changed but for the mark that severs it."""

from uuid import UUID

from django.contrib.auth.models import User

from genproj.kernel import rows
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.errors import LineageNotFound
from spaces.models import Lineage, Variant
from spaces.operations.entering import entered
from spaces.operations.telling import tell_lineage
from spaces.permissions import Act
from spaces.states import Relation


def record(child: Variant, *, parent: Variant, relation: Relation) -> Lineage:
    """Record that `child` came from `parent`, in the transaction that made it, and tell it."""
    line = open_line(child, parent=parent, relation=relation)
    tell_lineage(line, kind="lineage:created")
    return line


def open_line(child: Variant, *, parent: Variant, relation: Relation) -> Lineage:
    """The row of a new line, for whoever tells of it in their own way."""
    return Lineage.objects.create(
        id=uuid7(),
        space_id=child.space_id,
        parent_variant=parent.pk,
        child_variant=child.pk,
        parent_name=parent.asset.name,
        child_name=child.asset.name,
        relation=relation,
        created_at=now(),
    )


@rows.atomically
def sever(*, actor: User, space_id: UUID, lineage_id: UUID) -> Lineage:
    """Mark a line as one that no longer counts; it is kept. Repeated it changes nothing.

    Raises:
        LineageNotFound: there is none here.
    """
    entered(actor=actor, space_id=space_id, act=Act.SEVER_LINEAGE)
    line = Lineage.objects.filter(pk=lineage_id, space=space_id).first()
    if line is None:
        raise LineageNotFound
    if line.severed_at is None:
        line.severed_at, line.severed_by = now(), actor
        line.save(update_fields=["severed_at", "severed_by"])
        tell_lineage(line, kind="lineage:severed")
    return line
