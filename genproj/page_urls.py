"""Addresses of the pages: those that belong to no app, and the apps' own."""

from django.urls import include, path

from genproj import pages
from genproj.usage import pages as money

urlpatterns = [
    path("", pages.home, name="home"),
    path("badge/<int:count>.svg", pages.badge, name="badge"),
    path("notices/", pages.notices, name="notices"),
    path("notices/<uuid:id>/", pages.notice, name="notice"),
    path("queue/", pages.queue, name="queue"),
    path("queue/tray/", pages.tray, name="tray"),
    path("usage/", money.usage, name="usage"),
    path("usage/csv/", money.sheet, name="usage_csv"),
    path("settings/", pages.settings_page, name="settings"),
    path("settings/webhooks/", include("genproj.webhooks.page_urls")),
    path("", include("generations.page_urls")),
    path("", include("videos.page_urls")),
    path("", include("spaces.page_urls")),
]
