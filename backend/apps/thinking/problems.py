"""What is wrong with a value, in a request or in a file: a sentence, after the code by which apps.core knows it."""

from django.utils.translation import gettext_lazy as _

REQUIRED = ("required", _("This is required."))
NOT_TEXT = ("invalid", _("This must be text."))
NOT_AN_OBJECT = ("invalid", _("This must be an object."))
NOT_A_LIST = ("invalid", _("This must be a list."))
NOT_A_BOOLEAN = ("invalid", _("This must be true or false."))
NOT_AN_ID = ("invalid", _("This must be a UUID."))
UNSTORABLE = ("invalid", _("This has characters that cannot be stored."))
TOO_LONG = ("max_length", _("This is too long."))
TAKEN = ("not_allowed", _("This id is taken."))
# Each reason of a ContentError.
CONTENT = {
    "required": REQUIRED,
    "not_an_object": NOT_AN_OBJECT,
    "not_a_list": NOT_A_LIST,
    "not_text": NOT_TEXT,
    "not_a_boolean": NOT_A_BOOLEAN,
    "not_an_id": NOT_AN_ID,
    "unstorable_characters": UNSTORABLE,
    "too_long": TOO_LONG,
    "too_many": ("max_length", _("These are too many items for one step.")),
    "unknown_key": ("not_allowed", _("This is not part of the step's content.")),
    "repeated_id": ("not_allowed", _("Another item of the step has this id.")),
}
