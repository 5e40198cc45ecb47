"""Spaces, members, variants and approvals in the admin."""

from spaces.admin import spaces, things

__all__ = ["spaces", "things"]
