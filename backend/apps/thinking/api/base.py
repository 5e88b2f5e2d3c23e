import uuid
from functools import cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.errors import invalid
from apps.core.prepared import Prepared
from apps.core.reading import RowMixin, RowsView
from apps.core.versions import VersionedMixin, versioned
from apps.thinking import trash
from apps.thinking.api.rows import STEPS
from apps.thinking.models import Node, Project, Step
from apps.thinking.problems import TAKEN


def id_taken() -> exceptions.ValidationError:
    code, sentence = TAKEN
    return invalid("id", sentence, code)


class RepeatableCreateMixin(RowsView):
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
                    answer = self.find(id, in_trash=True)
            except IntegrityError:
                # The same create, sent twice at once: the other one was first.
                if not self.exists(id):
                    raise
                created = False
        if not created and id:
            answer = self.find(id, in_trash=True)
        if not answer:
            raise exceptions.NotFound
        return versioned(answer, status=201 if created else 200)

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
        if _known(self.queryset.model).first(id):
            if not self.find(id, in_trash=True):
                raise id_taken()
            return True
        if self.other_kind and _owned_id(self.other_kind).first(self.request.user.pk, id):
            raise id_taken()
        return False


@cache
def _known(model: Any) -> Prepared:
    return Prepared(lambda id: model.objects.filter(pk=id).values_list("pk"))


@cache
def _owned_id(model: Any) -> Prepared:
    return Prepared(lambda owner, id: model.objects.owned_by(owner).filter(pk=id).values_list("pk"))


class LockedPlaceMixin(RowsView):
    """What lies in a project is written with the project locked before it, as everywhere.

    Whoever wrote a step and then marked its project as worked on would wait for an import or a deletion, which have the
    project and wait for the step.
    """

    # From the object to its project.
    to_project: str

    def lock_place(self) -> None:
        list(_place(self.queryset.model, self.to_project)(self.request.user.pk, self.id))


@cache
def _place(model: type[Model], to_project: str) -> Prepared:
    return Prepared(
        lambda owner, id: place(model, to_project, owner, id).select_for_update(no_key=True).values_list("pk")
    )


def place(model: type[Model], to_project: str, owner: uuid.UUID, id: uuid.UUID) -> QuerySet[Project]:
    """The project that is written with an object."""
    return Project.objects.owned_by(owner).filter(pk__in=model._default_manager.filter(pk=id).values(to_project))


class InProjectMixin(RowMixin, LockedPlaceMixin):
    """Reads and writes of what lies in a project."""

    def lock(self):
        self.lock_place()
        return super().lock()


class StepMixin(InProjectMixin):
    to_project = "round__project"
    rows = STEPS
    not_locked = ("text", "folded", "round__note", "round__folded")

    @classmethod
    def owned(cls, owner, within=None):
        return Step.objects.owned_by(owner).select_related("round")


class ChangeMixin(VersionedMixin):
    """Besides reads and writes: changes that have a name, and the way to the trash."""

    def change(self, how) -> Response:
        """Applies a domain function to the locked object, and answers with what became of it."""
        with transaction.atomic():
            how(self.get_locked_object())
            written = self.get_written()
        return versioned(written)

    def destroy(self, request, *args, **kwargs):
        with transaction.atomic():
            trash.move_to_trash(self.get_locked_object())
        return Response(status=204)
