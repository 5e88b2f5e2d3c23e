import uuid
from functools import cache
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers

from apps.core.errors import ApiError
from apps.core.fields import TextField
from apps.core.prepared import Prepared
from apps.thinking import content
from apps.thinking.models import Node, Project, Round, Step
from apps.thinking.problems import CONTENT

# What a reason says that has a limit; of a text the same as of every other field.
LIMITS = {
    "too_long": _("Ensure this field has no more than {max_length} characters."),
    "too_many": _("A step takes at most {max_length} items."),
}


class UUIDField(serializers.UUIDField):
    """Takes the written form only, where DRF's takes any number for a UUID."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TitleField(TextField):
    """A title, of which something can be seen."""

    def __init__(self, **options):
        super().__init__(max_length=content.TITLE_LENGTH, **options)

    def run_validators(self, value):
        super().run_validators(value)
        if content.is_blank(value):
            self.fail("blank")


class OwnField(UUIDField):
    """An object of the one who asks, by its id; an id that is nobody's or somebody else's is `not_found_code`."""

    def __init__(self, model: type[Model], not_found_code: str, required: bool = False):
        self.model, self.not_found_code = model, not_found_code
        super().__init__(required=required, allow_null=not required)

    def to_internal_value(self, data):
        found = _named(self.model).first(self.context["request"].user.pk, super().to_internal_value(data))
        if found is None:
            raise ApiError(self.not_found_code)
        return found


# What is read of each: whose it is, by way of where it lies, and what a link says of its ends.
COLUMNS = {Project: ["owner"], Round: ["project__owner"], Step: ["round__project__owner"], Node: ["owner", "title"]}


@cache
def _named(model: Any) -> Prepared:
    def make(owner: uuid.UUID, id: uuid.UUID) -> QuerySet:
        places = [column.rpartition("__")[0] for column in COLUMNS[model] if "__" in column]
        found = model.objects.owned_by(owner).kept().filter(pk=id).only(*COLUMNS[model])
        return found.select_related(*places) if places else found

    return Prepared(make)


class ContentField(serializers.Field):
    """A step's content, of the shape that its type asks for."""

    def to_internal_value(self, data):
        try:
            return content.clean(self.parent.instance.type, data)
        except content.ContentError as error:
            code, sentence = CONTENT[error.reason]
            if error.limit is not None:
                sentence = LIMITS[error.reason]
            reason = str(sentence).format(max_length=error.limit)
            details = [exceptions.ErrorDetail(reason, code=code)]
            raise serializers.ValidationError({error.path: details} if error.path else details) from error
