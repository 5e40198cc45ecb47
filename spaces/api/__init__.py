"""The JSON doors of spaces."""
