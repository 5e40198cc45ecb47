"""Who knocks: bearer tokens, API keys and socket tickets.

It owns the secrets people are given, keeps only their hashes, and must never know what they are
used for.
"""
