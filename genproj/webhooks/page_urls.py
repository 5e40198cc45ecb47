"""Addresses of the settings' pages of endpoints."""

from django.urls import path

from genproj.webhooks import pages

urlpatterns = [
    path("", pages.endpoint_list, name="settings_endpoints"),
    path("<uuid:id>/", pages.endpoint_page, name="settings_endpoint"),
    path("<uuid:id>/<uuid:delivery>/", pages.delivery_page, name="settings_delivery"),
]
