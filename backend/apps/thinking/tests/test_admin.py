import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.thinking import nodes, rounds, trash
from apps.thinking.models import Node, NodeLink, Project, Round, Step

MODELS = {"project": Project, "round": Round, "step": Step, "node": Node, "nodelink": NodeLink}


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(User.objects.create_superuser("admin", "admin@example.com", "none"))
    return client


@pytest.fixture
def link(alice, node):
    return NodeLink.objects.create(
        owner=alice, from_node=node, to_node=Node.objects.create(owner=alice, title="Anywhere")
    )


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


def url(kind, page, *args):
    return reverse(f"admin:thinking_{kind}_{page}", args=args)


def test_it_works(admin, link, kind):
    assert admin.get(url(kind, "changelist")).status_code == 200
    for row in MODELS[kind].objects.all():
        page = admin.get(url(kind, "change", row.pk))
        assert page.status_code == 200


def test_search_by_owner(admin, link, other_node, kind):
    page = admin.get(url(kind, "changelist"), {"q": "bob"})

    bob = User.objects.get(username="bob")
    assert set(page.context["cl"].result_list) == set(MODELS[kind].objects.owned_by(bob))


def test_queries_do_not_grow_with_the_list(admin, alice, link, kind, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as captured:
            admin.get(url(kind, "changelist"))
        return len(captured)

    before = queries()
    for number in range(4):
        project = rounds.start_project(alice, f"Project {number}")
        nodes = [Node.objects.create(owner=alice, title=f"{number}{end}", project=project) for end in "ab"]
        NodeLink.objects.create(owner=alice, from_node=nodes[0], to_node=nodes[1])
    assert queries() == before


@pytest.mark.parametrize("kind", ["round", "step", "node", "nodelink"])
def test_only_projects_are_added(admin, kind):
    assert admin.get(url(kind, "add")).status_code == 403


def test_a_project_is_added_with_its_first_round(admin, alice):
    response = admin.post(url("project", "add"), {"owner": str(alice.pk), "title": "Added", "category": ""})

    assert response.status_code == 302
    project = Project.objects.get()
    assert (project.owner, project.title) == (alice, "Added")
    assert project.rounds.get().steps.count() == 5


def test_owners_are_found_by_typing(admin, alice):
    response = admin.get(
        reverse("admin:autocomplete"),
        {"app_label": "thinking", "model_name": "project", "field_name": "owner", "term": "ali"},
    )

    assert [found["id"] for found in response.json()["results"]] == [str(alice.pk)]


def test_what_the_program_keeps_is_not_edited(admin, alice, bob, project):
    body = {
        **{"title": "Changed", "category": "", "owner": str(bob.pk), "status": "completed", "version": "9"},
        **{"rounds-TOTAL_FORMS": "0", "rounds-INITIAL_FORMS": "0"},
    }

    assert admin.post(url("project", "change", project.pk), body).status_code == 302

    project.refresh_from_db()
    assert (project.title, project.owner, project.status, project.version) == ("Changed", alice, "active", 2)


@pytest.mark.parametrize("kind", ["round", "step"])
def test_what_people_think_is_not_edited_and_does_not_go_alone(admin, node, kind):
    row = MODELS[kind].objects.first()

    assert admin.post(url(kind, "change", row.pk), {"note": "Changed"}).status_code == 403
    assert admin.post(url(kind, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert MODELS[kind].objects.filter(pk=row.pk).exists()


def test_a_project_goes_with_its_rounds(admin, project, link):
    rounds.start_next_round(project)

    assert admin.post(url("project", "delete", project.pk), {"post": "yes"}).status_code == 302

    assert not Project.objects.exists()
    assert not Step.objects.exists()


def test_an_account_goes_with_everything(admin, alice, project, link):
    page = reverse("admin:accounts_user_delete", args=[alice.pk])

    assert admin.post(page, {"post": "yes"}).status_code == 302

    assert not Project.objects.exists()


def test_to_the_trash_and_back(admin, project, node):
    def run(action, kind, row):
        page = admin.post(url(kind, "changelist"), {"action": action, "_selected_action": [str(row.pk)]}, follow=True)
        row.refresh_from_db()
        return page

    run("move_to_trash", "project", project)
    assert project.deleted_at
    assert project.version == 2

    trash.move_to_trash(node)
    page = run("restore", "node", node)
    assert node.deleted_at
    assert [message.level_tag for message in page.context["messages"]] == ["error"]

    run("restore", "project", project)
    run("restore", "node", node)
    assert not project.deleted_at
    assert not node.deleted_at


def test_a_link_that_is_deleted_does_not_arise_again(admin, alice, project):
    nodes.create_node(alice, title="誤差", project=project)
    node = nodes.create_node(alice, title="誤差", project=project)
    link = NodeLink.objects.get()

    assert admin.post(url("nodelink", "delete", link.pk), {"post": "yes"}).status_code == 302
    nodes.change_node(node, context="誤差")
    link.refresh_from_db()
    assert link.removed_at

    NodeLink.objects.update(removed_at=None)
    body = {"action": "delete_selected", "_selected_action": [str(link.pk)], "post": "yes"}
    assert admin.post(url("nodelink", "changelist"), body).status_code == 302
    assert not NodeLink.objects.filter(removed_at=None).exists()


def test_a_link_that_is_weighed_stays_as_it_was_weighed(admin, alice, project):
    nodes.create_node(alice, title="誤差", project=project)
    node = nodes.create_node(alice, title="誤差", project=project)
    link = NodeLink.objects.get()

    assert admin.post(url("nodelink", "change", link.pk), {"weight": "0.9"}).status_code == 302
    nodes.change_node(node, context="誤差")

    link.refresh_from_db()
    assert (str(link.weight), link.origin) == ("0.9", "manual")
