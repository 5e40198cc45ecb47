"""What doors read: frozen views of generations, artifacts and models, never rows."""

from generations.queries.artifacts import (
    artifact_page,
    artifact_version,
    artifact_view,
    artifacts_visible,
    media_file,
)
from generations.queries.entries import (
    frame_of_new,
    frames_of,
    full_state_of,
    generation_page,
    generation_view,
    new_generation_view,
    open_generations,
)
from generations.queries.facets import Figure, facets
from generations.queries.files import TakenFile, files_to_take
from generations.queries.films import (
    Estimate,
    FilmFacts,
    FilmModel,
    estimate_of,
    film_model,
    film_models,
    films_of,
    films_under,
)
from generations.queries.models import model_list, model_view, registered, usual_seconds
from generations.queries.timeline import timeline
from generations.queries.versions import generation_version
from generations.queries.views import (
    ArtifactFilters,
    ArtifactView,
    ErrorView,
    GenerationFilters,
    GenerationView,
    MediaFile,
    ModelView,
    OutputView,
    Page,
    Progress,
    Step,
)
from generations.queries.wire import (
    artifact_json,
    error_json,
    generation_json,
    model_json,
    money,
    step_json,
)

__all__ = [
    "ArtifactFilters",
    "ArtifactView",
    "ErrorView",
    "Estimate",
    "Figure",
    "FilmFacts",
    "FilmModel",
    "GenerationFilters",
    "GenerationView",
    "MediaFile",
    "ModelView",
    "OutputView",
    "Page",
    "Progress",
    "Step",
    "TakenFile",
    "artifact_json",
    "artifact_page",
    "artifact_version",
    "artifact_view",
    "artifacts_visible",
    "error_json",
    "estimate_of",
    "facets",
    "files_to_take",
    "film_model",
    "film_models",
    "films_of",
    "films_under",
    "frame_of_new",
    "frames_of",
    "full_state_of",
    "generation_json",
    "generation_page",
    "generation_version",
    "generation_view",
    "media_file",
    "model_json",
    "model_list",
    "model_view",
    "money",
    "new_generation_view",
    "open_generations",
    "registered",
    "step_json",
    "timeline",
    "usual_seconds",
]
