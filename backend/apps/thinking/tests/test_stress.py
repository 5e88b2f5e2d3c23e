"""Many clients of one account do whatever comes to their mind at once; then the whole database is looked through."""

import json
import random
import uuid
from collections import defaultdict
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from hypothesis import settings

from apps.thinking import content, history, rounds
from apps.thinking.models import LAST_ROUND, Node, NodeLink, Project, Round, Step
from apps.thinking.tests.test_api_exchange import exported
from apps.thinking.tests.test_api_images import picture
from apps.thinking.tests.test_concurrency import IMPORT, at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgresql"),
]

CLIENTS = 8
OPERATIONS = 500 if settings.get_current_profile_name() == "torture" else 25  # of each client
WORDS = ["誤差", "測定誤差", "負担", "夜勤の負担", "確認", "error"]
MODELS = {"projects": Project, "rounds": Round, "steps": Step, "nodes": Node, "links": NodeLink}
IMAGE = picture(size=(4, 4))


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


class Somebody:
    """One of the clients, and what it was answered."""

    def __init__(self, client, chance: random.Random):
        self.client, self.chance = client, chance
        self.statuses = []
        # By kind and id: the versions that the answers to its writes had, and how many others it made or may have made.
        self.versions = defaultdict(list)
        self.removals = defaultdict(int)
        self.restores = defaultdict(int)
        self.gone = set()
        self.themes = {}  # by step and version

    def one_of(self, kind: str) -> str:
        ids = list(MODELS[kind].objects.values_list("pk", flat=True)[:200])
        return str(self.chance.choice(ids) if ids else uuid.uuid4())

    def ask(self, method: str, path: str, body=None, version=None, **options):
        headers = {} if version is None else {"If-Match": str(version)}
        answer = getattr(self.client, method)(f"/api/v1/{path}", body, headers=headers, **options)
        self.statuses.append(answer.status_code)
        assert answer.status_code < 500, (method, path, answer.content.decode())
        return answer

    def write(self, kind: str, method: str, path: str, body=None, **options):
        """With the version that it has just seen, or without any."""
        version = None
        if self.chance.random() < 0.3 and method == "patch":
            version = self.client.get(f"/api/v1/{path}").json().get("version")
        answer = self.ask(method, path, body, version, **options)
        if answer.status_code == 200:
            self.versions[kind, answer.json()["id"]].append(answer.json()["version"])
        return answer

    def remove(self, kind: str):
        id = self.one_of(kind)
        if self.ask("delete", f"{kind}/{id}/").status_code == 204:
            self.removals[kind, id] += 1

    def create_project(self):
        self.ask("post", "projects/", {"title": self.chance.choice(WORDS)})

    def change_project(self):
        self.write("projects", "patch", f"projects/{self.one_of('projects')}/", {"category": uuid.uuid4().hex})

    def change_status(self):
        action = self.chance.choice(["complete", "pend", "reopen", "reopen"])
        self.write("projects", "post", f"projects/{self.one_of('projects')}/{action}/")

    def start_next_round(self):
        self.ask("post", f"projects/{self.one_of('projects')}/rounds/", {})

    def write_note(self):
        self.write("rounds", "patch", f"rounds/{self.one_of('rounds')}/", {"note": uuid.uuid4().hex})

    def write_step(self):
        id = str(self.chance.choice(list(Step.objects.filter(type="overview").values_list("pk", flat=True)[:5])))
        theme = f"{self.chance.choice(WORDS)} {uuid.uuid4().hex}"
        answer = self.write("steps", "patch", f"steps/{id}/", {"content": {"theme": theme}})
        if answer.status_code == 200:
            self.themes[id, answer.json()["version"]] = theme

    def take_words(self):
        step = self.one_of("steps")
        self.ask("post", f"steps/{step}/keywords/", {"accepted": [self.chance.choice(WORDS)]})

    def create_node(self):
        project = self.chance.choice([None, self.one_of("projects")])
        self.ask("post", "nodes/", {"title": self.chance.choice(WORDS), "project": project})

    def create_node_as_another_does(self):
        self.ask("post", "nodes/", {"id": str(uuid.UUID(int=self.chance.randrange(20))), "title": "誤差"})

    def change_node(self):
        body = {"title": f"{self.chance.choice(WORDS)} {self.chance.choice(WORDS)}"}
        if self.chance.random() < 0.3:
            body |= {"project": self.chance.choice([None, self.one_of("projects")]), "round": None, "step": None}
        self.write("nodes", "patch", f"nodes/{self.one_of('nodes')}/", body)

    def give_image(self):
        self.write("nodes", "put", f"nodes/{self.one_of('nodes')}/image/", IMAGE, content_type="image/png")

    def link(self):
        self.ask("post", f"nodes/{self.one_of('nodes')}/links/", {"to": self.one_of("nodes")})

    def weigh(self):
        self.write("links", "patch", f"links/{self.one_of('links')}/", {"weight": self.chance.randint(1, 10) / 10})

    def remove_link(self):
        self.remove("links")

    def move_to_trash(self):
        self.remove(self.chance.choice(["projects", "nodes", "nodes"]))

    def restore(self):
        kind = self.chance.choice(["projects", "nodes"])
        id = self.one_of(kind)
        if self.ask("post", f"{kind}/{id}/restore/").status_code == 200:
            self.restores[kind, id] += 1

    def delete_for_good(self):
        if self.chance.random() < 0.3:
            id = self.one_of(self.chance.choice(["projects", "nodes"]))
            if self.ask("delete", f"trash/{id}/").status_code == 204:
                self.gone.add(id)

    def read(self):
        self.ask("get", self.chance.choice(["projects/", "nodes/", "trash/", "search/?q=誤差"]))
        self.ask("get", f"projects/{self.one_of('projects')}/graph/")

    def go_on(self, operations: int):
        for _ in range(operations):
            self.chance.choice(self.WHATEVER)(self)

    WHATEVER = [
        create_project, change_project, change_status, start_next_round, write_note, take_words,
        *[write_step] * 4, *[create_node] * 2, create_node_as_another_does, *[change_node] * 2, give_image,
        *[link] * 2, weigh, remove_link, *[move_to_trash] * 2, *[restore] * 2, delete_for_good, read,
    ]  # fmt: skip


