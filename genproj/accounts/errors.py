"""What accounts refuse."""

from genproj.kernel.errors import Forbidden, NotFound, Refusal


class KeyNotFound(NotFound):
    """There is no such key, or it is not yours."""


class ScopeMissing(Forbidden):
    """This key is not for that."""


class BadCredentials(Refusal):
    """Name and password do not fit together."""

    code, status, title = "unauthenticated", 401, "Not signed in"
