"""Every address: the apps' own tables, sign-in, the admin, and what machines ask."""

import contextlib

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, include, path

from genproj import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path(
        "accounts/login/",
        auth.LoginView.as_view(redirect_authenticated_user=True),
        name="login",
    ),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]


for _module in ("genproj.accounts.urls", "generations.urls", "genproj.page_urls"):
    with contextlib.suppress(ImportError):
        urlpatterns.append(path("", include(_module)))
