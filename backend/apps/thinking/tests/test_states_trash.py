"""Things go to the trash, come back, and go for good: every answer knows of it, and nothing else changes."""

from datetime import datetime, timedelta, timezone

import pytest
import time_machine
from django.core.management import call_command
from django.test import TestCase
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from apps.thinking.models import Node
from apps.thinking.tests.states import Person, check
from apps.thinking.tests.test_images import picture
from apps.thinking.trash import KEPT_FOR

# In every title, so that a search tells what is there.
WORD = "引き継ぎ"
BEGIN = datetime(2026, 1, 5, tzinfo=timezone.utc)


class Trash(Person):
    def __init__(self):
        super().__init__()
        self.clock = time_machine.travel(BEGIN, tick=False)
        self.time = self.clock.start()
        self.now = BEGIN

    def teardown(self):
        self.clock.stop()
        for name in self.images():
            self.storage.delete(f"nodes/{name}")
        super().teardown()

    @initialize()
    def start(self):
        self.storage = Node.image.field.storage
        self.things = {}  # by id: kind, project, whether linked to, since when in the trash
        self.links = {}  # ids by pair
        self.create_project()

    def ask(self, *arguments, **options):
        # What happens at the end of a transaction, which is none here.
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().ask(*arguments, **options)

    def images(self):
        return set(self.storage.listdir("nodes")[1]) if self.storage.exists("nodes") else set()

    def url(self, id):
        return f"{self.things[id]['kind']}s/{id}/"

    def not_found(self, id):
        return {"project": "RES_001", "node": "RES_004"}[self.things[id]["kind"]]

    def is_kept(self, id):
        thing = self.things[id]
        return thing["since"] is None and (thing["project"] is None or self.is_kept(thing["project"]))

    def kept(self, kind):
        return [id for id, thing in self.things.items() if thing["kind"] == kind and self.is_kept(id)]

    def trashed(self):
        return [id for id, thing in self.things.items() if thing["since"] is not None]

    def as_it_is(self, id) -> dict:
        """All that belongs to a thing, without what going to the trash and coming back change by nature."""
        own = self.ask("get", self.url(id))
        found = {"own": {key: own[key] for key in own.keys() - {"version", "updated_at", "deleted_at", "links_count"}}}
        if self.things[id]["kind"] == "project":
            rounds = self.listed(f"projects/{id}/rounds/")
            found["rounds"] = rounds
            found["steps"] = [self.listed(f"rounds/{round['id']}/steps/") for round in rounds]
            nodes = self.listed(f"nodes/?project={id}&ordering=created_at")
            found["nodes"] = [{**node, "links_count": None} for node in nodes]
        return found

    @rule()
    def create_project(self):
        project = self.ask("post", "projects/", {"title": f"{WORD} {len(self.things)}"}, 201)
        self.things[project["id"]] = {"kind": "project", "project": None, "since": None, "image": None}

    @rule(data=st.data())
    def create_node(self, data):
        place = data.draw(st.sampled_from([None, *self.kept("project")]), "project")
        node = self.ask("post", "nodes/", {"title": f"{WORD} {len(self.things)}", "project": place}, 201)
        self.things[node["id"]] = {"kind": "node", "project": place, "since": None, "image": None}

    @precondition(lambda self: self.kept("project"))
    @rule(data=st.data())
    def write(self, data):
        project = data.draw(st.sampled_from(self.kept("project")), "project")
        round = self.listed(f"projects/{project}/rounds/")[-1]
        step = self.listed(f"rounds/{round['id']}/steps/")[0]
        self.ask("patch", f"steps/{step['id']}/", {"content": {"theme": f"{WORD} {step['version']}"}})

    @precondition(lambda self: len(self.kept("node")) > 1)
    @rule(data=st.data())
    def link(self, data):
        one, other = data.draw(st.lists(st.sampled_from(self.kept("node")), min_size=2, max_size=2, unique=True))
        answer = self.client.post(f"/api/v1/nodes/{one}/links/", {"to": other})
        assert answer.status_code in (200, 201)
        self.links[frozenset((one, other))] = answer.json()["id"]

    @precondition(lambda self: self.kept("node"))
    @rule(data=st.data())
    def give_image(self, data):
        id = data.draw(st.sampled_from(self.kept("node")), "node")
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = self.client.put(f"/api/v1/nodes/{id}/image/", picture(size=(2, 2)), content_type="image/png")
        assert answer.status_code == 200
        self.things[id]["image"] = answer.json()["image"].split("/")[-1]

    @precondition(lambda self: self.kept("project") or self.kept("node"))
    @rule(data=st.data())
    def move_to_trash(self, data):
        id = data.draw(st.sampled_from([*self.kept("project"), *self.kept("node")]), "thing")
        self.things[id]["before"] = self.as_it_is(id)
        self.ask("delete", self.url(id), status=204)
        self.things[id]["since"] = self.now

    @precondition(lambda self: self.trashed())
    @rule(data=st.data())
    def restore(self, data):
        id = data.draw(st.sampled_from(self.trashed()), "thing")
        thing = self.things[id]
        if thing["project"] and not self.is_kept(thing["project"]):
            self.refused("BIZ_001", "post", f"{self.url(id)}restore/")
            return
        assert self.ask("post", f"{self.url(id)}restore/")["deleted_at"] is None
        thing["since"] = None
        before, after = thing.pop("before"), self.as_it_is(id)
        if thing["kind"] == "project":
            # One of its nodes may have been deleted for good, by itself, from the trash.
            there = {node["id"] for node in after["nodes"]}
            assert there == {node for node in self.kept("node") if self.things[node]["project"] == id}
            before["nodes"] = [node for node in before["nodes"] if node["id"] in there]
            for found in (before, after):
                found["own"].pop("nodes_count")
        else:
            for found in (before, after):
                # Its project's steps may have been written meanwhile.
                found["own"].pop("appears_in")
        assert after == before

    @precondition(lambda self: self.kept("project"))
    @rule(data=st.data())
    def restore_what_is_there(self, data):
        id = data.draw(st.sampled_from(self.kept("project")), "project")
        assert self.ask("get", self.url(id)) == self.ask("post", f"{self.url(id)}restore/")

    @precondition(lambda self: self.trashed())
    @rule(data=st.data(), method=st.sampled_from(["patch", "put", "delete"]))
    def write_what_is_in_the_trash(self, data, method):
        id = data.draw(st.sampled_from(self.trashed()), "thing")
        self.refused(self.not_found(id), method, self.url(id), {"title": "late"}, status=404)

    @precondition(lambda self: self.trashed())
    @rule(data=st.data())
    def delete_for_good(self, data):
        id = data.draw(st.sampled_from(self.trashed()), "thing")
        self.ask("delete", f"trash/{id}/", status=204)
        self.forget(id)
        self.refused("RES_006", "delete", f"trash/{id}/", status=404)

    @precondition(lambda self: self.kept("project"))
    @rule(data=st.data())
    def delete_for_good_what_is_not_in_the_trash(self, data):
        id = data.draw(st.sampled_from(self.kept("project")), "project")
        self.refused("RES_006", "delete", f"trash/{id}/", status=404)

    @rule(days=st.sampled_from([1, 10, 29, 30, 31]))
    def days_pass(self, days):
        self.now += timedelta(days=days)
        self.time.move_to(self.now)
        with TestCase.captureOnCommitCallbacks(execute=True):
            call_command("empty_trash", verbosity=0)
        for id in self.trashed():
            if id in self.things and self.things[id]["since"] < self.now - KEPT_FOR:
                self.forget(id)

    def forget(self, id):
        del self.things[id]
        for other in [other for other, thing in self.things.items() if thing["project"] == id]:
            self.forget(other)
        self.links = {pair: link for pair, link in self.links.items() if id not in pair}

    @invariant()
    def lists_show_what_is_kept(self):
        for kind in ("project", "node"):
            assert {row["id"] for row in self.listed(f"{kind}s/")} == set(self.kept(kind))
            assert {row["id"] for row in self.listed(f"{kind}s/?q={WORD}")} == set(self.kept(kind))

    @invariant()
    def the_trash_shows_what_is_in_it(self):
        listed = self.listed("trash/")
        told = {row["id"]: (row["kind"], datetime.fromisoformat(row["deleted_at"])) for row in listed}
        assert told == {id: (self.things[id]["kind"], self.things[id]["since"]) for id in self.trashed()}
        for row in listed:
            left = datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["deleted_at"])
            assert left == KEPT_FOR

    @invariant()
    def search_finds_what_is_kept(self):
        results = self.listed(f"search/?q={WORD}")
        kept = {"project": self.kept("project"), "node": self.kept("node")}
        for kind, ids in kept.items():
            assert {row["id"] for row in results if row["kind"] == kind} == set(ids)
        assert {row["project"]["id"] for row in results if row["kind"] == "step"} <= set(kept["project"])

    @invariant()
    def what_is_not_kept_is_not_found(self):
        for id in self.things:
            if not self.is_kept(id):
                self.refused(self.not_found(id), "get", self.url(id), status=404)

    @invariant()
    def links_and_images_go_and_come_with_their_nodes(self):
        kept = set(self.kept("node"))
        for node in self.listed("nodes/"):
            id = node["id"]
            assert (node["image"] or "").split("/")[-1] == (self.things[id]["image"] or "")
            listed = self.listed(f"nodes/{id}/links/")
            assert node["links_count"] == len(listed)
            ends = {link["id"]: frozenset((link["from"]["id"], link["to"]["id"])) for link in listed}
            assert all(pair <= kept for pair in ends.values())
            manual = {link["id"] for link in listed if link["origin"] == "manual"}
            assert manual == {link for pair, link in self.links.items() if id in pair and pair <= kept}
        assert self.images() == {thing["image"] for thing in self.things.values() if thing["image"]}


@pytest.mark.django_db
def test_it_holds(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    check(Trash)
