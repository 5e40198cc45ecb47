"""The only writers of conversations, messages and turns."""
