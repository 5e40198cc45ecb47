"""What others send us, kept before it is believed; and what we owe others.

It owns receipts, promises that an acknowledged delivery is on disk, and must never know what a
body means.
"""
