from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from apps.core import views

urlpatterns = [
    path("health/", views.health_check),
    path("health/ready/", views.ReadinessView.as_view()),
    path("version/", views.VersionView.as_view()),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", views.DocsView.as_view(), name="docs"),
]
