"""The motifs that the sandbox can paint; `paint` chooses among them by the words of a prompt."""
