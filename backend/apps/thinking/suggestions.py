"""Words of a step that could become nodes: offered until a person has taken or refused them."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.thinking import keywords, nodes
from apps.thinking.content import TITLE_LENGTH
from apps.thinking.folding import Fold, fold
from apps.thinking.keywords import Keyword
from apps.thinking.models import Node, NodeRename, Project, RefusedKeyword, Step

# So many are offered at most, of so many that are looked at: the others are nodes by now, or refused.
OFFERED = 50
LOOKED_AT = 500


def suggest(step: Step) -> list[Keyword]:
    """The best words that are neither refused nor taken for nodes of the project already, best first."""
    project = step.round.project_id
    found = {_form(keyword.word): keyword for keyword in keywords.keywords(step.text, LOOKED_AT)}
    refused = RefusedKeyword.objects.filter(project=project, word__in=found).values_list("word", flat=True)
    known = {*refused, *_nodes(project, found)}
    return [keyword for form, keyword in found.items() if form not in known][:OFFERED]


def choose(step: Step, accepted: list[str], refused: list[str]) -> list[Node]:
    """Makes nodes of some words of the step's text, and offers others no more in this project."""
    with transaction.atomic():
        made = _accept(step, accepted)
        _refuse(step, refused)
    return made


def _accept(step: Step, words: list[str]) -> list[Node]:
    """A node for each word, with the sentence as its context; the one that is there, if it is."""
    project = step.round.project
    forms = {_form(word): word for word in reversed(words)}
    # Words that are sent twice at once become one node each.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    there = _nodes(project.pk, forms)
    RefusedKeyword.objects.filter(project=project, word__in=forms).delete()
    return [
        there.get(form)
        or nodes.create_node(
            project.owner,
            title=forms[form],
            context=keywords.context(step.text, forms[form]) or "",
            project=project,
            round=step.round,
            step=step,
        )
        for form in reversed(forms)
    ]


def _refuse(step: Step, words: list[str]) -> None:
    RefusedKeyword.objects.bulk_create(
        [RefusedKeyword(project_id=step.round.project_id, word=form) for form in {_form(word) for word in words}],
        ignore_conflicts=True,
    )


def _nodes(project, forms) -> dict[str, Node]:
    """The project's nodes that have one of these words as their title, or had it at first, before they were renamed."""
    nodes = Node.objects.kept().filter(project=project)
    found = nodes.annotate(form=Fold("title")).filter(form__in=list(forms)).order_by("-created_at")
    earlier = NodeRename.objects.filter(node=OuterRef("node"), renamed_at__lt=OuterRef("renamed_at"))
    renamed = NodeRename.objects.filter(~Exists(earlier), node__in=nodes).annotate(form=Fold("old_title"))
    at_first = renamed.filter(form__in=list(forms)).select_related("node")
    return {**{rename.form: rename.node for rename in at_first}, **{node.form: node for node in found}}


def _form(word: str) -> str:
    # Some characters become eighteen.
    return fold(word)[:TITLE_LENGTH]
