"""Links come and go, by hand and by themselves: one for each pair, what a person decided stands, the map agrees."""

import uuid

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from apps.thinking.models import NodeLink
from apps.thinking.tests.states import WORDS, Person, check

TENTHS = st.integers(1, 10).map(lambda tenths: tenths / 10)


class Links(Person):
    @initialize()
    def start(self):
        self.projects = [self.ask("post", "projects/", {"title": title}, 201)["id"] for title in "ab"]
        steps = [self.listed(f"projects/{project}/rounds/")[0] for project in self.projects]
        self.steps = [self.listed(f"rounds/{round['id']}/steps/")[0]["id"] for round in steps]
        self.number = 0
        self.nodes = {}  # project by id
        self.in_trash = {}
        self.manual = {}  # id and weight by pair
        self.removed = set()  # pairs

    def pair(self, data):
        one, other = data.draw(st.lists(st.sampled_from(list(self.nodes)), min_size=2, max_size=2, unique=True), "pair")
        return one, other, frozenset((one, other))

    def all_links(self):
        """Of all nodes, by pair."""
        found = {}
        for id in self.nodes:
            for link in self.listed(f"nodes/{id}/links/"):
                pair = frozenset((link["from"]["id"], link["to"]["id"]))
                assert id in pair
                # The same at both ends.
                assert found.setdefault(pair, link) == link
        return found

    @rule(title=WORDS, context=WORDS, place=st.sampled_from([None, 0, 1]), in_step=st.booleans())
    def create_node(self, title, context, place, in_step):
        # With an id of its own: what hypothesis draws from sorted links has to be the same another time.
        self.number += 1
        body = {"id": str(uuid.UUID(int=self.number)), "title": title, "context": context}
        if place is not None:
            body |= {"step": self.steps[place]} if in_step else {"project": self.projects[place]}
        node = self.ask("post", "nodes/", body, 201)
        self.nodes[node["id"]] = node["project"]

    @precondition(lambda self: self.nodes)
    @rule(data=st.data(), title=WORDS)
    def rename(self, data, title):
        self.ask("patch", f"nodes/{data.draw(st.sampled_from(list(self.nodes)), 'node')}/", {"title": title})

    @precondition(lambda self: self.nodes)
    @rule(data=st.data(), place=st.sampled_from([None, 0, 1]))
    def move(self, data, place):
        id = data.draw(st.sampled_from(list(self.nodes)), "node")
        project = None if place is None else self.projects[place]
        self.ask("patch", f"nodes/{id}/", {"project": project, "round": None, "step": None})
        self.nodes[id] = project

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def move_to_trash(self, data):
        id = data.draw(st.sampled_from(list(self.nodes)), "node")
        self.ask("delete", f"nodes/{id}/", status=204)
        self.in_trash[id] = self.nodes.pop(id)

    @precondition(lambda self: self.in_trash)
    @rule(data=st.data(), for_good=st.booleans())
    def restore_or_delete_for_good(self, data, for_good):
        id = data.draw(st.sampled_from(list(self.in_trash)), "node")
        project = self.in_trash.pop(id)
        if for_good:
            self.ask("delete", f"trash/{id}/", status=204)
            self.manual = {pair: link for pair, link in self.manual.items() if id not in pair}
            self.removed = {pair for pair in self.removed if id not in pair}
        else:
            self.ask("post", f"nodes/{id}/restore/")
            self.nodes[id] = project

    @precondition(lambda self: len(self.nodes) > 1)
    @rule(data=st.data(), weight=st.none() | TENTHS)
    def link(self, data, weight):
        one, other, pair = self.pair(data)
        before = self.all_links().get(pair)
        body = {"to": other} if weight is None else {"to": other, "weight": weight}

        answer = self.ask("post", f"nodes/{one}/links/", body, 200 if before else 201)

        assert answer["origin"] == "manual"
        if before:
            assert (answer["id"], answer["from"]) == (before["id"], before["from"])
        if before is None:
            expected = weight or 0.5
        elif before["origin"] == "manual":
            # It is there already, as the person wanted it.
            expected = before["weight"]
        else:
            expected = weight or before["weight"]
        assert answer["weight"] == expected
        self.manual[pair] = (answer["id"], expected)
        self.removed.discard(pair)

    @precondition(lambda self: len(self.nodes) > 1)
    @rule(data=st.data())
    def link_twice_with_an_id(self, data):
        one, other, pair = self.pair(data)
        if pair not in self.all_links() and pair not in self.removed:
            id = str(uuid.uuid4())
            self.ask("post", f"nodes/{one}/links/", {"to": other, "id": id}, 201)
            assert self.ask("post", f"nodes/{other}/links/", {"to": one, "id": id})["id"] == id
            self.manual[pair] = (id, 0.5)

    @precondition(lambda self: self.nodes)
    @rule(data=st.data(), weight=st.sampled_from([0, 0.05, 0.25, 1.1, -1, "heavy", None]))
    def link_what_cannot_be(self, data, weight):
        id = data.draw(st.sampled_from(list(self.nodes)), "node")
        self.refused("VAL_005", "post", f"nodes/{id}/links/", {"to": id}, 422)
        self.refused("RES_004", "post", f"nodes/{id}/links/", {"to": str(uuid.uuid4())}, 404)
        for link in self.listed(f"nodes/{id}/links/")[:1]:
            error = self.ask("patch", f"links/{link['id']}/", {"weight": weight}, 422)["error"]
            assert error["code"].startswith("VAL_")

    @precondition(lambda self: len(self.nodes) > 1)
    @rule(data=st.data(), weight=TENTHS)
    def weigh(self, data, weight):
        links = self.all_links()
        if links:
            pair = data.draw(st.sampled_from(sorted(links, key=sorted)), "link")
            link = links[pair]
            stale = str(link["version"] + 1)
            self.refused("BIZ_002", "patch", f"links/{link['id']}/", {"weight": weight}, 409, **{"If-Match": stale})
            answer = self.ask("patch", f"links/{link['id']}/", {"weight": weight}, **{"If-Match": str(link["version"])})
            assert (answer["version"], answer["origin"], answer["reason"]) == (link["version"] + 1, "manual", "")
            self.manual[pair] = (link["id"], weight)

    @precondition(lambda self: len(self.nodes) > 1)
    @rule(data=st.data())
    def remove(self, data):
        links = self.all_links()
        if links:
            pair = data.draw(st.sampled_from(sorted(links, key=sorted)), "link")
            self.ask("delete", f"links/{links[pair]['id']}/", status=204)
            self.manual.pop(pair, None)
            self.removed.add(pair)

    @invariant()
    def all_is_as_known(self):
        links = self.all_links()
        self.what_a_person_decided_stands(links)
        self.what_arose_by_itself_has_a_reason(links)
        for project in self.projects:
            self.the_map_shows_the_same(project, links)

    def what_a_person_decided_stands(self, links):
        assert not links.keys() & self.removed
        manual = {pair: (link["id"], link["weight"]) for pair, link in links.items() if link["origin"] == "manual"}
        assert manual == {pair: link for pair, link in self.manual.items() if pair <= self.nodes.keys()}

    def what_arose_by_itself_has_a_reason(self, links):
        for pair, link in links.items():
            assert link["weight"] in [tenths / 10 for tenths in range(1, 11)]
            if link["origin"] == "automatic":
                assert link["reason"]
                one, other = (self.nodes[id] for id in pair)
                assert one == other or None in (one, other)

    def the_map_shows_the_same(self, project, links):
        shown = self.ask("get", f"projects/{project}/graph/")
        own = {id for id, place in self.nodes.items() if place == project}
        linked = {id for pair in links if pair & own for id in pair if self.nodes[id] is None}
        assert {node["id"] for node in shown["nodes"] if not node["global"]} == own
        assert {node["id"] for node in shown["nodes"] if node["global"]} == linked
        told = {
            frozenset((link["from"], link["to"])): (link["id"], link["weight"], link["origin"])
            for link in shown["links"]
        }
        assert len(told) == len(shown["links"])
        assert told == {
            pair: (link["id"], link["weight"], link["origin"]) for pair, link in links.items() if pair <= own | linked
        }

    @invariant()
    def there_is_one_link_for_each_pair(self):
        stored = NodeLink.objects.owned_by(self.user)
        assert len({frozenset(pair) for pair in stored.values_list("from_node", "to_node")}) == stored.count()


@pytest.mark.django_db
def test_it_holds():
    check(Links)
