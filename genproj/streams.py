"""TABLE: what a stream's reader is given first, and what stands behind one followed thing.

Named by string, because the log of events knows none of the apps above it.
"""

#: kind of stream -> callables(its key) -> parts of the full state as JSON, without its `seq`
FULL_STATE: dict[str, tuple[str, ...]] = {
    "user": (
        "generations.queries.full_state_of",
        "genproj.assistant.queries.full_state_of",
        "genproj.notices.queries.full_state_of",
        "videos.queries.full_state_of",
    ),
    "space": ("spaces.queries.full_state_of",),
}

#: kind of thing -> (callable(viewer=, id=) -> view, callable(view, viewer) -> JSON)
THINGS = {
    "generation": ("generations.queries.generation_view", "generations.queries.generation_json"),
}
