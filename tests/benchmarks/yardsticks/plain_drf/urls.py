from django.urls import include, path
from rest_framework.routers import DefaultRouter

from plain_drf import views

router = DefaultRouter()
router.register("projects", views.ProjectViewSet, "project")
router.register("rounds", views.RoundViewSet, "round")
router.register("steps", views.StepViewSet, "step")
router.register("nodes", views.NodeViewSet, "node")

urlpatterns = [
    path("api/v1/auth/me/", views.MeView.as_view()),
    path("api/v1/", include(router.urls)),
]
