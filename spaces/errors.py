"""What is refused in spaces."""

from genproj.kernel.errors import Conflict, Gone, Invalid, NotFound


class SpaceNotFound(NotFound):
    """There is no such space that you can see."""


class AssetNotFound(NotFound):
    """There is no such asset here."""


class VariantNotFound(NotFound):
    """There is no such variant here."""


class LineageNotFound(NotFound):
    """There is no such line of descent here."""


class MemberNotFound(NotFound):
    """There is no such member here."""


class InvitationNotFound(NotFound):
    """There is no such invitation, or it can no longer be used."""


class AccessRequestNotFound(NotFound):
    """There is no such request here."""


class ShareNotFound(NotFound):
    """There is no such link here."""


class ShareGone(Gone):
    """This link does not open anything any more."""


class SnippetNotFound(NotFound):
    """There is no such snippet here."""


class AlreadyMember(Conflict):
    """This person is in the space already; change their role instead."""

    code, title = "already_member", "Already a member"


class ApprovalNotFound(NotFound):
    """There is no such proposal here."""


class AlreadyDecided(Conflict):
    """Somebody else has decided on this already."""

    code, title = "already_decided", "Already decided"


class NothingToSee(Conflict):
    """This variant has no picture yet."""

    code, title = "not_completed", "No picture yet"


class RecipeIncomplete(Conflict):
    """What made this variant is not known here whole, so that it cannot be made again."""

    code, title = "recipe_incomplete", "Recipe incomplete"


class LastOwner(Conflict):
    """A space has at least one owner; name another first."""

    code, title = "last_owner", "The last owner"


def cycle() -> Invalid:
    """An asset cannot lie below itself."""
    return Invalid.one("/parent_asset_id", "cycle_detected", "An asset cannot lie below itself.")


def bad_request_id() -> Invalid:
    """What cannot be told from another request by its id."""
    detail = "A request_id has 1 to 200 printable characters without blanks."
    return Invalid.one("/request_id", "format", detail)
