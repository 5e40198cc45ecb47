"""The worker's door: carries out what is approved, and tells whether any waits."""

from genproj.kernel import leases
from spaces.operations import approvals

run_approved = approvals.run_approved


def run_approved_due() -> bool:
    """Whether an approved call waits to be carried out."""
    return leases.due(approvals.approved_to_run()).exists()
