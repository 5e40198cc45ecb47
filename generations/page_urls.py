"""Addresses of the pages about generations."""

from django.urls import path

from generations import pages

urlpatterns = [
    path("create/", pages.create, name="create"),
    path("gallery/", pages.gallery, name="gallery"),
    path("gallery/download/", pages.download, name="download"),
    path("generations/<uuid:id>/", pages.generation, name="generation"),
    path("generations/<uuid:id>/act/", pages.act, name="generation_act"),
    path("artifacts/<uuid:id>/", pages.artifact, name="artifact"),
]
