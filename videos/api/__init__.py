"""The JSON doors of videos, the queue and its workers."""
