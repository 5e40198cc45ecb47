"""What the outbox refuses."""

from genproj.kernel.errors import Conflict, InvalidTransition, NotFound


class EndpointNotFound(NotFound):
    """There is no such endpoint, or it is not yours."""


class DeliveryNotFound(NotFound):
    """There is no such delivery to this endpoint."""


class EndpointDisabled(InvalidTransition):
    """Nothing is sent to this endpoint; enable it first."""


class TooManyEndpoints(Conflict):
    """There are as many endpoints as one may have; delete one first."""
