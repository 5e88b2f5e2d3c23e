"""Whatever an account holds, what went out comes in again, and is the same."""

import io
import json
import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.thinking import content, rounds
from apps.thinking.exchange import importing, markdown, names, obsidian, vault
from apps.thinking.exchange import json as exchange_json
from apps.thinking.models import LAST_ROUND, Node, NodeLink, NodeRename, Project, RefusedKeyword, Round
from conftest import UserFactory

# What Markdown, Obsidian, YAML, HTML, a spreadsheet or a file system takes for something else.
NASTY = st.sampled_from(
    [
        "---\n", "...\n", "## Theme %%theme%%\n", "## 目的\n", "## Links %%links%%\n", "- [[確認]] 0.9\n", "[[確認]]",
        "![[x.png]]", "- a ^3f2c8d1e-0000-4000-8000-000000000001", "1. ", "2) ", "* ", "~~", "~~gone~~", "\\", "\\*",
        "`", "```js\n", "<script>alert(1)</script>", "[x](javascript:alert(1))", "&#32;", "&lt;", "%%", "=1+1",
        "+1", "@x",
        "\r", "\r\n", "\n", "\n\n", "  ", "\t", "    code\n", "\u202e", "שלום", "👩‍👩‍👧", "が", "か\u3099",
        "\ufeff", "\x0b", "\x85", "\u2028",
        "_a_", "a_b", "#tag", "$x$", "==x==", "^", "|", ": ", "'", '"', "{{", "con", "..", "/", "%", "\x1b",
    ]
)  # fmt: skip
TEXTS = st.lists(
    st.one_of(NASTY, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)), max_size=6
).map("".join)
TITLES = TEXTS.map(lambda text: text.strip()[:255].strip()).filter(bool)
ITEMS = st.lists(
    st.fixed_dictionaries({"text": TEXTS, "struck": st.booleans(), "origin": st.none() | st.uuids().map(str)}),
    max_size=4,
)


@st.composite
def contents(draw, type):
    shape = content.SHAPES[type]
    lists = {field: draw(ITEMS) for field in shape.lists}
    return content.clean(type, {**{field: draw(TEXTS) for field in shape.texts}, **lists})


@st.composite
def accounts(draw):
    """A person with a few projects, nodes and links; what is drawn is what is stored."""
    user = UserFactory()
    nodes = [Node(owner=user, title=draw(TITLES), context=draw(TEXTS)) for _ in range(draw(st.integers(0, 2)))]
    for _ in range(draw(st.integers(0, 2))):
        project = rounds.start_project(user, draw(TITLES), draw(TEXTS)[:100])
        project.status = draw(st.sampled_from(Project.Status.values))
        project.save()
        for number in range(1, draw(st.integers(1, 2)) + 1):
            round = Round.objects.get_or_create(project=project, number=number, defaults={"note": draw(TEXTS)})[0]
            for type in content.SHAPES:
                written = draw(contents(type))
                text = content.plain_text(type, written)
                round.steps.update_or_create(
                    type=type, defaults={"content": written, "text": text, "filled": draw(st.booleans())}
                )
            for step in round.steps.all()[: draw(st.integers(0, 2))]:
                nodes.append(
                    Node(owner=user, title=draw(TITLES), context=draw(TEXTS), project=project, round=round, step=step)
                )
        RefusedKeyword.objects.create(project=project, word="語")
    for node in nodes:
        node.save()
        NodeRename.objects.create(node=node, old_title="前", new_title=node.title)
    for one, other in zip(nodes, nodes[1:], strict=False):
        NodeLink.objects.create(
            owner=user,
            from_node=one,
            to_node=other,
            weight=draw(st.integers(1, 10)) / 10,
            origin=draw(st.sampled_from(NodeLink.Origin.values)),
            reason=draw(st.sampled_from(["", "誤差, 負担"])),
            removed_at=draw(st.none() | st.just(one.created_at)),
        )
    return user


def written(user, project=None) -> bytes:
    return "".join(exchange_json.write(user, project)).encode()


def read(user, data: bytes) -> dict:
    return importing.import_records(user, exchange_json.read(io.BytesIO(data)))


def packed(user, project=None) -> bytes:
    return b"".join(obsidian.write(user, project))


def unpacked(user, data: bytes) -> tuple[dict, vault.Vault]:
    with vault.Vault(io.BytesIO(data)) as notes:
        return importing.import_records(user, notes.records(), True, notes.exported_at), notes


def same(data: bytes, owner=None) -> dict:
    """An export without what differs by nature: its time, its person, and the order of what was made in one moment.

    With `owner` as after an import into that account, while the rows are still another's.
    """
    export = json.loads(data)
    rows = [row for name in exchange_json.LISTS for row in export[name]]
    for project in export["projects"]:
        rows += [
            *project["rounds"],
            *project["nodes"],
            *(step for round in project["rounds"] for step in round["steps"]),
        ]
    for row in rows if owner else []:
        for key in {"id", "from", "to"} & row.keys():
            row[key] = str(uuid.uuid5(owner.pk, row[key]))
    for listed in (export["projects"], export["nodes"], export["links"], *(one["nodes"] for one in export["projects"])):
        listed.sort(key=lambda row: row["id"])
    return {**export, "exported_at": "", "account": {}}


