"""What staff see of deliveries: those that came and those that we owe."""

from genproj.webhooks.admin import outbox, receipts

__all__ = ["outbox", "receipts"]
