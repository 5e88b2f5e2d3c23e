"""A project's way, whichever hypothesis takes: what the API says is what somebody who went along would know."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from apps.thinking import content
from apps.thinking.models import LAST_ROUND
from apps.thinking.tests.states import Person, check
from apps.thinking.tests.test_exchange import contents

TYPES = st.sampled_from(list(content.SHAPES))
# From which status each action leads to which.
ACTIONS = {
    "complete": ({"active", "pending"}, "completed"),
    "pend": ({"active"}, "pending"),
    "reopen": ({"pending", "completed"}, "active"),
}


class Way(Person):
    @initialize()
    def start(self):
        project = self.ask("post", "projects/", {"title": "夜勤の引き継ぎ"}, 201)
        self.url = f"projects/{project['id']}/"
        self.version, self.status = 1, "active"
        self.rounds = []
        self.learn_of_round(
            self.listed(f"{self.url}rounds/")[0], {type: content.empty(type) for type in content.SHAPES}
        )

    def learn_of_round(self, round, contents):
        """Of a new round, whose steps begin with these contents."""
        steps = {step["type"]: step for step in self.listed(f"rounds/{round['id']}/steps/")}
        assert list(steps) == list(content.SHAPES)
        for type, step in steps.items():
            assert (step["version"], step["filled"], step["content"]) == (1, False, contents[type])
        self.rounds.append({**round, "steps": steps})

    def step(self, data) -> dict:
        return data.draw(st.sampled_from(self.rounds), "round")["steps"][data.draw(TYPES, "type")]

    @rule(data=st.data(), seen=st.sampled_from(["nothing", "If-Match", "body"]))
    def write(self, data, seen):
        step = self.step(data)
        body = {"content": data.draw(contents(step["type"]))}
        headers = {"If-Match": f'"{step["version"]}"'} if seen == "If-Match" else {}
        if seen == "body":
            body["version"] = step["version"]

        answer = self.ask("patch", f"steps/{step['id']}/", body, **headers)

        step.update(
            content=body["content"],
            filled=content.is_filled(step["type"], body["content"]),
            version=step["version"] + 1,
            updated_at=answer["updated_at"],
        )
        assert answer == step

    @rule(data=st.data(), by=st.integers(-1, 2).filter(bool))
    def write_what_is_stale(self, data, by):
        step = self.step(data)
        body = {"content": data.draw(contents(step["type"]))}

        error = self.refused(
            "BIZ_002", "patch", f"steps/{step['id']}/", body, 409, **{"If-Match": f"{step['version'] + by}"}
        )

        assert error["current"] == step

    @rule(data=st.data())
    def write_what_is_no_content(self, data):
        step = self.step(data)
        self.refused("VAL_005", "patch", f"steps/{step['id']}/", {"content": {"anything": ""}}, 422)

    @rule(data=st.data())
    def restore(self, data):
        step = self.step(data)
        versions = [revision["version"] for revision in self.listed(f"steps/{step['id']}/history/")]
        # One that was carried over has no history before it is written.
        if versions:
            version = data.draw(st.sampled_from(versions), "version")
            once = self.ask("get", f"steps/{step['id']}/history/{version}/")

            answer = self.ask("post", f"steps/{step['id']}/history/{version}/restore/")

            step.update(answer, content=once["content"], version=step["version"] + 1)
            assert answer == step

    @rule(data=st.data(), note=st.text("あいう ", max_size=5))
    def write_note(self, data, note):
        round = data.draw(st.sampled_from(self.rounds), "round")

        answer = self.ask("patch", f"rounds/{round['id']}/", {"note": note}, **{"If-Match": str(round["version"])})

        assert (answer["note"], answer["version"]) == (note, round["version"] + 1)
        round.update(answer)

    @precondition(lambda self: self.status == "active" and len(self.rounds) < LAST_ROUND)
    @rule(note=st.text("あいう", max_size=5), stale=st.booleans())
    def start_next_round(self, note, stale):
        if stale:
            error = self.refused("BIZ_002", "post", f"{self.url}rounds/", {"version": self.version + 1}, 409)
            assert error["current"]["version"] == self.version
        last = self.rounds[-1]["steps"]
        before = {type: step["content"] for type, step in last.items()}

        round = self.ask("post", f"{self.url}rounds/", {"note": note, "version": self.version}, 201)

        assert (round["number"], round["note"], round["version"]) == (len(self.rounds) + 1, note, 1)
        steps = self.listed(f"rounds/{round['id']}/steps/")
        self.learn_of_round(round, {step["type"]: carried(before[step["type"]], step["content"]) for step in steps})
        self.version += 1

    @precondition(lambda self: self.status != "active" or len(self.rounds) == LAST_ROUND)
    @rule()
    def start_one_round_too_many(self):
        self.refused("BIZ_001", "post", f"{self.url}rounds/", {"note": ""})

    @rule(action=st.sampled_from(list(ACTIONS)))
    def change_status(self, action):
        before, after = ACTIONS[action]
        if self.status in before:
            assert self.ask("post", f"{self.url}{action}/")["status"] == after
            self.status = after
            self.version += 1
        else:
            self.refused("BIZ_001", "post", f"{self.url}{action}/")

    @rule()
    def write_the_status(self):
        self.refused("VAL_005", "patch", self.url, {"status": "completed"}, 422)

    @invariant()
    def the_project_is_as_known(self):
        project = self.ask("get", self.url)
        assert (project["version"], project["status"], project["rounds_count"]) == (
            self.version,
            self.status,
            len(self.rounds),
        )
        filled = [step["filled"] for step in self.rounds[-1]["steps"].values()]
        assert project["current_round"]["steps_filled"] == sum(filled)
        next_step = next((type for type, step in self.rounds[-1]["steps"].items() if not step["filled"]), None)
        assert (project["current_round"]["next_step"] or {"type": None})["type"] == next_step

    @invariant()
    def the_rounds_are_as_known(self):
        listed = self.listed(f"{self.url}rounds/")
        assert [round["number"] for round in listed] == list(range(1, len(self.rounds) + 1))
        for round, known in zip(listed, self.rounds, strict=True):
            assert (round["note"], round["version"]) == (known["note"], known["version"])
            assert round["steps_filled"] == sum(step["filled"] for step in known["steps"].values())
            assert self.listed(f"rounds/{round['id']}/steps/") == list(known["steps"].values())

    @invariant()
    def the_histories_end_with_what_is_there(self):
        for round in self.rounds:
            for step in round["steps"].values():
                history = self.listed(f"steps/{step['id']}/history/") if step["version"] > 1 else []
                if history:
                    assert history[0]["version"] == step["version"]
                    assert [revision["current"] for revision in history] == [True] + [False] * (len(history) - 1)


def carried(before: dict, after: dict) -> dict:
    """What `before` is in the next round: the ids, which nobody can know, are those of `after`."""
    return {
        name: value
        if isinstance(value, str)
        else [{**item, "id": new["id"], "origin": item["id"]} for item, new in zip(value, after[name], strict=True)]
        for name, value in before.items()
    }


@pytest.mark.django_db
def test_it_holds():
    check(Way)
