"""Addresses of the pages that belong to no app."""

from django.urls import path

from genproj import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("settings/", pages.settings_page, name="settings"),
]
