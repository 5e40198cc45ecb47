"""The door of the workers that deliver what is owed, and its look."""

from genproj.kernel import leases
from genproj.webhooks.operations import sending

deliver = sending.deliver


def deliver_due() -> bool:
    """Whether anything is to be delivered."""
    return leases.due(sending.deliveries_to_send()).exists()
