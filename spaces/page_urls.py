"""Addresses of the pages about spaces."""

from django.urls import path

from spaces import pages

urlpatterns = [
    path("spaces/", pages.spaces, name="spaces"),
    path("spaces/add/", pages.add, name="space_add"),
    path("spaces/import/", pages.bring_in, name="space_import"),
    path("spaces/<uuid:id>/", pages.space, name="space"),
    path("spaces/<uuid:id>/act/", pages.act, name="space_act"),
    path("spaces/<uuid:id>/chat/", pages.chat_act, name="space_chat"),
    path("spaces/<uuid:id>/approvals/", pages.decide_all, name="space_approvals"),
    path("spaces/<uuid:id>/approvals/<uuid:approval_id>/", pages.decide, name="space_approval"),
    path(
        "spaces/<uuid:id>/standing-permissions/<uuid:permission_id>/revoke/",
        pages.revoke,
        name="space_permission",
    ),
    path("spaces/<uuid:id>/plans/<uuid:plan_id>/", pages.plan, name="space_plan"),
    path("spaces/<uuid:id>/compare/", pages.compare, name="space_compare"),
    path("assets/<uuid:id>/", pages.asset, name="asset"),
    path("approvals/", pages.waiting, name="approvals"),
]
