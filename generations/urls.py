"""Addresses of generations for programs, and of the bytes."""

from django.urls import include, path

from generations.api import artifacts, generations, models
from generations.api.media import media

API = "api/v1"

urlpatterns = [
    path(f"{API}/generations/", generations.GenerationList.as_view(), name="api_generations"),
    path(
        f"{API}/generations/<uuid:id>/",
        generations.GenerationDetail.as_view(),
        name="api_generation",
    ),
    path(f"{API}/generations/<uuid:id>/cancel/", generations.GenerationCancel.as_view()),
    path(f"{API}/generations/<uuid:id>/retry/", generations.GenerationRetry.as_view()),
    path(f"{API}/generations/<uuid:id>/replay/", generations.GenerationReplay.as_view()),
    path(f"{API}/generations/<uuid:id>/restore/", generations.GenerationRestore.as_view()),
    path(f"{API}/generations/<uuid:id>/timeline/", generations.GenerationTimeline.as_view()),
    path(f"{API}/artifacts/", artifacts.ArtifactList.as_view(), name="api_artifacts"),
    path(f"{API}/artifacts/<uuid:id>/", artifacts.ArtifactDetail.as_view(), name="api_artifact"),
    path(f"{API}/artifacts/<uuid:id>/restore/", artifacts.ArtifactRestore.as_view()),
    path(f"{API}/models/", models.ModelList.as_view(), name="api_models"),
    path("", include("genproj.openapi.urls")),
    path("media/<uuid:id>/<str:variant>", media, name="media"),
]
