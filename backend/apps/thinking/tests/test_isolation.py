"""Nobody reaches what is somebody else's, by any route of the API: each is tried with every method and every id."""

import json
import uuid

import pytest
from django.core import serializers
from django.urls import URLPattern, get_resolver

from apps.thinking.models import Node, NodeLink, Project, Round, Step
from conftest import refused

# Every route that takes an id: what it is the id of, and a body that would be right for its owner.
ROUTES = {
    "projects/<str:pk>/": ("RES_001", {"title": "taken"}),
    "projects/<str:pk>/complete/": ("RES_001", {}),
    "projects/<str:pk>/pend/": ("RES_001", {}),
    "projects/<str:pk>/reopen/": ("RES_001", {}),
    "projects/<str:pk>/restore/": ("RES_001", {}),
    "projects/<str:pk>/graph/": ("RES_001", {}),
    "projects/<str:pk>/rounds/": ("RES_001", {"note": "taken"}),
    "projects/<str:pk>/export/": ("RES_001", {}),
    "rounds/<str:pk>/": ("RES_002", {"note": "taken"}),
    "rounds/<str:pk>/diff/": ("RES_002", {}),
    "rounds/<str:pk>/steps/": ("RES_002", {}),
    "steps/<str:pk>/": ("RES_003", {"content": {}}),
    "steps/<str:pk>/history/": ("RES_003", {}),
    "steps/<str:pk>/history/<int:version>/": ("RES_003", {}),
    "steps/<str:pk>/history/<int:version>/restore/": ("RES_003", {}),
    "steps/<str:pk>/keywords/": ("RES_003", {"refused": ["taken"]}),
    "nodes/<str:pk>/": ("RES_004", {"title": "taken"}),
    "nodes/<str:pk>/restore/": ("RES_004", {}),
    "nodes/<str:pk>/image/": ("RES_004", {}),
    "nodes/<str:pk>/links/": ("RES_004", {"weight": 0.5}),
    "links/<str:pk>/": ("RES_006", {"weight": 0.5}),
    "trash/<str:pk>/": ("RES_006", {}),
    "auth/sessions/<str:pk>/": ("RES_006", {}),
}
# Every route that lists or makes something.
LISTS = ["projects/", "nodes/"]
# Routes that take no id: they are about the one who asks, or about nobody.
WITHOUT_OBJECTS = {
    "health/",
    "health/ready/",
    "version/",
    "schema/",
    "docs/",
    "auth/register/",
    "auth/login/",
    "auth/token/",
    "auth/refresh/",
    "auth/logout/",
    "auth/me/",
    "account/export/",
    "account/import/",
    "account/example/",
    "auth/password/change/",
    "auth/password/reset/",
    "auth/password/reset/confirm/",
    "auth/sessions/",
    "auth/totp/",
    "auth/totp/confirm/",
    "trash/",
    "search/",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def routes(patterns=None, prefix=""):
    """(route below /api/v1/, view) for every route of the project."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            if route.startswith("api/v1/"):
                yield route.removeprefix("api/v1/"), pattern.callback
        elif not route.startswith("admin/"):
            yield from routes(pattern.url_patterns, route)


def address(route, id) -> str:
    return f"/api/v1/{route.replace('<str:pk>', str(id)).replace('<int:version>', '1')}"


def allowed(view) -> set[str]:
    """The methods that a view takes."""
    names = view.actions if hasattr(view, "actions") else [name for name in METHODS if hasattr(view.cls, name.lower())]
    methods = {name.upper() for name in names if name.lower() in view.cls.http_method_names}
    return methods | {"HEAD"} if "GET" in methods else methods


def stored() -> str:
    rows = [row for model in (Project, Round, Step, Node, NodeLink) for row in model.objects.order_by("pk")]
    return serializers.serialize("json", rows)


@pytest.fixture
def foreign_ids(bob, other_node):
    """Of every kind: also an id of the wrong kind is nothing but unknown."""
    gone = Node.objects.create(owner=bob, title="Gone", deleted_at=other_node.created_at)
    link = NodeLink.objects.create(owner=bob, from_node=other_node, to_node=gone)
    return [other_node.project_id, other_node.round_id, other_node.step_id, other_node.pk, gone.pk, link.pk]


def test_every_route_is_covered_here():
    known = {*ROUTES, *LISTS, *WITHOUT_OBJECTS}

    assert {route for route, _view in routes()} == known


@pytest.mark.parametrize(("route", "view"), list(routes()))
def test_every_foreign_id_is_unknown(as_alice, node, foreign_ids, route, view):
    if route not in ROUTES:
        assert "<" not in route
        return
    code, body = ROUTES[route]
    before = stored()
    for id in [*foreign_ids, uuid.uuid4()]:
        url = address(route, id)
        for method in METHODS:
            response = as_alice.generic(method, url, json.dumps(body), "application/json")
            if method == "HEAD":
                assert response.status_code == (404 if method in allowed(view) else 405)
            elif method == "OPTIONS":
                # It describes the route, and looks at no row.
                assert response.status_code == 200
            elif method in allowed(view):
                refused(response, 404, code)
            else:
                refused(response, 405, "REQ_001")
    assert stored() == before


@pytest.mark.parametrize("route", ROUTES)
def test_a_foreign_id_is_answered_like_one_that_does_not_exist(as_alice, foreign_ids, route):
    def answer(id):
        response = as_alice.patch(address(route, id), {"version": 7})
        error = response.json()["error"]
        return response.status_code, {**error, "request_id": "", "timestamp": ""}

    unknown = answer(uuid.uuid4())
    assert all(answer(id) == unknown for id in foreign_ids)


@pytest.mark.parametrize("route", LISTS)
def test_a_list_has_ones_own_only(as_alice, as_bob, node, foreign_ids, route):
    mine, theirs = as_alice.get(f"/api/v1/{route}").json(), as_bob.get(f"/api/v1/{route}").json()

    assert mine["count"] == theirs["count"] == 1
    assert mine["results"][0]["id"] != theirs["results"][0]["id"]
    assert not {str(id) for id in foreign_ids} & set(str(mine).split("'"))


@pytest.mark.parametrize("route", LISTS)
def test_no_create_takes_a_foreign_id(as_alice, node, foreign_ids, route):
    before = stored()
    for id in foreign_ids:
        response = as_alice.post(f"/api/v1/{route}", {"id": str(id), "title": "taken"})
        # An id of another kind is free here.
        if response.status_code != 201:
            refused(response, 422, "VAL_005", "id")
        assert not {str(row) for row in foreign_ids} - {str(id)} & set(str(response.json()).split("'"))
    Project.objects.filter(title="taken").delete()
    Node.objects.filter(title="taken").delete()
    assert stored() == before


@pytest.mark.parametrize(("route", "view"), list(routes()))
def test_nothing_is_there_without_a_login(client, node, route, view):
    if route in WITHOUT_OBJECTS:
        return
    url = address(route, node.pk)
    for method in allowed(view) - {"HEAD"}:
        refused(client.generic(method, url), 401, "AUTH_001")
