"""The rights of access and erasure: what is stored of somebody comes with the export, and goes with the account."""

import base64
import json

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from apps.accounts import second_factor, tokens
from apps.accounts.models import SecondFactor, Session, User
from apps.core.models import AuditEvent
from apps.thinking import rounds, trash
from apps.thinking.models import Node, NodeLink, Project, RefusedKeyword, Round, Step, StepRevision
from apps.thinking.tests.test_api_exchange import exported
from apps.thinking.tests.test_api_images import picture
from conftest import PASSWORD, UserFactory, signed_in

# Stored, and not in an export: secrets, what guards log-ins for minutes, and what is Django's own or computed.
LEFT_OUT = {
    "accounts.recoverycode",  # digests of secrets
    "token_blacklist.outstandingtoken",  # secrets
    "token_blacklist.blacklistedtoken",
    "axes.accessattempt",  # until fifteen minutes after a wrong password
    "axes.accessattemptexpiration",
    "axes.accesslog",  # not written
    "axes.accessfailurelog",  # not written
    "core.callcount",  # digests, for a minute
    "accounts.changecount",  # a number, of no meaning but that it has changed
    "sessions.session",  # of the admin
    "admin.logentry",  # what administrators did
    "auth.permission",
    "auth.group",
    "contenttypes.contenttype",
}
IN_EXPORT = {
    "accounts.user", "accounts.session", "accounts.secondfactor", "core.auditevent",
    "thinking.project", "thinking.round", "thinking.step", "thinking.node", "thinking.nodelink",
    "thinking.steprevision", "thinking.noderename", "thinking.refusedkeyword",
}  # fmt: skip

# Of the fields of a model, those that its list in the export has not: whose it is, and what is computed or a secret.
FIELDS_LEFT_OUT = {
    "user": (User, {"password"}),
    "sessions": (Session, {"id", "user"}),
    "second_factor": (SecondFactor, {"user", "secret", "last_timecode"}),
    "events": (AuditEvent, {"id", "account"}),
    "revisions": (StepRevision, {"id", "written_by"}),
    "trash_projects": (Project, {"owner", "folded", "version"}),
    "trash_rounds": (Round, {"previous_number", "folded", "version"}),
    "trash_steps": (Step, {"position", "text", "folded", "version"}),
    "trash_nodes": (Node, {"owner", "folded", "version"}),
    "trash_links": (NodeLink, {"owner", "version"}),
}
RENAMED = {"from": "from_node", "to": "to_node", "project_id": "project", "round_id": "round"}


@pytest.fixture
def full(as_alice, alice, project):
    """An account with something of everything, the trash included; the marker is in every text of it."""
    tokens.start_session(alice)
    second_factor.begin(alice)
    step = project.rounds.first().steps.get(type="overview")
    as_alice.patch(f"/api/v1/steps/{step.pk}/", {"content": {"theme": "marker in a text"}})
    as_alice.patch(f"/api/v1/steps/{step.pk}/", {"content": {"theme": "another"}})
    gone = as_alice.post("/api/v1/nodes/", {"title": "marker of a name before"}).json()
    as_alice.patch(f"/api/v1/nodes/{gone['id']}/", {"title": "marker in the trash"})
    as_alice.put(f"/api/v1/nodes/{gone['id']}/image/", picture(size=(4, 4)), content_type="image/png")
    other = as_alice.post("/api/v1/nodes/", {"title": "marker at the other end"}).json()
    as_alice.post(f"/api/v1/nodes/{gone['id']}/links/", {"to": other["id"]})
    trash.move_to_trash(Node.objects.get(pk=gone["id"]))
    thrown_away = rounds.start_project(alice, "marker thrown away")
    RefusedKeyword.objects.create(project=thrown_away, word="marker refused")
    trash.move_to_trash(thrown_away)
    return alice


def test_every_model_is_thought_of():
    """A new one has to be in the export, or to have a reason not to be."""
    assert {model._meta.label_lower for model in apps.get_models()} == IN_EXPORT | LEFT_OUT


def test_the_export_has_the_person(as_alice, full):
    export = json.loads(exported(as_alice))
    account = export["account"]

    assert account["user"][0]["email"] == full.email
    assert len(account["sessions"]) == 1
    assert len(account["second_factor"]) == 1
    (project,) = account["trash_projects"]
    assert (project["title"], project["refused_keywords"]) == ("marker thrown away", ["marker refused"])
    (node,) = account["trash_nodes"]
    assert (node["title"], node["renames"][0]["old_title"]) == ("marker in the trash", "marker of a name before")
    assert base64.b64decode(node["image"]).startswith(b"\x89PNG")
    assert [step["round_id"] for step in account["trash_steps"]] == [account["trash_rounds"][0]["id"]] * 5
    (link,) = account["trash_links"]
    assert node["id"] in (link["from"], link["to"])
    assert account["revisions"][-1]["content"]["theme"] == "another"
    assert account["events"][-1]["event"] == "exported"


@pytest.mark.parametrize("name", FIELDS_LEFT_OUT)
def test_every_field_is_thought_of(as_alice, full, name):
    """A new one has to be in the export, or to have a reason not to be."""
    export = json.loads(exported(as_alice))
    model, left_out = FIELDS_LEFT_OUT[name]

    fields = {RENAMED.get(key, key) for key in export["account"][name][0]}
    assert {field.name for field in model._meta.concrete_fields} - fields == left_out


def test_the_export_has_no_secret(as_alice, full):
    data = exported(as_alice).decode()

    assert full.password not in data
    assert full.second_factor.secret not in data


def test_a_project_alone_says_nothing_of_the_person(as_alice, full, project):
    data = exported(as_alice, url=f"/api/v1/projects/{project.pk}/export/").decode()

    assert full.email not in data
    assert "account" not in json.loads(data)


def by_themselves(account):
    assert signed_in(account).delete("/api/v1/auth/me/", {"password": PASSWORD}).status_code == 204


def in_the_admin(account):
    root = Client()
    root.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    page = f"/admin/accounts/user/{account.pk}"
    form = {"username": "alice", "email": account.email, "language": "en", "theme": "system", "is_active": "on"}
    assert root.post(f"{page}/change/", form).status_code == 302
    assert root.post(f"{page}/delete/", {"post": "yes"}).status_code == 302


def with_others_in_the_admin(account):
    root = Client()
    root.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    form = {"action": "delete_selected", "_selected_action": [str(account.pk)], "post": "yes"}
    assert root.post("/admin/accounts/user/", form).status_code == 302


@pytest.mark.parametrize("delete", [by_themselves, in_the_admin, with_others_in_the_admin])
def test_nothing_that_the_person_wrote_or_is_called_stays(as_alice, full, delete):
    account = full.pk
    wrong = {"username": "alice", "password": "marker of a wrong password"}
    as_alice.post("/api/v1/auth/login/", wrong, REMOTE_ADDR="203.0.113.77")

    delete(full)

    assert not User.objects.filter(pk=account).exists()
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows = str(cursor.fetchall())
        for word in ("marker", "alice", full.password, "203.0.113.77"):
            assert word not in rows, (table, word)
    assert AuditEvent.objects.filter(account=account, event="account.deleted").exists()
