from django.contrib import admin

from apps.core.models import AuditEvent


class AuditedAdmin(admin.ModelAdmin):
    """One whose every deletion comes into the audit log (apps.accounts.auditing)."""

    def log_deletions(self, request, queryset):
        # One by one: of several at once Django makes rows of which nobody is told.
        for row in queryset:
            super().log_deletions(request, [row])  # type: ignore[arg-type]


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
