"""An account goes out and comes in, at any time and again: it is the same thing, once, and nothing newer is lost."""

import json

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from rest_framework.test import APIClient

from apps.thinking import content
from apps.thinking.models import Node, NodeLink, Project, Round, Step
from apps.thinking.tests.states import WORDS, Person, check
from apps.thinking.tests.test_api_exchange import exported, imported
from apps.thinking.tests.test_exchange import contents, same
from conftest import UserFactory

FORMS = ("json", "obsidian")
# In a file, as part of its length, which is another each time.
PLACES = st.floats(0, 1, exclude_max=True)


def rows():
    return [model.objects.count() for model in (Project, Round, Step, Node, NodeLink)]


def number(report, *kinds) -> int:
    return sum(counts[kind] for counts in report.values() if isinstance(counts, dict) for kind in kinds)


def by_id(export: dict) -> dict:
    """Each thing of an export on its own."""
    found = {}
    for project in export["projects"]:
        found["project", project["id"]] = {**project, "rounds": None, "nodes": None}
        for round in project["rounds"]:
            found["round", round["id"]] = {**round, "steps": None}
            found.update({("step", step["id"]): step for step in round["steps"]})
        found.update({("node", node["id"]): {**node, "in": project["id"]} for node in project["nodes"]})
    found.update({("node", node["id"]): {**node, "in": None} for node in export["nodes"]})
    # Those that arise by themselves change with the nodes.
    found.update({("link", link["id"]): link for link in export["links"] if link["origin"] == "manual"})
    return found


def without_times(things: dict) -> dict:
    left_out = {"created_at", "updated_at", "renames"}
    return {key: {name: thing[name] for name in thing.keys() - left_out} for key, thing in things.items()}


