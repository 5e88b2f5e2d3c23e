from django.contrib import admin, messages
from django.db.models import OuterRef
from django.utils.translation import gettext_lazy as _

from apps.core import audit
from apps.core.admin import AuditedAdmin
from apps.core.errors import RuleBroken
from apps.core.expressions import Total
from apps.thinking import linking, rounds, trash
from apps.thinking.models import Node, NodeLink, Project, Round, Step

KEPT_BY_THE_PROGRAM = ["id", "version", "created_at", "updated_at"]


class ReadOnlyAdmin(AuditedAdmin):
    """What people think is theirs: it is looked at here, and goes only along with what it belongs to."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        # Asked on the pages of what it belongs to as well, when that is to be deleted.
        own_pages = f"{self.opts.app_label}_{self.opts.model_name}_"
        return not request.resolver_match.url_name.startswith(own_pages) and super().has_delete_permission(request, obj)


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class RoundInline(ReadOnlyInline):
    model = Round
    fields = ["number", "note", "updated_at"]
    readonly_fields = ["updated_at"]
    ordering = ["number"]


class StepInline(ReadOnlyInline):
    model = Step
    fields = ["type", "filled", "text", "updated_at"]
    readonly_fields = ["updated_at"]
    ordering = ["position"]


class TrashAdmin(AuditedAdmin):
    actions = ["move_to_trash", "restore"]

    @admin.action(description=_("Move to the trash"), permissions=["change"])
    def move_to_trash(self, request, queryset):
        for thing in queryset.filter(deleted_at=None):
            trash.move_to_trash(thing)
            self.record("admin.trashed", request, thing)

    @admin.action(description=_("Take out of the trash"), permissions=["change"])
    def restore(self, request, queryset):
        for thing in queryset.exclude(deleted_at=None):
            try:
                trash.restore(thing)
            except RuleBroken as error:
                self.message_user(request, f"{thing}: {error.message}", messages.ERROR)
            else:
                self.record("admin.restored", request, thing)

    def record(self, event, request, thing):
        audit.record(event, account=request.user.pk, model=self.opts.model_name, object=str(thing.pk))


@admin.register(Project)
class ProjectAdmin(TrashAdmin):
    list_display = [
        "title",
        "owner",
        "category",
        "status",
        "rounds_count",
        "nodes_count",
        "updated_at",
        "deleted_at",
    ]
    list_filter = ["status", ("deleted_at", admin.EmptyFieldListFilter), "created_at", "updated_at"]
    list_select_related = ["owner"]
    search_fields = ["=id", "title", "category", "owner__username", "owner__email"]
    autocomplete_fields = ["owner"]
    fields = ["owner", "title", "category", "status", "deleted_at", *KEPT_BY_THE_PROGRAM]
    inlines = [RoundInline]

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .annotate(
                rounds_count=Total(Round.objects.filter(project=OuterRef("pk"))),
                nodes_count=Total(Node.objects.filter(project=OuterRef("pk"))),
            )
        )

    @admin.display(description=_("rounds"), ordering="rounds_count")
    def rounds_count(self, project):
        return project.rounds_count

    @admin.display(description=_("nodes"), ordering="nodes_count")
    def nodes_count(self, project):
        return project.nodes_count

    def get_readonly_fields(self, request, obj=None):
        # Nodes keep their project's owner too, so it cannot change.
        return ["status", "deleted_at", *KEPT_BY_THE_PROGRAM, *(["owner"] if obj else [])]

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def save_model(self, request, obj, form, change):
        if change:
            obj.save()
        else:
            rounds.start_project(obj.owner, obj.title, obj.category, obj.pk)


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    list_display = ["project", "number", "owner", "note", "updated_at"]
    list_filter = ["number", "updated_at"]
    list_select_related = ["project__owner"]
    search_fields = ["=id", "note", "project__title", "project__owner__username", "project__owner__email"]
    ordering = ["-updated_at"]
    fields = ["project", "number", "note", *KEPT_BY_THE_PROGRAM]
    inlines = [StepInline]

    @admin.display(description=_("owner"), ordering="project__owner__username")
    def owner(self, round):
        return round.project.owner


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ["project", "number", "type", "owner", "filled", "updated_at"]
    list_filter = ["type", "filled", "updated_at"]
    list_select_related = ["round__project__owner"]
    search_fields = ["=id", "text", "round__project__title", "round__project__owner__username"]
    ordering = ["-updated_at"]
    fields = ["round", "type", "filled", "text", "content", *KEPT_BY_THE_PROGRAM]

    @admin.display(description=_("project"), ordering="round__project__title")
    def project(self, step):
        return step.round.project

    @admin.display(description=_("round"), ordering="round__number")
    def number(self, step):
        return step.round.number

    @admin.display(description=_("owner"), ordering="round__project__owner__username")
    def owner(self, step):
        return step.round.project.owner


@admin.register(Node)
class NodeAdmin(TrashAdmin):
    list_display = ["title", "owner", "project", "updated_at", "deleted_at"]
    list_filter = [
        ("project", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
        "updated_at",
    ]
    list_select_related = ["owner", "project"]
    search_fields = ["=id", "title", "context", "project__title", "owner__username", "owner__email"]
    fields = ["owner", "title", "context", "image", "project", "round", "step", "deleted_at", *KEPT_BY_THE_PROGRAM]
    # Where it was born has to belong together, and to its owner.
    readonly_fields = ["owner", "image", "project", "round", "step", "deleted_at", *KEPT_BY_THE_PROGRAM]

    def has_add_permission(self, request):
        return False


@admin.register(NodeLink)
class NodeLinkAdmin(AuditedAdmin):
    list_display = ["from_node", "to_node", "owner", "weight", "origin", "updated_at", "removed_at"]
    list_filter = ["origin", ("removed_at", admin.EmptyFieldListFilter), "weight", "updated_at"]
    list_select_related = ["from_node", "to_node", "owner"]
    search_fields = ["=id", "reason", "from_node__title", "to_node__title", "owner__username", "owner__email"]
    ordering = ["-updated_at"]
    fields = ["owner", "from_node", "to_node", "weight", "origin", "reason", "removed_at", *KEPT_BY_THE_PROGRAM]
    readonly_fields = ["owner", "from_node", "to_node", "origin", "reason", "removed_at", *KEPT_BY_THE_PROGRAM]

    def has_add_permission(self, request):
        return False

    def save_model(self, request, obj, form, change):
        # As a person's; one that arose by itself would be weighed anew at the next change of its nodes.
        linking.weigh(obj, obj.weight)

    def delete_model(self, request, obj):
        # Were the row gone, the link would arise by itself again.
        linking.remove(obj)

    def delete_queryset(self, request, queryset):
        for link in queryset.filter(removed_at=None):
            linking.remove(link)
