"""Addresses of the pages: those that belong to no app, and the apps' own."""

from django.urls import include, path

from genproj import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("badge/<int:count>.svg", pages.badge, name="badge"),
    path("settings/", pages.settings_page, name="settings"),
    path("", include("generations.page_urls")),
]
