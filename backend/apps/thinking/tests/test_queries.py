"""How many queries each operation of the API asks, with little in the account and with more.

A number here is a promise, as those of test_budgets.py are, but exact: whoever needs another says why in the commit
that changes it. With it are the one for the token's session and user, one for the limit of calls, none of which are in
hand, and begin and commit of a write.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import second_factor, tokens
from apps.accounts.models import SecondFactor, Session, User
from apps.core import audit, throttling
from apps.thinking import rounds
from apps.thinking.exchange import json as exchange_json
from apps.thinking.exchange import obsidian
from apps.thinking.models import Node, NodeLink, NodeRename, Project, RefusedKeyword, Round, Step
from apps.thinking.tests.test_images import picture
from apps.thinking.tests.test_isolation import address, allowed, routes
from conftest import PASSWORD, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.limits, pytest.mark.usefixtures("immediately")]

# Rows of each kind. Not so many that Django or SQLite would take them in several parts.
FEW, MANY = 2, 8
# None of them stands in the example, whose nodes would be linked to these otherwise.
WORDS = ["蜜蜂", "巣箱", "花粉", "菜園", "温室", "堆肥", "雨樋", "納屋"]

UNPINNED = {
    "HEAD": "is answered by what answers GET",
    "OPTIONS": "describes the route, and looks at no row",
}


class World(NamedTuple):
    """What alice has."""

    user: User
    session: Session
    project: Project
    round: Round
    last_round: Round
    step: Step
    node: Node
    free_node: Node
    link: NodeLink
    gone_project: Project
    gone_node: Node


class Each(NamedTuple):
    """Of a call that asks the two databases differently."""

    sqlite: int
    postgresql: int


class Call(NamedTuple):
    queries: int | Each
    # Makes what is sent, and what has to be there for it.
    body: Callable[[World], Any] = lambda world: None
    # More for each project.
    growth: int = 0

    def expected(self, size: int) -> int:
        queries = getattr(self.queries, connection.vendor) if isinstance(self.queries, Each) else self.queries
        return queries + self.growth * (size - FEW)


def log_in(world) -> dict:
    return {"username": world.user.username, "password": PASSWORD}


def log_in_with_code(world) -> dict:
    return {**log_in(world), "code": turn_on(world).now()}


def turn_on(world):
    """Has the log-in want a code."""
    app = second_factor.begin(world.user)
    SecondFactor.objects.update(confirmed_at=timezone.now())
    return app


def turn_off(world) -> dict:
    turn_on(world)
    return log_in(world)


def refresh(world) -> dict:
    return {"refresh": tokens.start_session(world.user).refresh}


def link_to_reset(world) -> dict:
    return {
        "uid": str(world.user.pk),
        "token": default_token_generator.make_token(world.user),
        "new": PASSWORD[::-1],
    }


def title(world) -> dict:
    return {"title": "蜜蜂の巣箱"}


def note(world) -> dict:
    return {"note": "蜜蜂が減る"}


def new_node(world) -> dict:
    return {**title(world), "id": str(uuid.uuid4()), "step": str(world.step.pk)}


def exported(world, form=exchange_json) -> bytes:
    pieces = form.write(world.user)
    return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)


def lost(world, form=exchange_json) -> bytes:
    """An export of what is not there any more."""
    export = exported(world, form)
    Project.objects.all().delete()
    Node.objects.all().delete()
    return export


CALLS = {
    "GET health/": Call(0),
    "GET health/ready/": Call(9),
    "GET version/": Call(0),
    "GET schema/": Call(1),
    "GET docs/": Call(1),
    "POST auth/register/": Call(21, lambda world: {"username": "bob", "email": "b@example.com", "password": PASSWORD}),
    "POST auth/login/": Call(18, log_in),
    "POST auth/login/ with a code": Call(20, log_in_with_code),
    "POST auth/token/": Call(18, log_in),
    "POST auth/refresh/": Call(15, refresh),
    "POST auth/logout/": Call(3, refresh),
    "GET auth/me/": Call(2),
    "PATCH auth/me/": Call(17, lambda world: {"email": "alice@example.org"}),
    "DELETE auth/me/": Call(Each(47, 48), log_in),
    "POST auth/password/change/": Call(16, lambda world: {"old": PASSWORD, "new": PASSWORD[::-1]}),
    "POST auth/password/reset/": Call(8, lambda world: {"email": world.user.email}),
    "POST auth/password/reset/confirm/": Call(10, link_to_reset),
    "GET auth/sessions/": Call(4),
    "DELETE auth/sessions/": Call(4),
    "DELETE auth/sessions/<str:pk>/": Call(5),
    "GET auth/totp/": Call(4),
    "POST auth/totp/": Call(9),
    "POST auth/totp/confirm/": Call(9, lambda world: {"code": second_factor.begin(world.user).now()}),
    "DELETE auth/totp/": Call(8, turn_off),
    "GET projects/": Call(3),
    "POST projects/": Call(12, lambda world: {**title(world), "id": str(uuid.uuid4())}),
    "GET projects/<str:pk>/": Call(3),
    "PUT projects/<str:pk>/": Call(7, title),
    "PATCH projects/<str:pk>/": Call(7, title),
    "DELETE projects/<str:pk>/": Call(6),
    "POST projects/<str:pk>/complete/": Call(7),
    "POST projects/<str:pk>/pend/": Call(7),
    "POST projects/<str:pk>/reopen/": Call(7, lambda world: rounds.pend(world.project)),
    "POST projects/<str:pk>/restore/": Call(7),
    "GET projects/<str:pk>/graph/": Call(9),
    "GET projects/<str:pk>/rounds/": Call(3),
    "POST projects/<str:pk>/rounds/": Call(17, lambda world: {**note(world), "id": str(uuid.uuid4())}),
    "GET projects/<str:pk>/export/?as=json": Call(13),
    "GET projects/<str:pk>/export/?as=markdown": Call(17),
    "GET projects/<str:pk>/export/?as=obsidian": Call(25),
    "GET rounds/<str:pk>/": Call(3),
    "PATCH rounds/<str:pk>/": Call(11, note),
    "GET rounds/<str:pk>/diff/?with=…": Call(10),
    "GET rounds/<str:pk>/steps/": Call(3),
    "GET steps/<str:pk>/": Call(3),
    "PATCH steps/<str:pk>/": Call(11, lambda world: {"content": {"must": [{"text": word} for word in WORDS]}}),
    "GET steps/<str:pk>/history/": Call(5),
    "GET steps/<str:pk>/history/<int:version>/": Call(5),
    "POST steps/<str:pk>/history/<int:version>/restore/": Call(12),
    "GET steps/<str:pk>/keywords/": Call(6),
    "POST steps/<str:pk>/keywords/": Call(21, lambda world: {"accepted": WORDS[:1], "refused": WORDS[1:]}),
    "GET nodes/": Call(3),
    "POST nodes/": Call(Each(16, 15), new_node),
    "GET nodes/<str:pk>/": Call(3),
    "PUT nodes/<str:pk>/": Call(Each(20, 19), title),
    "PATCH nodes/<str:pk>/": Call(Each(21, 18), title),
    "DELETE nodes/<str:pk>/": Call(7),
    "POST nodes/<str:pk>/restore/": Call(9),
    "PUT nodes/<str:pk>/image/": Call(10, lambda world: picture()),
    "DELETE nodes/<str:pk>/image/": Call(9, lambda world: world.node.image.save("old.png", ContentFile(picture()))),
    "GET nodes/<str:pk>/links/": Call(5),
    "POST nodes/<str:pk>/links/": Call(10, lambda world: {"to": str(world.free_node.pk)}),
    "GET links/<str:pk>/": Call(3),
    "PATCH links/<str:pk>/": Call(7, lambda world: {"weight": 0.8}),
    "DELETE links/<str:pk>/": Call(6),
    "GET trash/": Call(4),
    "DELETE trash/<str:pk>/": Call(20),
    "DELETE trash/<str:pk>/ of a node": Call(10),
    "GET search/?q=蜜蜂": Call(Each(7, 12)),
    "POST account/example/": Call(Each(294, 230)),
    "GET account/export/?as=json": Call(24),
    # Reads the links of one project at a time.
    "GET account/export/?as=markdown": Call(17, growth=1),
    # And draws the ring map of each.
    "GET account/export/?as=obsidian": Call(29, growth=5),
    "POST account/import/": Call(Each(24, 25), lost),
    "POST account/import/ of a vault": Call(Each(19, 20), lambda world: lost(world, obsidian)),
    # Locks each project that is there, its rounds and its steps.
    "POST account/import/ of what is there": Call(Each(28, 29), exported, growth=3),
}


@pytest.fixture(params=[FEW, MANY], ids=lambda size: f"{size} of each")
def size(request):
    return request.param


@pytest.fixture
def world(alice, media, size):
    words, now = WORDS[:size], timezone.now()

    def make(title, **values) -> list[Node]:
        return Node.objects.bulk_create(Node(owner=alice, title=f"{title} {word}", **values) for word in words)

    for word in words:
        tokens.start_session(alice, word)
        audit.record("exported", account=alice.pk, form="json")
    project, *_others = [rounds.start_project(alice, f"{word}の世話") for word in words]
    gone_project, *_others = gone_projects = [rounds.start_project(alice, f"古い{word}") for word in words]
    Project.objects.filter(pk__in=[gone.pk for gone in gone_projects]).update(deleted_at=now)
    # A project has five at most, and one more is to be started.
    for _number in range(1, min(size, 4)):
        rounds.start_next_round(project, "蜜蜂が減る")
    round = project.rounds.first()
    step = round.steps.get(type="mvp")
    items = [{"id": str(uuid.uuid4()), "text": word, "struck": False, "origin": None} for word in words]
    for place in range(size):
        rounds.write_step(step, {"must": items[place:], "optional": items[:place], "later": []}, alice, apart=True)

    where = {"project": project, "round": round, "step": step, "context": "菜園の温室"}
    nodes, free, gone = make("植える", **where), make("どこでも"), make("捨てた", **where, deleted_at=now)
    went_along = make("共に捨てた", project=gone_project)
    first, *others = nodes
    ends = [*zip(nodes, others, strict=False), *((first, other) for other in [*others[1:], *free[1:], *gone])]
    ends += [*zip(others, free, strict=False), *zip(free, free[1:], strict=False), *zip(went_along, free, strict=True)]
    link, *_others = NodeLink.objects.bulk_create(NodeLink(owner=alice, from_node=a, to_node=b) for a, b in ends)
    renamed = [*nodes, *free, *went_along]
    NodeRename.objects.bulk_create(NodeRename(node=node, old_title="前", new_title=node.title) for node in renamed)
    RefusedKeyword.objects.bulk_create(
        RefusedKeyword(project=one, word=word) for one in (project, gone_project) for word in words
    )
    session, last_round = alice.sessions.first(), project.rounds.last()
    return World(alice, session, project, round, last_round, step, first, free[0], link, gone_project, gone[0])


def url(world: World, name: str) -> str:
    _method, route, *variant = name.split(" ", 2)
    is_gone = route.endswith("/restore/")
    ids = {
        "auth": world.session.pk,
        "projects": world.gone_project.pk if is_gone else world.project.pk,
        "rounds": world.round.pk,
        "steps": world.step.pk,
        "nodes": world.gone_node.pk if is_gone else world.node.pk,
        "links": world.link.pk,
        "trash": world.gone_node.pk if variant else world.gone_project.pk,
    }
    return address(route, ids.get(route.partition("/")[0])).replace("…", str(world.last_round.pk))


def methods(view) -> set[str]:
    # Health is no view of DRF's.
    return allowed(view) if hasattr(view, "cls") else {"GET", "HEAD"}


def test_each_method_of_each_route_is_called_here():
    called = {" ".join(name.partition("?")[0].split(" ")[:2]) for name in CALLS}

    assert called == {f"{method} {route}" for route, view in routes() for method in methods(view) - UNPINNED.keys()}


@pytest.mark.parametrize("name", CALLS)
def test_it_asks_as_often_as_it_did(world, size, name, monkeypatch, django_capture_on_commit_callbacks):
    body = CALLS[name].body(world)
    if isinstance(body, bytes):
        sent = body, "image/png" if "/image/" in name else "application/octet-stream"
    else:
        sent = json.dumps(body or {}), "application/json"
    client = signed_in(world.user)
    monkeypatch.setattr(throttling, "in_hand", {})
    # Asked of SQLite once in a process.
    assert connection.features.supports_json_field

    with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
        response = client.generic(name.partition(" ")[0], url(world, name), *sent)
        b"".join(response)

    assert response.status_code in (200, 201, 204), response.content
    asked = "\n".join(query["sql"] for query in captured.captured_queries)
    assert len(captured) == CALLS[name].expected(size), asked
