"""People who work on pictures together: spaces, assets in a tree, variants, lineage and talk.

It owns what belongs to a space. Pictures are made, stored and kept by the engine. Promises that
every change is seen by everybody in the space in the same order, that lineage outlives what it
points at, and that nobody does what their role does not allow, through any door.
"""
