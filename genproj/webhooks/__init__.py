"""What others send us, kept before it is believed; and what we owe others.

It owns receipts, endpoints and deliveries. It promises that an acknowledged delivery is on disk,
and that what an endpoint is owed is received or listed as dead. It must never know what a body
means.
"""
