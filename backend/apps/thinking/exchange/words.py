"""The names of the parts of a project, as the pages have them: headings of Markdown and of the notes of a vault."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.thinking.models import Step

FIELDS = {
    "theme": _("Theme"),
    "purpose": _("Purpose"),
    "pain": _("Pain"),
    "constraints": _("Constraints"),
    "success": _("Success"),
    "ui": _("Screen"),
    "operation": _("Operation"),
    "data": _("Data"),
    "judgement": _("Judgement"),
    # With a context: the step of this name is called otherwise in Japanese.
    "flow": pgettext_lazy("elements", "Flow"),
    "other": _("Other"),
    "items": pgettext_lazy("elements", "Flow"),
    "must": _("Must"),
    "optional": _("Optional"),
    "later": _("Later"),
    "ideas": _("Ideas"),
    "improvements": _("Improvements"),
    "automation": _("Automation"),
}


def names() -> dict[str, str]:
    """All of them in the language of now; a stream is written after the language of its request is forgotten."""
    return {
        **{key: str(name) for key, name in FIELDS.items()},
        **{f"step {value}": str(label) for value, label in Step.Type.choices},
        "round": str(_("Round %(number)s")),
        "nodes": str(_("Nodes")),
        "global": str(_("Global nodes")),
        "links": str(_("Links")),
        "question": str(_("Did something come to mind?")),
    }
