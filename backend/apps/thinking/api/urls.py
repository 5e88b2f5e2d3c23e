from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.thinking.api import diff, example, exchange, graph, history, images, keywords, links, search, trash, views

# `str`, so that an id that is none is answered by its view: there is no such project, round, step or node.
router = SimpleRouter(use_regex_path=False)
router.register("projects", views.ProjectViewSet, "project")
router.register("rounds", views.RoundViewSet, "round")
router.register("steps", views.StepViewSet, "step")
router.register("nodes", views.NodeViewSet, "node")
router.register("links", links.LinkViewSet, "link")

urlpatterns = [
    path("projects/<str:pk>/rounds/", views.ProjectRoundsView.as_view()),
    path("rounds/<str:pk>/diff/", diff.RoundDiffView.as_view()),
    path("projects/<str:pk>/graph/", graph.ProjectGraphView.as_view()),
    path("nodes/<str:pk>/image/", images.NodeImageView.as_view()),
    path("nodes/<str:pk>/links/", links.NodeLinksView.as_view()),
    path("rounds/<str:pk>/steps/", views.RoundStepsView.as_view()),
    path("trash/", trash.TrashView.as_view()),
    path("trash/<str:pk>/", trash.TrashItemView.as_view()),
    path("search/", search.SearchView.as_view()),
    path("steps/<str:pk>/keywords/", keywords.StepKeywordsView.as_view()),
    path("steps/<str:pk>/history/", history.StepHistoryView.as_view()),
    path("steps/<str:pk>/history/<int:version>/", history.StepRevisionView.as_view()),
    path("steps/<str:pk>/history/<int:version>/restore/", history.StepRestoreView.as_view()),
    path("projects/<str:pk>/export/", exchange.ProjectExportView.as_view()),
    path("account/export/", exchange.AccountExportView.as_view()),
    path("account/example/", example.ExampleView.as_view()),
    path("account/import/", exchange.ImportView.as_view()),
    *router.urls,
]
