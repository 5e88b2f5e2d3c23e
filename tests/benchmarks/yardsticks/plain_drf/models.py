"""thinkRing's tables as they are."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    language = models.CharField(max_length=2)
    theme = models.CharField(max_length=6)

    class Meta:
        managed = False
        db_table = "accounts_user"


class Row(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self._state.adding:
            self.version += 1
        super().save(*args, **kwargs)


class Project(Row):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="projects")
    title = models.CharField(max_length=255)
    category = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=9)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "thinking_project"
        ordering = ["-updated_at"]

    @property
    def rounds_count(self):
        return len(self.rounds.all())

    @property
    def current_round(self):
        return list(self.rounds.all())[-1]


class Round(Row):
    project = models.ForeignKey(Project, models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField()
    note = models.TextField(blank=True)

    class Meta:
        managed = False
        db_table = "thinking_round"
        ordering = ["number"]

    @property
    def steps_filled(self):
        return sum(step.filled for step in self.steps.all())

    @property
    def next_step(self):
        return next((step for step in self.steps.all() if not step.filled), None)


class Step(Row):
    round = models.ForeignKey(Round, models.CASCADE, related_name="steps")
    type = models.CharField(max_length=8)
    # PostgreSQL computes it; what from stands in the table alone.
    position = models.GeneratedField(
        expression=models.F("type"), output_field=models.SmallIntegerField(), db_persist=True
    )
    content = models.JSONField()
    text = models.TextField()
    filled = models.BooleanField()

    class Meta:
        managed = False
        db_table = "thinking_step"
        ordering = ["position"]


class StepRevision(models.Model):
    step = models.ForeignKey(Step, models.CASCADE, related_name="revisions")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    begun_at = models.DateTimeField()
    written_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "thinking_steprevision"
        ordering = ["-version"]


class Node(Row):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="nodes")
    title = models.CharField(max_length=255)
    context = models.TextField(blank=True)
    image = models.ImageField(blank=True)
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="nodes")
    round = models.ForeignKey(Round, models.CASCADE, null=True)
    step = models.ForeignKey(Step, models.CASCADE, null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "thinking_node"
        ordering = ["-updated_at"]


class NodeLink(Row):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    from_node = models.ForeignKey(Node, models.CASCADE, related_name="links_from")
    to_node = models.ForeignKey(Node, models.CASCADE, related_name="links_to")
    weight = models.DecimalField(max_digits=2, decimal_places=1)
    origin = models.CharField(max_length=9)
    reason = models.TextField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "thinking_nodelink"
