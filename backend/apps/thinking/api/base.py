import contextlib
import uuid

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from rest_framework import exceptions, generics, viewsets
from rest_framework.response import Response

from apps.core.errors import invalid
from apps.core.versions import VersionedMixin, etag
from apps.thinking import trash
from apps.thinking.models import Node, Project
from apps.thinking.problems import TAKEN


def id_taken() -> exceptions.ValidationError:
    code, sentence = TAKEN
    return invalid("id", sentence, code)


class OwnView(generics.GenericAPIView):
    def get_owned(self):
        """The rows of the one who asks, those in the trash too."""
        raise NotImplementedError


class RepeatableCreateMixin(OwnView):
    """Creates that carry an `id` may be sent again: 201 the first time, then 200 with the object that is there."""

    # What lies in the same trash, which knows a thing by its id alone.
    other_kind: type[Project] | type[Node] | None = None

    def get_additions(self) -> dict:
        """What is saved besides what was sent."""
        raise NotImplementedError

    def create(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        # Looked for first: what it names may have gone to the trash since it was made.
        id = self.sent_id(serializer)
        created = not self.exists(id)
        if created:
            serializer.is_valid(raise_exception=True)
            try:
                with transaction.atomic():
                    id = serializer.save(**self.get_additions()).pk
                    instance = self.get_owned().get(pk=id)
            except IntegrityError:
                # The same create, sent twice at once: the other one was first.
                if not self.exists(id):
                    raise
                created = False
        if not created:
            instance = generics.get_object_or_404(self.get_owned(), pk=id)
        return Response(serializer.to_representation(instance), status=201 if created else 200, headers=etag(instance))

    def sent_id(self, serializer) -> uuid.UUID | None:
        """The id that the client chose, if it is one; whatever else is wrong is said when all is validated."""
        sent = serializer.initial_data.get("id") if isinstance(serializer.initial_data, dict) else None
        try:
            return serializer.fields["id"].run_validation(sent) if sent else None
        except exceptions.ValidationError:
            return None

    def exists(self, id) -> bool:
        """Whether the owner has it already; VAL_005 when somebody else does, or the owner's other kind of thing."""
        if id is None:
            return False
        owned = self.get_owned()
        if owned.model.objects.filter(pk=id).exists():
            if not owned.filter(pk=id).exists():
                raise id_taken()
            return True
        if self.other_kind and self.other_kind.objects.owned_by(self.request.user).filter(pk=id).exists():
            raise id_taken()
        return False


class OwnViewSet(OwnView, viewsets.GenericViewSet):
    """A list and single objects of the one who asks; `write_serializers` has those of actions that have their own."""

    write_serializers: dict[str, type]
    # Long columns that would come along otherwise: what is searched is as long as what is read.
    not_read = ["folded"]

    def get_queryset(self):
        owned = self.get_owned().defer(*self.not_read)
        return owned if self.action == "restore" else owned.kept()

    def filter_queryset(self, queryset):
        # The filters are a list's; one object is found by its id alone.
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def get_serializer_class(self):
        return self.write_serializers.get(self.action, self.serializer_class)


class LockedPlaceMixin(generics.GenericAPIView):
    """What lies in a project is written with the project locked before it, as everywhere.

    Whoever wrote a step and then marked its project as worked on would wait for an import or a deletion, which have the
    project and wait for the step.
    """

    # From the object to its project.
    to_project: str

    def lock_place(self) -> None:
        # An id that is none is answered when the object is sought.
        with contextlib.suppress(ValidationError):
            list(self.get_place().select_for_update(no_key=True).values_list("pk"))

    def get_place(self):
        """The project that is written with the object, as a queryset."""
        places = self.get_queryset().model.objects.filter(pk=self.kwargs["pk"]).values(self.to_project)
        return Project.objects.owned_by(self.request.user).filter(pk__in=places)


class InProjectMixin(VersionedMixin, LockedPlaceMixin):
    """Reads and writes of what lies in a project."""

    def get_locked_object(self):
        self.lock_place()
        return super().get_locked_object()


class ChangeMixin(VersionedMixin):
    """Besides reads and writes: changes that have a name, and the way to the trash."""

    def change(self, how) -> Response:
        """Applies a domain function to the locked object, and answers with what became of it."""
        with transaction.atomic():
            how(self.get_locked_object())
            instance = self.get_object()
        return Response(self.get_serializer(instance).data, headers=etag(instance))

    def destroy(self, request, *args, **kwargs):
        with transaction.atomic():
            trash.move_to_trash(self.get_locked_object())
        return Response(status=204)
