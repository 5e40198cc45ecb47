"""The pages of spaces: the list, one space, one asset, comparing, adding a picture."""

from spaces.pages.acting import act
from spaces.pages.adding import add
from spaces.pages.chatting import chat_act
from spaces.pages.comparing import compare
from spaces.pages.deciding import decide, decide_all, revoke, waiting
from spaces.pages.details import asset
from spaces.pages.importing import bring_in
from spaces.pages.lists import spaces
from spaces.pages.planning import plan
from spaces.pages.rooms import space

__all__ = [
    "act",
    "add",
    "asset",
    "bring_in",
    "chat_act",
    "compare",
    "decide",
    "decide_all",
    "plan",
    "revoke",
    "space",
    "spaces",
    "waiting",
]
