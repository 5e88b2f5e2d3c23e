from django.utils.translation import gettext_lazy as _

# What more than one of the readers says of a file; what may be wrong with any value is in thinking/problems.py.
TWICE = ("not_allowed", _("This is in the file twice."))
UNKNOWN = ("not_allowed", _("This is not part of the format."))
NOT_OURS = ("invalid", _("This is not an export of thinkRing."))
NEWER = ("not_allowed", _("This was exported by a newer thinkRing. Update this one, then import again."))


class FileProblem(Exception):
    """What is wrong with a file, and where: nothing of it is imported.

    `where` is the path inside the file (`projects.3.title`) or the name of a note in a vault.
    """

    def __init__(self, where: str, problem: tuple, line: int | None = None):
        super().__init__(where, problem, line)
        self.where, self.line = where, line
        self.code, self.sentence = problem
