"""The door of the workers that tell the billing service, and its look."""

from genproj.kernel import leases
from genproj.usage.operations import exporting

export = exporting.export


def export_due() -> bool:
    """Whether the billing service is to be told of anything."""
    return exporting.is_on() and leases.due(exporting.lines_to_tell()).exists()
