"""The verbs of videos: the only writers of its tables."""
