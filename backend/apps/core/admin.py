from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

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

    list_display = ["at", "event", "who", "address", "details"]
    list_filter = ["event", "at"]
    search_fields = ["=account", "=request_id", "=address"]
    search_help_text = _("A name, the id of an account or of a request, or an address")
    date_hierarchy = "at"
    ordering = ["-at"]

    def get_queryset(self, request):
        accounts = get_user_model().objects.filter(pk=OuterRef("account"))
        return super().get_queryset(request).annotate(name=Subquery(accounts.values("username")))

    def get_search_results(self, request, queryset, search_term):
        """A name too, which stands in no event itself."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        return (found | queryset.filter(name__iexact=search_term) if search_term else found), duplicates

    @admin.display(description=_("account"), ordering="account")
    def who(self, event):
        return event.name or event.account

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