class Importer(Somebody):
    """Brings in, again and again, what it took out a while ago."""

    def go_on(self, operations: int):
        file = exported(self.client)
        for number in range(max(1, operations // 10)):
            answer = self.client.generic("POST", IMPORT, file, "application/json")
            self.statuses.append(answer.status_code)
            assert answer.status_code in (200, 422), answer.content.decode()
            if number % 5 == 0:
                file = exported(self.client)


def let_loose(user, kinds) -> list[Somebody]:
    seed = random.randrange(10**9)  # noqa: S311
    print("seed", seed)
    everybody = []

    def run(kind, number):
        def go(client):
            one = kind(client, random.Random(seed + number))  # noqa: S311
            everybody.append(one)
            one.go_on(OPERATIONS)

        return go

    before = deadlocks()
    at_once(user, *[run(kind, number) for number, kind in enumerate(kinds)])
    assert deadlocks() == before
    print("answers", sum(len(one.statuses) for one in everybody))
    return everybody


@pytest.fixture
def crowd(alice, media, monkeypatch):
    """A few things to begin with."""
    monkeypatch.setattr(history, "ONE_SITTING", timedelta(0))
    for title in WORDS[:3]:
        project = rounds.start_project(alice, title)
        Node.objects.create(owner=alice, title=title, project=project)
    return alice


def look_through(media):
    """What has to be so whatever anybody did."""
    images = set(Node.objects.exclude(image="").values_list("image", flat=True))
    assert {f"nodes/{path.name}" for path in media.glob("*")} == images
    for project in Project.objects.all():
        numbers = list(project.rounds.order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert 1 <= len(numbers) <= LAST_ROUND
    for round in Round.objects.prefetch_related("steps"):
        assert sorted(step.type for step in round.steps.all()) == sorted(content.SHAPES)
    for step in Step.objects.prefetch_related("revisions"):
        assert step.content == content.clean(step.type, step.content)
        assert step.text == content.plain_text(step.type, step.content)
        revisions = list(step.revisions.all())
        if revisions:
            assert (revisions[0].version, revisions[0].content) == (step.version, step.content)
    pairs = [frozenset(pair) for pair in NodeLink.objects.values_list("from_node", "to_node")]
    assert len(set(pairs)) == len(pairs)
    strangers = NodeLink.objects.exclude(from_node__owner=F("owner")) | NodeLink.objects.exclude(
        to_node__owner=F("owner")
    )
    assert not strangers.exists()
    assert not Node.objects.exclude(round=None).exclude(round__project=F("project")).exists()
    assert not Node.objects.exclude(step=None).exclude(step__round=F("round")).exists()


def test_nothing_is_lost(crowd, media):
    everybody = let_loose(crowd, [Somebody] * CLIENTS)

    look_through(media)
    # What was made again with the same id has begun again.
    gone = set().union(*(one.gone for one in everybody))
    for kind in ("projects", "rounds", "steps", "nodes"):
        for id, version in MODELS[kind].objects.exclude(pk__in=gone).values_list("pk", "version"):
            key = kind, str(id)
            versions = [number for one in everybody for number in one.versions[key]]
            assert len(set(versions)) == len(versions)
            least = 1 + len(versions) + sum(one.removals[key] for one in everybody)
            if kind == "projects":
                # That a round starts is written in its project too.
                least += Round.objects.filter(project=id, number__gt=1).count()
            # What is not in the trash is restored without being written.
            assert least <= version <= least + sum(one.restores[key] for one in everybody)
    for one in everybody:
        for (id, version), theme in one.themes.items():
            for step in Step.objects.filter(pk=id):
                assert step.revisions.get(version=version).content["theme"] == theme


def test_nothing_is_lost_while_files_come_in(crowd, media):
    let_loose(crowd, [Somebody] * (CLIENTS - 1) + [Importer])

    look_through(media)


def test_two_accounts_do_not_meet(crowd, bob, media):
    rounds.start_project(bob, "誤差")
    before = json.loads(at_once(bob, exported)[0])

    let_loose(crowd, [Somebody] * 2)

    after = json.loads(at_once(bob, exported)[0])
    # Of the person it says that there was an export.
    changing = {"exported_at": "", "account": {}}
    assert after | changing == before | changing