class Imports(Person):
    @initialize()
    def start(self):
        self.files = []
        self.other = UserFactory()
        self.as_other = APIClient()
        self.as_other.force_authenticate(self.other)
        self.create_project("最初")

    def projects(self):
        return [project["id"] for project in self.listed("projects/?ordering=created_at")]

    def nodes(self):
        return [node["id"] for node in self.listed("nodes/?ordering=created_at")]

    @rule(title=WORDS)
    def create_project(self, title):
        self.ask("post", "projects/", {"title": title}, 201)

    @rule(data=st.data(), title=WORDS)
    def create_node(self, data, title):
        place = data.draw(st.sampled_from([None, *self.projects()]), "project")
        self.ask("post", "nodes/", {"title": title, "project": place}, 201)

    @rule(data=st.data(), title=WORDS)
    def rename(self, data, title):
        kinds = {"projects": self.projects(), "nodes": self.nodes()}
        url = data.draw(st.sampled_from([f"{kind}/{id}/" for kind, ids in kinds.items() for id in ids] or [None]))
        if url:
            self.ask("patch", url, {"title": title})

    @rule(data=st.data(), type=st.sampled_from(list(content.SHAPES)))
    def write(self, data, type):
        for project in self.projects()[:1]:
            round = self.listed(f"projects/{project}/rounds/")[-1]
            [step] = [step["id"] for step in self.listed(f"rounds/{round['id']}/steps/") if step["type"] == type]
            self.ask("patch", f"steps/{step}/", {"content": data.draw(contents(type))})
            self.ask("patch", f"rounds/{round['id']}/", {"note": data.draw(WORDS)})

    @rule()
    def start_next_round(self):
        for project in self.listed("projects/?ordering=created_at")[:1]:
            if project["rounds_count"] < 5:
                self.ask("post", f"projects/{project['id']}/rounds/", {}, 201)

    @rule(data=st.data(), weight=st.integers(1, 10))
    def link(self, data, weight):
        nodes = self.nodes()
        if len(nodes) > 1:
            one, other = data.draw(st.lists(st.sampled_from(nodes), min_size=2, max_size=2, unique=True))
            answer = self.client.post(f"/api/v1/nodes/{one}/links/", {"to": other})
            self.ask("patch", f"links/{answer.json()['id']}/", {"weight": weight / 10})

    @rule(data=st.data())
    def delete_node(self, data):
        id = data.draw(st.sampled_from(self.nodes() or [None]), "node")
        if id:
            self.ask("delete", f"nodes/{id}/", status=204)

    @rule(form=st.sampled_from(FORMS))
    def export(self, form):
        self.files.append((form, exported(self.client, form), exported(self.client)))

    def take(self, client, file) -> dict:
        answer = imported(client, file)
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()

    @rule(form=st.sampled_from(FORMS))
    def come_in_at_once(self, form):
        """Nothing of it is new."""
        before = exported(self.client)
        report = self.take(self.client, exported(self.client, form))
        assert (number(report, "created", "changed", "kept"), report["kept"]) == (0, [])
        assert same(exported(self.client)) == same(before)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def come_in_late(self, data):
        """What was changed meanwhile stays and is named; what went since comes back."""
        _form, file, as_json = data.draw(st.sampled_from(self.files), "file")
        then, before = by_id(json.loads(as_json)), by_id(json.loads(exported(self.client)))
        count = rows()

        report = self.take(self.client, file)

        after = by_id(json.loads(exported(self.client)))
        assert without_times({key: after[key] for key in before}) == without_times(before)
        assert then.keys() - before.keys() <= after.keys() | {key for key in then if key[0] == "link"}
        old, new = without_times(then), without_times(before)
        differ = {key for key in old.keys() & new.keys() if old[key] != new[key]}
        assert {kept["place"] for kept in report["kept"] if kept["kind"] in ("project", "round", "node")} >= {
            id for kind, id in differ if kind in ("project", "round", "node")
        }
        assert len(report["kept"]) == number(report, "kept") >= len(differ)
        # It is the same file a second time.
        count = rows()
        assert number(self.take(self.client, file), "created") == 0
        assert rows() == count

    @rule()
    def come_in_elsewhere(self):
        """It is the same there, under ids of its own; a second time nothing happens."""
        file = exported(self.client)
        fresh = UserFactory()
        client = APIClient()
        client.force_authenticate(fresh)
        assert number(self.take(client, file), "changed", "unchanged", "kept") == 0
        assert same(exported(client)) == same(file, fresh)
        assert number(self.take(client, file), "created", "changed", "kept") == 0
        assert same(exported(client)) == same(file, fresh)

    @rule(data=st.data(), form=st.sampled_from(FORMS))
    def come_in_cut_off(self, data, form):
        file = exported(self.client, form)
        self.nothing_comes_in(file[: 1 + int(data.draw(PLACES, "end") * (len(file) - 3))])

    @rule(data=st.data(), form=st.sampled_from(FORMS))
    def come_in_with_a_wrong_bit(self, data, form):
        """Refused, or with a JSON file, which has no checksum, another file of the format: never half of it."""
        file = bytearray(exported(self.client, form))
        file[int(data.draw(PLACES, "byte") * len(file))] ^= 1 << data.draw(st.integers(0, 7), "bit")
        before, count = exported(self.as_other), rows()
        answer = imported(self.as_other, bytes(file))
        assert answer.status_code in (200, 400, 422), answer.content.decode()
        if answer.status_code != 200:
            assert (rows(), same(exported(self.as_other))) == (count, same(before))
        else:
            report = answer.json()
            stored = [now - then for now, then in zip(rows(), count, strict=True)]
            assert stored == [report[kind]["created"] for kind in ("projects", "rounds", "steps", "nodes", "links")]
            if form == "obsidian":
                # What a checksum does not cover says nothing of what is in the file.
                titles = {project["title"] for project in self.listed("projects/")}
                assert {row["title"] for row in json.loads(exported(self.as_other))["projects"]} <= titles
        self.other.projects.all().delete()
        self.other.nodes.all().delete()

    def nothing_comes_in(self, file):
        before, count = exported(self.as_other), rows()
        answer = imported(self.as_other, file)
        assert answer.status_code in (400, 422), answer.content.decode()
        assert (rows(), same(exported(self.as_other))) == (count, same(before))


@pytest.mark.django_db
def test_it_holds(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    check(Imports)
