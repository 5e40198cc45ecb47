"""The frame: settings, doors, processes and the floor (`kernel`) that every app stands on.

It owns what no single app owns: accounts, the log of events, webhooks, the supervisor and the
sandbox. Below `projectors.py`, `schedules.py` and `audiences.py`, which name things by string,
nothing here may know what a generation, a space or a video is.
"""
