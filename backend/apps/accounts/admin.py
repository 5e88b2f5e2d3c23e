from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from apps.accounts import devices, lockout, registration, second_factor
from apps.accounts.models import SecondFactor, Session, User
from apps.core import audit
from apps.core.admin import AuditedAdmin

# They show whole tokens; a log-in is watched and ended as a session.
admin.site.unregister([OutstandingToken, BlacklistedToken])


class AuthenticationForm(AdminAuthenticationForm):
    """The admin's own log-in wants the second factor too; otherwise it would be the way around it."""

    request: HttpRequest
    code = forms.CharField(label=_("Code, if the account wants one"), required=False, max_length=40)

    def confirm_login_allowed(self, user):
        try:
            super().confirm_login_allowed(user)
        except forms.ValidationError:
            audit.record("login.refused", account=user.pk, path=self.request.path, locked=False)
            raise
        name, code = self.cleaned_data["username"], self.cleaned_data.get("code", "")
        if not lockout.accepts_code(self.request, user, name, code):
            raise forms.ValidationError(second_factor.CODE_MISSING)


def log_in(request: HttpRequest) -> HttpResponse:
    """The admin's own, with the limits of the API's."""
    refused = lockout.refusal(request) if request.method == "POST" else None
    return refused or admin.site.login(request)


admin.site.login_form = AuthenticationForm
admin.site.login_template = "accounts/admin_login.html"


class UserCreationForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ["username", "email"]


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(AuditedAdmin, DjangoGroupAdmin):
    pass


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):
    add_form = UserCreationForm
    add_fieldsets = [
        (None, {"fields": ["username", "email", "language", "usable_password", "password1", "password2"]}),
    ]
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        (_("Settings"), {"fields": ["language", "theme"]}),
        (_("Permissions"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    list_display = ["username", "email", "language", "is_active", "is_staff", "last_login", "date_joined"]
    list_filter = ["is_active", "is_staff", "is_superuser", "language", "date_joined"]
    search_fields = ["username", "email"]
    ordering = ["-date_joined"]
    actions = ["end_sessions"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if change:
            registration.tell_old_address(obj, form.initial["email"], form.initial["language"])

    def delete_model(self, request, obj):
        registration.delete_account(obj)

    def delete_queryset(self, request, queryset):
        for user in queryset:
            registration.delete_account(user)

    @admin.action(description=_("End the sessions of the selected users"), permissions=["change"])
    def end_sessions(self, request, queryset):
        ended = Session.objects.filter(user__in=queryset).end()
        for user in queryset:
            audit.record("admin.sessions.ended", account=request.user.pk, object=str(user.pk))
        self.message_user(request, _("%(count)d sessions were ended.") % {"count": ended})


@admin.register(Session)
class SessionAdmin(AuditedAdmin):
    list_display = ["user", "device", "created_at", "last_used_at", "ended_at"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["=id", "user__username", "user__email"]
    date_hierarchy = "created_at"
    ordering = ["-last_used_at"]
    actions = ["end"]

    @admin.display(description=_("device"))
    def device(self, session):
        return devices.name(session.user_agent)

    @admin.action(description=_("End the selected sessions"), permissions=["end"])
    def end(self, request, queryset):
        for session in queryset.open():
            audit.record("admin.session.ended", account=request.user.pk, object=str(session.pk))
        self.message_user(request, _("%(count)d sessions were ended.") % {"count": queryset.end()})

    def has_end_permission(self, request):
        return request.user.has_perm("accounts.change_session")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(SecondFactor)
class SecondFactorAdmin(AuditedAdmin):
    """Deleting one lets somebody in again who has lost both the app and the recovery codes. The secret is not shown."""

    list_display = ["user", "created_at", "confirmed_at"]
    list_filter = [("confirmed_at", admin.EmptyFieldListFilter), "confirmed_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]
    fields = ["user", "created_at", "confirmed_at"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
