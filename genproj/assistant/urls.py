"""Addresses of conversations for programs."""

from django.urls import path

from genproj.assistant import api

API = "api/v1/conversations"

urlpatterns = [
    path(f"{API}/", api.ConversationList.as_view(), name="api_conversations"),
    path(f"{API}/<uuid:id>/", api.ConversationDetail.as_view(), name="api_conversation"),
    path(f"{API}/<uuid:id>/restore/", api.ConversationRestore.as_view()),
    path(f"{API}/<uuid:id>/read/", api.ConversationRead.as_view()),
    path(f"{API}/<uuid:id>/messages/", api.MessageList.as_view(), name="api_messages"),
]
