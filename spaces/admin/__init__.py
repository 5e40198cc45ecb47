"""Spaces, members, variants, approvals, plans and links in the admin."""

from spaces.admin import spaces, talk, things

__all__ = ["spaces", "talk", "things"]
