"""The doors of the workers: each works one batch and says how many rows it was; each has a look
that tells whether anything is due."""

from generations.operations import (
    calling,
    collecting,
    previews,
    projection,
    purging,
    receipts,
)
from genproj.kernel import leases

apply_receipts = receipts.apply_receipts
project = projection.project
call_providers = calling.call_providers
paint = calling.paint
collect_outputs = collecting.collect_outputs
make_previews = previews.make_previews
purge = purging.purge


def apply_receipts_due() -> bool:
    """Whether a receipt waits to be applied."""
    return leases.due(receipts.receipts_to_apply()).exists()


def project_due() -> bool:
    """Whether a projection waits to be run."""
    return leases.due(projection.projections_to_run()).exists()


def call_providers_due() -> bool:
    """Whether a provider is to be called."""
    return leases.due(calling.entries_to_call()).exists()


def paint_due() -> bool:
    """Whether a provider is to be called that paints meanwhile."""
    return leases.due(calling.entries_to_paint()).exists()


def collect_outputs_due() -> bool:
    """Whether an announced output waits to be fetched."""
    return leases.due(collecting.outputs_to_collect()).exists()


def make_previews_due() -> bool:
    """Whether small pictures are to be made."""
    return leases.due(previews.previews_to_make()).exists()


def purge_due() -> bool:
    """Whether the trash holds something whose time is over."""
    return leases.due(purging.trash_to_purge()).exists()
