"""TABLE: what a stream's reader is given first, and what stands behind one followed thing.

Named by string, because the log of events knows none of the apps above it.
"""

#: kind of stream -> callable(its key) -> the full state as JSON, without its `seq`
FULL_STATE = {
    "user": "generations.queries.full_state_of",
}

#: kind of thing -> (callable(viewer=, id=) -> view, callable(view, viewer) -> JSON)
THINGS = {
    "generation": ("generations.queries.generation_view", "generations.queries.generation_json"),
}
