"""Addresses of sign-in for programs."""

from django.urls import path

from genproj.accounts import api

urlpatterns = [
    path("api/v1/auth/token/", api.TokenIssue.as_view(), name="api_token"),
    path("api/v1/api-keys/", api.KeyList.as_view(), name="api_keys"),
    path("api/v1/api-keys/<int:id>/", api.KeyDetail.as_view(), name="api_key"),
    path("api/v1/ws-tickets/", api.TicketIssue.as_view(), name="api_tickets"),
]