def number(report: dict, *kinds: str) -> int:
    return sum(report[name][kind] for name in importing.KINDS for kind in kinds)


def drawn(examples: int):
    # Without shrinking, which would store thousands of accounts.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)


@pytest.mark.django_db
@drawn(15)
@given(data=st.data())
def test_export_import_export_is_equal(data):
    user, other = data.draw(accounts()), UserFactory()
    before = written(user)

    assert number(read(other, before), "changed", "unchanged") == 0
    assert same(written(other)) == same(before, other)
    assert number(read(other, before), "created", "changed") == 0
    assert same(written(other)) == same(before, other)
    assert same(written(user)) == same(before)
    # Into an account that has nothing, after the first one is gone.
    user.delete()
    third = UserFactory()
    read(third, before)
    assert same(written(third)) == same(before)


@pytest.mark.django_db
@drawn(15)
@given(data=st.data())
def test_a_vault_that_nobody_touched_changes_nothing(data):
    user = data.draw(accounts())
    before, zipped = written(user), packed(user)

    report, notes = unpacked(user, zipped)

    assert number(report, "created", "changed") == 0
    assert notes.missing == notes.ignored == []
    assert same(written(user)) == same(before)
    # In another account it is the same, but for what only JSON carries.
    other = UserFactory()
    assert number(unpacked(other, zipped)[0], "changed", "unchanged") == 0
    expected, found = same(before, other), same(written(other))
    for export in (expected, found):
        for node in [*export["nodes"], *(node for project in export["projects"] for node in project["nodes"])]:
            node.pop("renames")
    assert found["projects"] == expected["projects"]
    assert found["nodes"] == expected["nodes"]
    assert len(found["links"]) == len(expected["links"])
    assert [link for link in found["links"] if link["removed_at"]] == [
        link for link in expected["links"] if link["removed_at"]
    ]
    assert number(unpacked(other, zipped)[0], "created", "changed") == 0


@pytest.mark.django_db
@drawn(10)
@given(data=st.data())
def test_markdown_is_written_of_anything(data):
    user = data.draw(accounts())
    text = "".join(markdown.write(user))

    assert "<script" not in text.replace("\\<", "")
    assert not [line for line in text.split("\n") if line.lstrip()[:1] in ("=", "+", "@")]


@drawn(300)
@given(TEXTS)
def test_a_text_survives_its_escaping(text):
    assert markdown.unescape(markdown.exact(text).strip(markdown.BLANKS)) == text


@drawn(300)
@given(st.lists(TITLES, max_size=6))
def test_every_title_has_a_name_of_its_own(titles):
    given = names.Names()
    found = [given.give(title) for title in titles]

    assert len({names.key(name) for name in found}) == len(titles)
    for name in found:
        assert names.safe(name) == name
        assert 0 < len(name.encode()) < 200


def test_titles_that_no_system_takes():
    assert names.safe("a/b\\c: d?") == "a b c d"
    assert names.safe("CON") == "_CON"
    assert names.safe("com1.txt") == "_com1.txt"
    assert names.safe("...") == names.safe("\u202e") == "無題"
    assert names.safe("あ" * 255) == "あ" * 50
    assert names.safe("👩‍👩‍👧 家族") == "👩‍👩‍👧 家族"
    assert names.safe("שלום") == "שלום"
    assert names.safe("../../etc/passwd") == "etc passwd"


def test_rounds_up_to_the_last(alice, bob):
    project = rounds.start_project(alice, "五周")
    for _ in range(LAST_ROUND - 1):
        rounds.start_next_round(project)

    read(bob, written(alice))

    assert list(Round.objects.owned_by(bob).values_list("number", flat=True)) == [1, 2, 3, 4, 5]


@pytest.mark.django_db
@pytest.mark.parametrize("to_project", [True, False], ids=["another project", "global"])
def test_a_node_that_stands_elsewhere_now(alice, node, to_project):
    rounds.start_project(alice, "別の計画")
    export = json.loads(written(alice))
    others = {bool(project["nodes"]): project for project in export["projects"]}
    (record,) = others[True].pop("nodes")
    del record["round"], record["step"]
    goal = others[False] if to_project else export
    goal["nodes"] = [record]

    assert read(alice, json.dumps(export).encode())["nodes"] == {"created": 0, "changed": 1, "unchanged": 0, "kept": 0}

    # As at the end of a transaction.
    connection.check_constraints()
    node.refresh_from_db()
    assert node.project == (Project.objects.get(title="別の計画") if to_project else None)
    assert (node.round, node.step) == (None, None)


@pytest.mark.django_db
def test_a_node_that_stays_keeps_its_place(alice, node, steps):
    export = json.loads(written(alice))
    record = export["projects"][0]["nodes"][0]
    del record["round"], record["step"]
    record["context"] = "変えた"

    read(alice, json.dumps(export).encode())

    node.refresh_from_db()
    assert (node.context, node.step) == ("変えた", steps["flow"])
