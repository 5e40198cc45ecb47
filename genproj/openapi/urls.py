"""Addresses of the contract."""

from django.urls import path

from genproj.openapi import views

urlpatterns = [
    path("api/v1/schema/", views.SchemaRead.as_view(), name="api_schema"),
    path("api/v1/docs/", views.docs, name="api_docs"),
]
