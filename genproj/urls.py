"""Every address: the apps' own tables, sign-in, the admin, and what machines ask."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from genproj import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("", include("genproj.openapi.urls")),
    path("", include("genproj.accounts.urls")),
    path("", include("genproj.notices.urls")),
    path("", include("genproj.usage.urls")),
    path("", include("genproj.webhooks.urls")),
    path("", include("genproj.assistant.urls")),
    path("", include("generations.urls")),
    path("", include("videos.urls")),
    path("", include("spaces.urls")),
    path("", include("genproj.page_urls")),
]

handler400 = "genproj.kernel.api.problems.bad_request"
handler403 = "genproj.kernel.api.problems.permission_denied"
handler404 = "genproj.kernel.api.problems.page_not_found"
handler500 = "genproj.kernel.api.problems.server_error"
