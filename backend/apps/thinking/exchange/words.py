"""The names of the parts of a project, as the pages have them: headings of Markdown and of the notes of a vault."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.thinking.models import Round, Step

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


def name_of(row) -> str:
    """What a person knows it by: a round or a step with the names of what it lies in."""
    if isinstance(row, Step):
        return f"{name_of(row.round)}: {row.get_type_display()}"
    if isinstance(row, Round):
        return f"{row.project.title}: {_('Round %(number)s') % {'number': row.number}}"
    return str(row)
