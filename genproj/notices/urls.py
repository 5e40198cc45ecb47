"""Addresses of notices for programs."""

from django.urls import path

from genproj.notices import api

urlpatterns = [
    path("api/v1/notices/", api.NoticeList.as_view(), name="api_notices"),
    path("api/v1/notices/read/", api.NoticesRead.as_view(), name="api_notices_read"),
]
