"""What was asked of a provider and what came of it.

Owns the register, its outputs, the catalogue and the models' registry. Promises that an accepted
request ends in one settled entry with everything that reached us, once. Must never know a space,
a conversation or a video.
"""
