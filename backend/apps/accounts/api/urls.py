from django.urls import path

from apps.accounts.api import passwords, sessions, totp, views

urlpatterns = [
    path("register/", views.RegisterView.as_view()),
    path("login/", views.LoginView.as_view()),
    path("token/", views.TokenPairView.as_view()),
    path("refresh/", views.RefreshView.as_view()),
    path("logout/", views.LogoutView.as_view()),
    path("me/", views.MeView.as_view()),
    path("password/change/", passwords.ChangePasswordView.as_view()),
    path("password/reset/", passwords.ResetPasswordView.as_view()),
    path("password/reset/confirm/", passwords.ConfirmResetView.as_view()),
    path("sessions/", sessions.SessionsView.as_view()),
    path("sessions/<str:pk>/", sessions.SessionView.as_view()),
    path("totp/", totp.TotpView.as_view()),
    path("totp/confirm/", totp.ConfirmTotpView.as_view()),
]
