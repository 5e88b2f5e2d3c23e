from django.utils.translation import gettext_lazy as _

# Sentences that more than one of the readers says, each after the code by which apps.core.errors knows it.
REQUIRED = ("required", _("This is required."))
NOT_TEXT = ("invalid", _("This must be text."))
NOT_AN_OBJECT = ("invalid", _("This must be an object."))
NOT_A_LIST = ("invalid", _("This must be a list."))
NOT_A_BOOLEAN = ("invalid", _("This must be true or false."))
NOT_AN_ID = ("invalid", _("This must be a UUID."))
UNSTORABLE = ("invalid", _("This has characters that cannot be stored."))
TOO_LONG = ("max_length", _("This is too long."))
TWICE = ("not_allowed", _("This is in the file twice."))
UNKNOWN = ("not_allowed", _("This is not part of the format."))
NOT_OURS = ("invalid", _("This is not an export of thinkRing."))
NEWER = ("not_allowed", _("This was exported by a newer thinkRing. Update this one, then import again."))
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


class FileProblem(Exception):
    """What is wrong with a file, and where: nothing of it is imported.

    `where` is the path inside the file (`projects.3.title`) or the name of a note in a vault.
    """

    def __init__(self, where: str, problem: tuple, line: int | None = None):
        super().__init__(where, problem, line)
        self.where, self.line = where, line
        self.code, self.sentence = problem
