from django.contrib import admin

from apps.core.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    """It is looked at, and by nobody changed."""

    list_display = ["at", "event", "account", "address", "request_id"]
    list_filter = ["event", "at"]
    search_fields = ["=account", "=request_id", "=address"]
    date_hierarchy = "at"
    ordering = ["-at"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
