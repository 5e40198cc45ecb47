"""Addresses of the pages about films."""

from django.urls import path

from videos import pages

urlpatterns = [
    path("chat/", pages.chat, name="chat"),
    path("chat/<uuid:id>/", pages.chat, name="conversation"),
    path("chat/<uuid:id>/act/", pages.conversation_act, name="conversation_act"),
    path("videos/<uuid:id>/", pages.video, name="video"),
    path("videos/<uuid:id>/act/", pages.act, name="video_act"),
]
