"""The verbs of spaces: the only writers of its tables."""
