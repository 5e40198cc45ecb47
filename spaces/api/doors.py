"""What every door below a space has in common: who may not do there what they ask for is told so
before anything else."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request

from genproj.kernel.api import Door
from genproj.kernel.api.doors import SAFE
from spaces.permissions import Act, require
from spaces.queries import role_in


class SpaceDoor(Door):
    """An address below a space. The role is asked for before an `Idempotency-Key` is, so that
    nobody is told again what is no longer theirs."""

    #: method -> the act that it is; None: open to everybody; what is not named looks
    needs: ClassVar[Mapping[str, Act | None]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Also whether the person may do it here."""
        super().initial(request, *args, **kwargs)
        method = "GET" if request.method in SAFE else str(request.method)
        act = self.needs.get(method, Act.VIEW)
        if act is not None:
            require(role_in(viewer=request.user, space_id=kwargs["id"]), act)
