"""What the running installation knows of itself: heartbeats, switches, answers given once.

It must never know what the work is about.
"""
