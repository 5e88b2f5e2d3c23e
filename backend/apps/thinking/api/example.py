from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from apps.core.schema import ETAG
from apps.core.versions import versioned
from apps.thinking import example
from apps.thinking.api.rows import PROJECTS
from apps.thinking.api.serializers import ProjectSerializer
from apps.thinking.models import Project


class ExampleView(APIView):
    @extend_schema(
        operation_id="open_example",
        summary="The worked example in the language of Accept-Language, as a project like any other",
        description="Made the first time (201). Again it is the same project (200), out of the trash if it lies there.",
        request=None,
        parameters=[ETAG],
        responses={201: ProjectSerializer, 200: ProjectSerializer},
    )
    def post(self, request):
        opened, created = example.open_example(request.user, get_language())
        [project] = PROJECTS.all(Project.objects.filter(pk=opened.pk))
        return versioned(project, status=201 if created else 200)
