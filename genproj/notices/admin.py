"""Notices: who was told what, and whether they know."""

from django.contrib import admin
from django.utils.safestring import SafeString

from genproj.kernel import staff
from genproj.notices.models import Notice


@admin.register(Notice)
class NoticeAdmin(staff.LookedAt):
    list_display = ("title", "owner", "kind", "state", "created")
    list_filter = ("kind", "created_at", ("read_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("title", "owner__username")
    ordering = ("-created_at",)
    fields = ("title", "owner", "kind", "url", "state", "created_at", "read_at")
    readonly_fields = fields

    @admin.display(description="State")
    def state(self, row: Notice) -> SafeString:
        if row.read_at:
            return staff.chip("Read", "done", "check")
        return staff.chip("Unread", "", "clock")

    @admin.display(description="Told", ordering="created_at")
    def created(self, row: Notice) -> SafeString | str:
        return staff.ago(row.created_at)
