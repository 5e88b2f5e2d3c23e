from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Concat, Greatest, Least, NullIf
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.models import VersionedModel
from apps.thinking.content import CATEGORY_LENGTH, LEAST_WEIGHT, MOST_WEIGHT, TITLE_LENGTH
from apps.thinking.folding import Fold

LAST_ROUND = 5

# Constraints across tables (a node's step belongs to its round, both ends of a link have one owner, rounds have no
# gaps) are foreign keys over two columns, which Django cannot express: see migrations/0002.


def folded(*columns: str) -> models.GeneratedField:
    """What is searched: these columns in the one form of apps.thinking.folding. PostgreSQL's index: migrations/0004."""
    parts = [part for column in columns for part in (Value("\n"), F(column))][1:]
    text = Concat(*parts, output_field=models.TextField()) if len(parts) > 1 else parts[0]
    return models.GeneratedField(expression=Fold(text), output_field=models.TextField(), db_persist=True)


class ProjectQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def kept(self):
        """Without what lies in the trash."""
        return self.filter(deleted_at=None)

    def touch(self):
        """Makes these the ones last worked on. Their version stays: what they say of themselves has not changed."""
        return self.update(updated_at=timezone.now())


class Project(VersionedModel):
    class Status(models.TextChoices):
        # With a context: Django has an "active" of its own, for accounts.
        ACTIVE = "active", pgettext_lazy("project", "active")
        PENDING = "pending", _("pending")
        COMPLETED = "completed", _("completed")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="projects")
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    category = models.CharField(_("category"), max_length=CATEGORY_LENGTH, blank=True, default="")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.ACTIVE)
    deleted_at = models.DateTimeField(_("moved to the trash"), null=True, blank=True)
    folded = folded("title")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["owner", "-updated_at"], name="project_owner_newest")]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="project_title_not_empty"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "pending", "completed"]), name="project_status_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="project_version_positive"),
            # What the two-column foreign keys of migration 0002 point to.
            models.UniqueConstraint(fields=["id", "owner"], name="project_id_owner"),
        ]

    def __str__(self):
        return self.title


class RoundQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(project__owner=user)

    def kept(self):
        return self.filter(project__deleted_at=None)


class Round(VersionedModel):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField(_("number"))
    note = models.TextField(_("note"), blank=True, default="")
    # Only there to be a foreign key: a round whose predecessor is missing cannot be stored.
    previous_number = models.GeneratedField(
        expression=NullIf(F("number") - 1, 0), output_field=models.SmallIntegerField(null=True), db_persist=True
    )

    folded = folded("note")

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="round_number_unique"),
            models.CheckConstraint(condition=Q(number__range=(1, LAST_ROUND)), name="round_number_one_to_five"),
            models.CheckConstraint(condition=Q(version__gte=1), name="round_version_positive"),
            models.UniqueConstraint(fields=["id", "project"], name="round_id_project"),
        ]

    def __str__(self):
        return f"{self.project} {self.number}"


class StepQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(round__project__owner=user)

    def kept(self):
        return self.filter(round__project__deleted_at=None)


class Step(VersionedModel):
    class Type(models.TextChoices):
        """In the order in which a round passes them."""

        OVERVIEW = "overview", _("Overview")
        EXTRACT = "extract", _("Elements")
        FLOW = "flow", _("Flow")
        MVP = "mvp", _("Minimum")
        EXPAND = "expand", _("Room to grow")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="steps")
    type = models.CharField(_("type"), max_length=8, choices=Type)
    position = models.GeneratedField(
        expression=models.Case(
            *[models.When(type=name, then=place) for place, name in enumerate(Type.values, start=1)],
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    # The shape of each type's content: apps/thinking/content.py.
    content = models.JSONField(_("content"))
    # The content's words, for search, diff and export; written together with the content.
    text = models.TextField(_("text"), blank=True, default="")
    # Whether something was written in this round; what was only carried over from the last one does not count.
    filled = models.BooleanField(_("filled"), default=False)

    folded = folded("text")

    objects = StepQuerySet.as_manager()

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["round", "type"], name="step_type_unique"),
            models.CheckConstraint(
                condition=Q(type__in=["overview", "extract", "flow", "mvp", "expand"]), name="step_type_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="step_version_positive"),
            models.UniqueConstraint(fields=["id", "round"], name="step_id_round"),
        ]

    def __str__(self):
        return f"{self.round} {self.get_type_display()}"


class NodeQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def kept(self):
        # Said by what is in the trash, which is little, and of one owner, whose projects are few beside all others.
        trashed = Project.objects.filter(pk=OuterRef("project"), owner=OuterRef("owner")).exclude(deleted_at=None)
        return self.filter(~Exists(trashed), deleted_at=None)


class Node(VersionedModel):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="nodes")
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    context = models.TextField(_("context"), blank=True, default="")
    image = models.ImageField(_("image"), upload_to="nodes/", blank=True, default="")
    # Without a project it is a global node: usable from every project of its owner.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="nodes")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, null=True, blank=True, related_name="nodes")
    step = models.ForeignKey(Step, on_delete=models.CASCADE, null=True, blank=True, related_name="nodes")
    deleted_at = models.DateTimeField(_("moved to the trash"), null=True, blank=True)

    folded = folded("title", "context")

    objects = NodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["owner", "-updated_at"], name="node_owner_newest")]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="node_title_not_empty"),
            models.CheckConstraint(condition=Q(round=None) | Q(project__isnull=False), name="node_round_needs_project"),
            models.CheckConstraint(condition=Q(step=None) | Q(round__isnull=False), name="node_step_needs_round"),
            models.CheckConstraint(condition=Q(version__gte=1), name="node_version_positive"),
            models.UniqueConstraint(fields=["id", "owner"], name="node_id_owner"),
        ]

    def __str__(self):
        return self.title


class NodeLinkQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def kept(self):
        """Those that were not removed, between nodes that do not lie in the trash."""
        kept = Q(removed_at=None)
        for end in ("from_node", "to_node"):
            kept &= Q(**{f"{end}__deleted_at": None})
            kept &= Q(**{f"{end}__project": None}) | Q(**{f"{end}__project__deleted_at": None})
        return self.filter(kept)


class NodeLink(VersionedModel):
    class Origin(models.TextChoices):
        MANUAL = "manual", _("manual")
        AUTOMATIC = "automatic", _("automatic")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="links")
    from_node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="links_from")
    to_node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="links_to")
    weight = models.DecimalField(_("weight"), max_digits=2, decimal_places=1, default=Decimal("0.5"))
    origin = models.CharField(_("origin"), max_length=9, choices=Origin, default=Origin.MANUAL)
    # The words that both nodes share, of an automatic link: `誤差, 負担`.
    reason = models.TextField(_("reason"), blank=True, default="")
    # A removed link stays, so that the program does not make it again by itself.
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects = NodeLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        constraints = [
            models.CheckConstraint(condition=~Q(from_node=F("to_node")), name="link_two_nodes"),
            models.UniqueConstraint(
                Least("from_node", "to_node"), Greatest("from_node", "to_node"), name="link_pair_unique"
            ),
            models.CheckConstraint(condition=Q(weight__range=(LEAST_WEIGHT, MOST_WEIGHT)), name="link_weight_range"),
            models.CheckConstraint(condition=Q(origin__in=["manual", "automatic"]), name="link_origin_known"),
            models.CheckConstraint(condition=Q(version__gte=1), name="link_version_positive"),
        ]

    def __str__(self):
        return f"{self.from_node} – {self.to_node}"


class StepRevision(models.Model):
    """A step as it once was. What one person writes within a few minutes is one revision: see history.py."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="revisions")
    version = models.PositiveIntegerField(_("version"))
    content = models.JSONField(_("content"))
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    begun_at = models.DateTimeField(_("begun"))
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["step", "version"], name="revision_version_unique")]

    def __str__(self):
        return f"{self.step} {self.version}"

    @cached_property
    def before(self) -> "StepRevision | None":
        return self.step.revisions.filter(version__lt=self.version).first()


class NodeRename(models.Model):
    """A title that a node had before; what a comparison of two rounds tells."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="renames")
    old_title = models.CharField(_("old title"), max_length=TITLE_LENGTH)
    new_title = models.CharField(_("new title"), max_length=TITLE_LENGTH)
    renamed_at = models.DateTimeField(_("renamed"), default=timezone.now)

    class Meta:
        verbose_name = _("renaming")
        verbose_name_plural = _("renamings")
        ordering = ["renamed_at"]

    def __str__(self):
        return f"{self.old_title} → {self.new_title}"


class RefusedKeyword(models.Model):
    """A word that a person did not want as a node: it is not offered again in this project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="refused_keywords")
    # In the one form of apps.thinking.folding.
    word = models.CharField(_("word"), max_length=TITLE_LENGTH)
    refused_at = models.DateTimeField(_("refused"), auto_now_add=True)

    class Meta:
        verbose_name = _("refused keyword")
        verbose_name_plural = _("refused keywords")
        constraints = [models.UniqueConstraint(fields=["project", "word"], name="refused_keyword_unique")]

    def __str__(self):
        return self.word
