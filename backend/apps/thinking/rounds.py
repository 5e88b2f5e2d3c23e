"""A project's way: its start, its rounds, what is written in them, and its end."""

import uuid

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.errors import RuleBroken
from apps.thinking import content, history
from apps.thinking.models import LAST_ROUND, Project, Round, Step, StepRevision


def start_project(owner, title: str, category: str = "", id: uuid.UUID | None = None) -> Project:
    """A new project with round 1 and its five empty steps."""
    with transaction.atomic():
        project = Project.objects.create(id=id or uuid.uuid4(), owner=owner, title=title, category=category)
        first = Round.objects.create(project=project, number=1)
        Step.objects.bulk_create(Step(round=first, type=type, content=content.empty(type)) for type in content.SHAPES)
    return project


def change_project(project: Project, **values) -> None:
    for name, value in values.items():
        setattr(project, name, value)
    project.save()


def start_next_round(project: Project, note: str = "", id: uuid.UUID | None = None) -> Round:
    """The next round, its steps carried over from the last one."""
    with transaction.atomic():
        # Two at once would both find the same last round.
        project = Project.objects.select_for_update().get(pk=project.pk)
        if project.status != Project.Status.ACTIVE:
            raise RuleBroken(_("Only an active project goes on to another round. Reopen it first."))
        previous = project.rounds.latest("number")
        if previous.number == LAST_ROUND:
            raise RuleBroken(_("A project has five rounds at most."))
        following = Round.objects.create(id=id or uuid.uuid4(), project=project, number=previous.number + 1, note=note)
        Step.objects.bulk_create(
            Step(round=following, type=step.type, content=content.carry_over(step.content), text=step.text)
            for step in previous.steps.all()
        )
        project.save()
    return following


def write_note(round: Round, note: str) -> None:
    with transaction.atomic():
        round.note = note
        round.save()
        Project.objects.filter(pk=round.project_id).touch()


def write_step(step: Step, written: content.Content, by: User | None = None, apart: bool = False) -> None:
    """Writes the content whole; `apart` makes it a revision of its own in the step's history."""
    with transaction.atomic(savepoint=False):
        history.record(step, written, by, apart)
        step.content = written
        step.text = content.plain_text(step.type, written)
        step.filled = content.is_filled(step.type, written)
        step.save()
        Project.objects.filter(pk=step.round.project_id).touch()


def write_nothing(step: Step) -> None:
    """A new version, as every write makes one, of what stands there; a step is not filled by it."""
    with transaction.atomic():
        history.record(step, step.content, by=None)
        step.save()
        Project.objects.filter(pk=step.round.project_id).touch()


def restore_step(step: Step, revision: StepRevision, by: User) -> None:
    """Writes again what once stood there; what stands there now stays in the history."""
    write_step(step, revision.content, by, apart=True)


def complete(project: Project) -> None:
    if project.status == Project.Status.COMPLETED:
        raise RuleBroken(_("The project is completed already."))
    project.status = Project.Status.COMPLETED
    project.save()


def pend(project: Project) -> None:
    if project.status != Project.Status.ACTIVE:
        raise RuleBroken(_("Only an active project can be set to pending."))
    project.status = Project.Status.PENDING
    project.save()


def reopen(project: Project) -> None:
    if project.status == Project.Status.ACTIVE:
        raise RuleBroken(_("The project is active already."))
    project.status = Project.Status.ACTIVE
    project.save()
