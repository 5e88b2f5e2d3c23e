"""The way in and out: an export is written, and an import read, as a stream."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from django.core.exceptions import RequestDataTooBig
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, parsers, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import audit
from apps.core.errors import invalid
from apps.thinking.exchange import archive, importing, json, manifest, markdown, missing, names, obsidian, vault
from apps.thinking.exchange.problems import FileProblem
from apps.thinking.models import Project, Step

MAXIMUM = 50 * 1024 * 1024  # bytes; as nginx
BLOCK = 64 * 1024

FORMS: dict[str, tuple[Callable[..., Iterator], str, str]] = {
    "json": (json.write, "application/json", "json"),
    "markdown": (markdown.write, "text/markdown; charset=utf-8", "md"),
    "obsidian": (obsidian.write, "application/zip", "zip"),
}
AS = OpenApiParameter("as", str, enum=list(FORMS), required=True, description="The form of the export.")


class ExportView(APIView):
    def export(self, name: str, project: Project | None = None) -> StreamingHttpResponse:
        form = self.request.query_params.get("as", "")
        if form not in FORMS:
            reason = _("Choose json, markdown or obsidian.")
            raise invalid("as", reason, "not_allowed" if form else "required")
        write, content_type, ending = FORMS[form]
        audit.record("exported", account=self.request.user.pk, form=form, project=str(project.pk) if project else None)
        blocks = _blocks(write(self.request.user, project.pk if project else None))
        response = StreamingHttpResponse(blocks, content_type=content_type)
        file_name = f"{names.safe(name)} {timezone.now():%Y-%m-%d}.{ending}"
        response["Content-Disposition"] = content_disposition_header(True, file_name)
        return response


EXPORT = {
    (200, "application/json"): OpenApiTypes.OBJECT,
    (200, "text/markdown"): OpenApiTypes.BINARY,
    (200, "application/zip"): OpenApiTypes.BINARY,
}


class ProjectExportView(ExportView):
    not_found_code = "RES_001"

    @extend_schema(operation_id="export_project", summary="A project as a file", parameters=[AS], responses=EXPORT)
    def get(self, request, pk):
        project = generics.get_object_or_404(Project.objects.owned_by(request.user).kept(), pk=pk)
        return self.export(project.title, project)


class AccountExportView(ExportView):
    @extend_schema(
        operation_id="export_account", summary="The whole account as a file", parameters=[AS], responses=EXPORT
    )
    def get(self, request):
        return self.export("thinkRing")


class CountsSerializer(serializers.Serializer):
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    kept = serializers.IntegerField(help_text="Otherwise in the file, but changed here after it was written there.")


class KeptSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=["project", "round", "step", "node", "link"])
    title = serializers.CharField(help_text="Of a round or a step with the names of what it lies in.")
    place = serializers.UUIDField(
        help_text="Where it is seen: the round of a step, the node that a link begins at; of all others their own id."
    )
    step = serializers.ChoiceField(choices=Step.Type.choices, allow_null=True, help_text="Of a step: which one.")


class MissingSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(
        choices=(*manifest.KINDS, "more"), help_text="Or that there is more, as a number in `title`."
    )
    id = serializers.UUIDField(allow_null=True, help_text="Null if it is not in the account either.")
    title = serializers.CharField(help_text="Of a round or a step with the names of what it lies in.")


class IgnoredSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(
        choices=vault.IGNORED,
        help_text="A note outside of all projects; a line among the links that is none; a link to an unknown note; an "
        "edge to a card that is no node; words beside a link; or that there is more, as a number in `text`.",
    )
    file = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    text = serializers.CharField(help_text="The beginning of what was ignored.")


class ReportSerializer(serializers.Serializer):
    projects = CountsSerializer()
    rounds = CountsSerializer()
    steps = CountsSerializer()
    nodes = CountsSerializer()
    links = CountsSerializer()
    kept = KeptSerializer(
        many=True,
        help_text="What was changed here after it was written in the file, and stays as it is; the first thousand.",
    )
    missing = MissingSerializer(
        many=True,
        help_text="Of a vault: what was in the export and is gone from it; of something of which nothing is left, only "
        "itself; the first thousand. Nothing is deleted by an import.",
    )
    ignored = IgnoredSerializer(many=True, help_text="Of a vault: what could not be imported, the first thousand.")


class WholeBodyParser(parsers.BaseParser):
    """The body as a file on the disk, whatever its type is said to be."""

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):
        file = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            while block := stream.read(BLOCK):
                if file.tell() + len(block) > MAXIMUM:
                    raise RequestDataTooBig
                file.write(block)
        except BaseException:
            file.close()
            raise
        return file


class ImportView(APIView):
    parser_classes = [parsers.MultiPartParser, WholeBodyParser]

    @extend_schema(
        operation_id="import_account",
        summary="Import an export: nothing is deleted, and what is there already is not made twice",
        request={
            "application/json": OpenApiTypes.BINARY,
            "application/zip": OpenApiTypes.BINARY,
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            },
        },
        responses={200: OpenApiResponse(ReportSerializer, description="How much of it was new, changed, as it was.")},
    )
    def post(self, request):
        # What multipart adds around the file is nothing to speak of.
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAXIMUM + BLOCK:
            raise RequestDataTooBig
        with self.file() as file:
            if markdown.is_markdown(file):
                reason = _(
                    "A Markdown export is for reading and cannot be imported. Export as JSON or for Obsidian (zip), "
                    "and import that."
                )
                raise invalid("file", reason, "not_allowed")
            report = self.read_vault(file) if archive.is_zip(file) else self.read_json(file)
        audit.record("imported", account=request.user.pk)
        return Response(ReportSerializer(report).data)

    def file(self) -> BinaryIO:
        data = self.request.data
        if not isinstance(data, dict):
            return data
        file = self.request.FILES.get("file")
        if file is None:
            raise invalid("file", _("Choose the file of an export."), "required")
        if file.size > MAXIMUM:
            raise RequestDataTooBig
        return file.file

    def read_json(self, file: BinaryIO) -> dict:
        try:
            report = importing.import_records(self.request.user, json.read(file))
        except FileProblem as problem:
            line = problem.line or (json.line_of(file, problem.where) if problem.where else None)
            raise _refusal(problem.where, problem, line) from problem
        return {**report, "missing": [], "ignored": []}

    def read_vault(self, file: BinaryIO) -> dict:
        notes = vault.Vault(file)
        try:
            with notes:
                report = importing.import_records(self.request.user, notes.records(), True, notes.exported_at)
        except FileProblem as problem:
            raise _refusal(notes.where(problem.where), problem, problem.line) from problem
        gone = missing.told(self.request.user, notes.manifest, notes.missing)
        return {**report, "missing": gone, "ignored": notes.ignored}


def _refusal(where: str, problem: FileProblem, line: int | None):
    sentence = str(problem.sentence)
    if line is not None:
        sentence = _("Line %(line)s: %(problem)s") % {"line": line, "problem": sentence}
    return invalid(where, sentence, problem.code)


def _blocks(pieces: Iterable[str | bytes]) -> Iterator[bytes]:
    """Larger pieces, since each one is a write to the network."""
    block = bytearray()
    for piece in pieces:
        block += piece.encode() if isinstance(piece, str) else piece
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)
