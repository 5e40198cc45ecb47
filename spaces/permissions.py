"""TABLE: which role each act in a space needs. Every operation asks it, whichever the door."""

from enum import StrEnum

from genproj.kernel.errors import Forbidden


class Role(StrEnum):
    """What somebody may do in a space; each includes those before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


class Act(StrEnum):
    """What can be done in a space."""

    VIEW = "view"
    BE_PRESENT = "be_present"
    CHANGE_ASSETS = "change_assets"
    CHANGE_VARIANTS = "change_variants"
    GENERATE = "generate"
    UPLOAD = "upload"
    CHANGE_STYLE = "change_style"
    SEVER_LINEAGE = "sever_lineage"
    CHAT = "chat"
    DESCRIBE = "describe"
    DECIDE_APPROVALS = "decide_approvals"
    EXPORT = "export"
    SHARE = "share"
    DELETE_ASSETS = "delete_assets"
    DELETE_VARIANTS = "delete_variants"
    MANAGE_MEMBERS = "manage_members"
    SET_BUDGETS = "set_budgets"
    CHANGE_SPACE = "change_space"
    DELETE_SPACE = "delete_space"


NEEDS: dict[Act, Role] = {
    Act.VIEW: Role.VIEWER,
    Act.BE_PRESENT: Role.VIEWER,
    Act.CHANGE_ASSETS: Role.EDITOR,
    Act.CHANGE_VARIANTS: Role.EDITOR,
    Act.GENERATE: Role.EDITOR,
    Act.UPLOAD: Role.EDITOR,
    Act.CHANGE_STYLE: Role.EDITOR,
    Act.SEVER_LINEAGE: Role.EDITOR,
    Act.CHAT: Role.EDITOR,
    Act.DESCRIBE: Role.EDITOR,
    Act.DECIDE_APPROVALS: Role.EDITOR,
    Act.EXPORT: Role.EDITOR,
    Act.SHARE: Role.EDITOR,
    Act.DELETE_ASSETS: Role.OWNER,
    Act.DELETE_VARIANTS: Role.OWNER,
    Act.MANAGE_MEMBERS: Role.OWNER,
    Act.SET_BUDGETS: Role.OWNER,
    Act.CHANGE_SPACE: Role.OWNER,
    Act.DELETE_SPACE: Role.OWNER,
}

_ORDER = list(Role)


def allows(role: Role | str | None, act: Act) -> bool:
    """Whether somebody of this role (None: not a member) may do it."""
    return role is not None and _ORDER.index(Role(role)) >= _ORDER.index(NEEDS[act])


def require(role: Role | str | None, act: Act) -> None:
    """Forbidden unless the role allows the act."""
    if not allows(role, act):
        raise Forbidden
