"""What people do to a vault in Obsidian is taken as they meant it, told, or refused with where; never lost silently."""

import io
import json
import unicodedata
import uuid
import zipfile
from decimal import Decimal

import pytest

from apps.thinking import linking, nodes, rounds, trash
from apps.thinking.exchange import archive, missing, vault
from apps.thinking.models import Node, NodeLink, Project, RefusedKeyword
from apps.thinking.tests.test_api_exchange import exported, imported
from apps.thinking.tests.test_vault import FLOW, FOLDER, NODE, OTHER, packed
from conftest import refused

PROJECT, ROUND, CANVAS = f"{FOLDER}/{FOLDER}.md", f"{FOLDER}/1/1.md", f"{FOLDER}/{FOLDER}.canvas"


@pytest.fixture
def other(alice, project):
    return Node.objects.create(owner=alice, title="誤差", project=project)


@pytest.fixture
def files(as_alice, node, other):
    linking.link(node, other)
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def report_of(client, files) -> dict:
    response = imported(client, packed(files))
    assert response.status_code == 200, response.content
    return response.json()


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def said(response) -> tuple[str, str]:
    """Where and why it was refused."""
    code = response.json()["error"]["code"] if response.status_code == 422 else ""
    assert code.startswith("VAL_"), response.content
    (detail,) = refused(response, 422, code)["details"]
    return detail["field"], detail["reason"]


# --- 1: after the links


def test_what_was_written_after_the_links_is_kept(as_alice, files, node):
    files[NODE] += "\nあとから思った [[誤差]]\n\n## 背景\n\n- 三年前から\n"

    assert report_of(as_alice, files)["ignored"] == []

    node.refresh_from_db()
    assert node.context == "交代のとき\n\nあとから思った [[誤差]]\n\n## 背景\n\n- 三年前から"
    assert NodeLink.objects.get(from_node=node).to_node.title == "誤差"
    assert report_of(as_alice, files)["nodes"]["changed"] == 0


def test_a_heading_of_the_same_words_is_not_the_links(as_alice, files, node):
    files[NODE] += "\n## リンク\n\n- https://example.com\n"

    assert report_of(as_alice, files)["ignored"] == []

    node.refresh_from_db()
    assert node.context == "交代のとき\n\n## リンク\n\n- https://example.com"


def test_links_of_which_the_mark_is_gone(as_alice, files, node):
    files[NODE] = files[NODE].replace(" %%links%%", "").replace("[[誤差]] 0.5", "[[誤差]] 0.9") + "\nあとがき\n"

    report_of(as_alice, files)

    node.refresh_from_db()
    assert node.context == "交代のとき\n\nあとがき"
    assert str(NodeLink.objects.get(from_node=node).weight) == "0.9"


# --- 2: front matter that is broken


@pytest.mark.parametrize("name", [NODE, FLOW, ROUND, PROJECT])
@pytest.mark.parametrize(
    ("change", "where", "at"),
    [
        (lambda text: text.replace("\n---\n", "\n", 1), "", "thinkring:"),
        (lambda text: text.removeprefix("---\n"), "", "thinkring:"),
        (lambda text: f"x\n{text}", "", "thinkring:"),
        (lambda text: text.replace("\nid: ", '\n  bad: ["\nid: ', 1), "", None),
        (lambda text: text.replace("\nid: ", "\nname: ", 1), ": id", "thinkring:"),
        (lambda text: text.replace("\nid: ", "\nid: x", 1), ": id", "id: x"),
        (lambda text: text.replace("thinkring: ", "thinkring: x", 1), ": thinkring", "thinkring: x"),
        (lambda text: text.replace("thinkring: ", "kind: ", 1), ": thinkring", "id: "),
        (lambda text: text.replace("thinkring: ", "'thinkring' : x", 1), ": thinkring", None),
    ],
    ids=["unclosed", "unopened", "after a line", "YAML", "no id", "a bad id", "a bad kind", "no kind", "quoted"],
)
def test_broken_front_matter_is_refused(as_alice, files, name, change, where, at):
    text = files[name] = change(files[name])
    files[OTHER] = files[OTHER].replace("\n---\n", "\n---\n別の文", 1)

    field, reason = said(imported(as_alice, packed(files)))

    assert field == f"{name}{where}"
    assert reason.startswith(f"{line_of(text, at)}行目" if at else ""), reason
    assert "行目" in reason
    assert Node.objects.count() == 2
    assert not Node.objects.filter(context__contains="別の文").exists()


@pytest.mark.parametrize("name", [NODE, FLOW, ROUND])
@pytest.mark.parametrize("value", [None, "x"])
def test_a_project_that_is_not_said(as_alice, files, name, value):
    line = next(line for line in files[name].split("\n") if line.startswith("project: "))
    at = line_of(files[name], line if value else "thinkring:")
    files[name] = files[name].replace(f"{line}\n", f"project: {value}\n" if value else "")

    field, reason = said(imported(as_alice, packed(files)))

    assert field == f"{name}: project"
    assert reason.startswith(f"{at}行目")


def test_keys_as_other_programs_write_them(as_alice, files):
    files[NODE] = files[NODE].replace("thinkring: node", "'thinkring' : \"node\"").replace("\nid: ", '\n"id":   ')

    assert report_of(as_alice, files)["nodes"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}


@pytest.mark.parametrize("front", ["{thinkring: node, id: X, project: ''}", "? thinkring\n: node\nid: X"])
def test_keys_that_were_missed_are_refused(as_alice, files, front):
    files[f"{FOLDER}/x.md"] = f"---\n{front.replace('X', str(uuid.uuid4()))}\n---\n本文"

    assert said(imported(as_alice, packed(files)))[0] == f"{FOLDER}/x.md"


def test_a_list_where_one_value_belongs_is_told_with_its_line(as_alice, files):
    files[NODE] = files[NODE].replace("round: 1", "round: [1]")

    field, reason = said(imported(as_alice, packed(files)))

    assert field == NODE
    assert reason.startswith(f"{line_of(files[NODE], 'round: [')}行目")


@pytest.mark.parametrize(
    "text",
    [
        '---\ntags: ["\n---\n本文',
        "---\nただの線\n\n本文",
        "本文\n\n```\n---\nthinkring: node\nid: 8c1b9b0e-0000-4000-8000-000000000001\n---\n```",
    ],
    ids=["YAML", "a rule", "quoted"],
)
def test_a_note_of_somebodys_own_is_taken_whole(as_alice, files, text):
    files[f"{FOLDER}/負担.md"] = text

    report_of(as_alice, files)

    assert Node.objects.get(title="負担").context == text


# --- 3: the canvas


def drawn(files, *edges: dict, cards=()) -> None:
    canvas = json.loads(files[CANVAS])
    canvas["nodes"] += cards
    canvas["edges"] += [{"id": f"{index:016x}", **edge} for index, edge in enumerate(edges)]
    files[CANVAS] = json.dumps(canvas, ensure_ascii=False, indent="\t")


def card(id: str, file: str) -> dict:
    return {"id": id, "type": "file", "file": file, "x": 0, "y": 0, "width": 10, "height": 10}


@pytest.fixture
def third(alice, project):
    return Node.objects.create(owner=alice, title="負担", project=project)


@pytest.mark.parametrize(("label", "weight"), [(None, "0.5"), ("0.9", "0.9"), ("1", "1.0"), (" 0.3 ", "0.3")])
def test_an_edge_is_a_link(as_alice, third, files, node, label, weight):
    edge = {"fromNode": str(node.pk), "toNode": str(third.pk)}
    drawn(files, edge | ({"label": label} if label else {}))

    report = report_of(as_alice, files)

    assert report["links"] == {"created": 1, "changed": 0, "unchanged": 1, "kept": 0}
    assert report["ignored"] == []
    link = NodeLink.objects.get(from_node=node, to_node=third)
    assert (str(link.weight), link.origin) == (weight, "manual")
    assert report_of(as_alice, files)["links"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}


def test_an_edge_between_cards_that_obsidian_made(as_alice, third, files, node):
    drawn(files, {"fromNode": "aaaa", "toNode": "bbbb"}, cards=[card("aaaa", NODE), card("bbbb", f"{FOLDER}/負担.md")])

    assert report_of(as_alice, files)["links"]["created"] == 1

    assert NodeLink.objects.filter(from_node=node, to_node=third, origin="manual").exists()


def test_an_edge_to_a_note_that_was_renamed_or_is_new(as_alice, third, files, node):
    files[f"{FOLDER}/重荷.md"] = files.pop(f"{FOLDER}/負担.md")
    files[f"{FOLDER}/新しい.md"] = "本文"
    drawn(
        files,
        {"fromNode": str(node.pk), "toNode": str(third.pk)},
        {"fromNode": str(node.pk), "toNode": "cccc"},
        cards=[card("cccc", f"{FOLDER}/新しい.md")],
    )

    report_of(as_alice, files)

    linked = NodeLink.objects.filter(from_node=node, origin="manual").values_list("to_node__title", flat=True)
    assert set(linked) == {"誤差", "重荷", "新しい"}


def test_a_weight_that_was_changed_on_an_edge(as_alice, files, node):
    canvas = json.loads(files[CANVAS])
    canvas["edges"][0]["label"] = "0.8"
    files[CANVAS] = json.dumps(canvas)

    assert report_of(as_alice, files)["links"] == {"created": 0, "changed": 1, "unchanged": 0, "kept": 0}

    assert str(NodeLink.objects.get(from_node=node).weight) == "0.8"


def test_an_edge_that_nobody_touched_does_not_undo_the_note(as_alice, files, node):
    files[NODE] = files[NODE].replace("[[誤差]] 0.5", "[[誤差]] 0.9")

    report_of(as_alice, files)

    assert str(NodeLink.objects.get(from_node=node).weight) == "0.9"


def test_an_edge_of_an_older_export(as_alice, files, node):
    """It had the link's id, which does not tell whether anybody touched it: what the note says counts."""
    canvas = json.loads(files[CANVAS])
    canvas["edges"][0]["id"] = str(NodeLink.objects.get().pk)
    files[CANVAS] = json.dumps(canvas)
    files[NODE] = files[NODE].replace("[[誤差]] 0.5", "[[誤差]] 0.9")

    report_of(as_alice, files)

    assert str(NodeLink.objects.get(from_node=node).weight) == "0.9"


@pytest.mark.parametrize("is_drawn", [True, False])
def test_an_automatic_link_over_which_somebody_draws_is_theirs(as_alice, alice, node, project, is_drawn):
    new = Node.objects.create(owner=alice, title="確認の表", project=project)
    values = {"weight": "0.3", "origin": "automatic", "reason": "確認"}
    link = NodeLink.objects.create(owner=alice, from_node=node, to_node=new, **values)
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as zipped:
        files = {name: zipped.read(name).decode() for name in zipped.namelist()}
    if is_drawn:
        drawn(files, {"fromNode": str(new.pk), "toNode": str(node.pk)})

    for _ in range(2):
        report_of(as_alice, files)
        link.refresh_from_db()
        assert (str(link.weight), link.origin) == ("0.3", "manual" if is_drawn else "automatic")


def test_edges_only_add(as_alice, files, node):
    canvas = json.loads(files[CANVAS])
    files[CANVAS] = json.dumps({**canvas, "edges": []})
    files[NODE] = files[NODE].replace("- [[誤差]] 0.5", "")

    assert report_of(as_alice, files)["links"] == {"created": 0, "changed": 0, "unchanged": 0, "kept": 0}

    assert NodeLink.objects.kept().filter(from_node=node).count() == 1


def test_edges_that_lead_elsewhere_are_told(as_alice, third, files, node):
    text = {"id": "t", "type": "text", "text": "思いつき\n二行目", "x": 0, "y": 0, "width": 1, "height": 1}
    drawn(
        files,
        {"fromNode": str(node.pk), "toNode": "t"},
        {"fromNode": "f", "toNode": str(node.pk)},
        {"fromNode": str(node.pk), "toNode": "nothing"},
        {"fromNode": str(node.pk), "toNode": str(third.pk), "label": "つらい"},
        cards=[text, card("f", FLOW)],
    )

    report = report_of(as_alice, files)

    assert report["links"]["created"] == 1
    lines = [line_of(files[CANVAS], f'"id": "{index:016x}"') - 1 for index in range(4)]
    texts = ["口頭の確認 → 思いつき", "3 流れ構築 → 口頭の確認", "口頭の確認 → nothing", "つらい"]
    assert report["ignored"] == [
        {"kind": kind, "file": CANVAS, "line": line, "text": text}
        for kind, line, text in zip(["edge", "edge", "edge", "remark"], lines, texts, strict=True)
    ]


def test_an_edge_of_a_weight_between(as_alice, third, files, node):
    drawn(files, {"fromNode": str(node.pk), "toNode": str(third.pk), "label": "0.95"})

    refused(imported(as_alice, packed(files)), 422, "VAL_005", f"{CANVAS}: weight")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"nodes": [],\n"edges": [', 2),
        ("[]", None),
        ('{"nodes": {}}', None),
        ('{"edges": [1]}', None),
        ('{"nodes": [null]}', None),
        ('{"edges": [{"id": [], "fromNode": {}}]}', None),
        ("[" * 100_000, None),
        (b"\xff\xfe", None),
        ('{"nodes": [],\n"edges": [{"label": "\\ud800"}]}', 2),
        ('{"nodes": [{"id": "x", "type": "file", "file": "\\uDC00.md"}]}', 1),
    ],
)
def test_a_broken_canvas_is_refused(as_alice, files, text, line):
    files["もの/図.canvas"] = text
    files[OTHER] = files[OTHER].replace("\n---\n", "\n---\n別の文", 1)

    field, reason = said(imported(as_alice, packed(files)))

    assert field.startswith("もの/図.canvas")
    assert line is None or reason.startswith(f"{line}行目")
    assert not Node.objects.filter(context__contains="別の文").exists()


@pytest.mark.parametrize("text", ["", "{}", "\n", '\ufeff{"nodes": []}'])
def test_an_empty_canvas(as_alice, files, text):
    assert report_of(as_alice, {**files, "図.canvas": text})["ignored"] == []


# --- 4: what is gone


def test_notes_that_are_gone_are_told(as_alice, files, node, other, project, steps, round):
    for name in (OTHER, FLOW, ROUND, PROJECT):
        del files[name]

    report = report_of(as_alice, files)

    assert report["missing"] == [
        {"kind": "project", "id": str(project.pk), "title": FOLDER},
        {"kind": "round", "id": str(round.pk), "title": f"{FOLDER}: 1周目"},
        {"kind": "step", "id": str(steps["flow"].pk), "title": f"{FOLDER}: 1周目: 流れ構築"},
        {"kind": "node", "id": str(other.pk), "title": "誤差"},
    ]
    assert Node.objects.kept().count() == 2
    assert Project.objects.kept().get().rounds.get().steps.count() == 5
    # Nothing was left out of the links to it.
    assert report["ignored"] == []


def test_of_what_is_gone_whole_only_itself_is_told(as_alice, alice, project, steps):
    rounds.start_next_round(project)
    second = project.rounds.get(number=2)
    gone = rounds.start_project(alice, "別の計画")
    Node.objects.create(owner=alice, title="道連れ", project=gone)
    everywhere = Node.objects.create(owner=alice, title="どこでも")
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as zipped:
        files = {name: zipped.read(name).decode() for name in zipped.namelist()}
    left = {
        name: text
        for name, text in files.items()
        if not name.startswith((f"{FOLDER}/2/", "別の計画/")) and "どこでも" not in name
    }

    assert report_of(as_alice, left)["missing"] == [
        {"kind": "project", "id": str(gone.pk), "title": "別の計画"},
        {"kind": "round", "id": str(second.pk), "title": f"{FOLDER}: 2周目"},
        {"kind": "node", "id": str(everywhere.pk), "title": "どこでも"},
    ]
    assert Project.objects.kept().count() == 2


def test_more_that_is_gone_than_anybody_reads_is_counted(as_alice, files, monkeypatch):
    monkeypatch.setattr(missing, "TOLD", 2)
    manifest = json.loads(files["thinkring.json"])
    manifest["nodes"] |= {str(uuid.uuid4()): "Gone" for _ in range(5)}
    files["thinkring.json"] = json.dumps(manifest)

    told = report_of(as_alice, files)["missing"]

    assert [one["kind"] for one in told] == ["node", "node", "more"]
    assert told[-1] == {"kind": "more", "id": None, "title": "3"}


def test_what_is_gone_from_the_account_too_has_no_id(as_alice, as_bob, bob, files, other):
    del files[OTHER]
    assert report_of(as_bob, files)["missing"] == [{"kind": "node", "id": None, "title": "誤差"}]

    trash.move_to_trash(other)
    assert report_of(as_alice, files)["missing"] == [{"kind": "node", "id": None, "title": "誤差"}]


def test_what_another_account_took_in_before_is_told_under_its_own_id(as_alice, as_bob, bob, files):
    report_of(as_bob, files)
    mine = Node.objects.owned_by(bob).get(title="誤差")
    Node.objects.filter(pk=mine.pk).update(title="ずれ")
    del files[OTHER]

    assert report_of(as_bob, files)["missing"] == [{"kind": "node", "id": str(mine.pk), "title": "ずれ"}]


@pytest.mark.parametrize(
    "change",
    [
        {"projects": []},
        {"steps": {"x": 1}},
        {"within": {"x": ["y"]}},
        {"nodes": None},
        {"global": "\\ud800"},
        {"within": "no"},
    ],
)
def test_a_manifest_that_was_changed_is_no_500(as_alice, files, change):
    manifest = json.loads(files["thinkring.json"]) | change
    files["thinkring.json"] = json.dumps(manifest, ensure_ascii=False).replace("\\\\ud800", "\\ud800")

    assert imported(as_alice, packed(files)).status_code in (200, 422)


def test_rows_that_lie_within_each_other_end(as_alice, files, project, round):
    manifest = json.loads(files["thinkring.json"])
    manifest["within"] |= {str(project.pk): str(round.pk), str(round.pk): str(project.pk)}
    del files[FLOW]
    files["thinkring.json"] = json.dumps(manifest)

    assert [gone["kind"] for gone in report_of(as_alice, files)["missing"]] == ["step"]


def test_the_manifest_of_an_older_export(as_alice, files, other):
    manifest = json.loads(files["thinkring.json"])
    files["thinkring.json"] = json.dumps({key: manifest[key] for key in ("format", "version", "global", "nodes")})
    del files[OTHER], files[FLOW]

    assert report_of(as_alice, files)["missing"] == [{"kind": "node", "id": str(other.pk), "title": "誤差"}]


# --- 5: what is ignored


def test_what_is_ignored_is_told(as_alice, files, node):
    files["日記.md"] = "今日"
    files[NODE] = (
        files[NODE]
        .replace("交代のとき", "交代のとき\n[[無い|あれ]] と [[1 俯瞰]] と ![[絵.png]]")
        .replace("- [[誤差]] 0.5", "- [[誤差]] 0.5 三回\n- 電話する\n- [[どこにも]] 0.4\n- [[3 流れ構築]]\n-")
    )

    report = report_of(as_alice, files)

    def at(part: str) -> int:
        return line_of(files[NODE], part)

    assert report["ignored"] == [
        {"kind": "note", "file": "日記.md", "line": None, "text": ""},
        {"kind": "link", "file": NODE, "line": at("無い"), "text": "[[無い|あれ]]"},
        {"kind": "remark", "file": NODE, "line": at("三回"), "text": "0.5 三回"},
        {"kind": "line", "file": NODE, "line": at("電話"), "text": "- 電話する"},
        {"kind": "link", "file": NODE, "line": at("どこにも"), "text": "- [[どこにも]] 0.4"},
        {"kind": "line", "file": NODE, "line": at("- [[3 流れ"), "text": "- [[3 流れ構築]]"},
    ]
    node.refresh_from_db()
    assert node.context == "交代のとき\n[[無い|あれ]] と [[1 俯瞰]] と ![[絵.png]]"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_what_is_written_in_the_note_of_a_project_is_told(as_alice, node, project, language):
    rounds.start_next_round(project)
    as_alice.credentials(HTTP_ACCEPT_LANGUAGE=language)
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as vault_of_two_rounds:
        files = {name: vault_of_two_rounds.read(name).decode() for name in vault_of_two_rounds.namelist()}
    assert report_of(as_alice, files)["ignored"] == []
    files[PROJECT] += "\n\n## 気づき\n\n- 夜勤は[[測定]]が多い\n"

    assert report_of(as_alice, files)["ignored"] == [
        {"kind": "project", "file": PROJECT, "line": line_of(files[PROJECT], part), "text": part}
        for part in ("## 気づき", "- 夜勤は[[測定]]が多い")
    ]


def test_the_line_of_what_is_ignored_below_an_image(as_alice, files, node):
    files[NODE] = (
        files[NODE].replace("---\n\n", "---\n\n![[x.png]]\n\n").replace("round: 1", "round: 1\nimage: images/none.png")
    )
    files[NODE] = files[NODE].replace("交代のとき", "交代のとき [[無い]]")

    (ignored,) = report_of(as_alice, files)["ignored"]

    assert ignored["line"] == line_of(files[NODE], "[[無い]]")
    node.refresh_from_db()
    assert node.context == "交代のとき [[無い]]"


def test_more_than_anybody_reads_is_counted(as_alice, files, monkeypatch):
    monkeypatch.setattr(missing, "TOLD", 2)
    files |= {f"{number}.md": "x" for number in range(5)}

    ignored = report_of(as_alice, files)["ignored"]

    assert [one["kind"] for one in ignored] == ["note", "note", "more"]
    assert ignored[-1] == {"kind": "more", "file": "", "line": None, "text": "3"}


# --- 6: one id in two notes


@pytest.mark.parametrize("order", [1, -1])
def test_a_copied_node_is_a_new_node(as_alice, files, node, other, order):
    copy = f"{FOLDER}/口頭の確認 1.md"
    files[copy] = files[NODE].replace("交代のとき", "朝の交代")
    files = dict(list(files.items())[::order])

    assert report_of(as_alice, files)["nodes"] == {"created": 1, "changed": 0, "unchanged": 2, "kept": 0}

    new = Node.objects.get(title="口頭の確認 1")
    node.refresh_from_db()
    assert (node.title, node.context, new.context) == ("口頭の確認", "交代のとき", "朝の交代")
    assert (new.project, new.round, new.step) == (node.project, node.round, node.step)
    assert NodeLink.objects.get(from_node=new, origin="manual").to_node == other
    assert report_of(as_alice, files)["nodes"] == {"created": 0, "changed": 0, "unchanged": 3, "kept": 0}


def test_a_copy_under_the_same_name_elsewhere(as_alice, alice, files, node):
    files[f"{FOLDER}/古い/口頭の確認.md"] = files[NODE].replace("交代のとき", "前のもの")
    files |= {f"{FOLDER}/甲/覚え.md": "甲", f"{FOLDER}/乙/覚え.md": "乙"}

    assert report_of(as_alice, files)["nodes"]["created"] == 3

    node.refresh_from_db()
    assert node.context == "交代のとき"
    assert {one.context for one in Node.objects.filter(title="覚え")} == {"甲", "乙"}
    assert report_of(as_alice, files)["nodes"] == {"created": 0, "changed": 0, "unchanged": 5, "kept": 0}


def test_a_copy_in_another_project_is_of_that(as_alice, alice, node):
    rounds.start_project(alice, "別の計画")
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as zipped:
        files = {name: zipped.read(name).decode() for name in zipped.namelist()}
    files["別の計画/口頭の確認 1.md"] = files[NODE]

    report_of(as_alice, files)

    new = Node.objects.get(title="口頭の確認 1")
    assert (new.project.title, new.round, new.step) == ("別の計画", None, None)


def test_a_new_note_under_the_old_name_of_another(as_alice, files):
    files[f"{FOLDER}/負担.md"] = "重い"
    report_of(as_alice, files)
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as zipped:
        files = {name: zipped.read(name).decode() for name in zipped.namelist()}
    files[f"{FOLDER}/重荷.md"] = files[f"{FOLDER}/負担.md"]
    files[f"{FOLDER}/負担.md"] = "別の負担"

    assert report_of(as_alice, files)["nodes"]["created"] == 1

    assert {node.title: node.context for node in Node.objects.all() if "重い" in node.context} == {"重荷": "重い"}
    assert Node.objects.get(title="負担").context == "別の負担"


@pytest.mark.parametrize("name", [FLOW, ROUND, PROJECT])
@pytest.mark.parametrize("order", [1, -1])
def test_any_other_copy_is_refused_with_both_names(as_alice, files, name, order):
    copy = name.replace(".md", " 1.md")
    files[copy] = files[name]

    field, reason = said(imported(as_alice, packed(dict(list(files.items())[::order]))))

    assert field == f"{copy}: id"
    assert f"「{name}」" in reason


# --- 7: names in the zip


def zipped_as(names: dict[str, str]) -> bytes:
    """A zip with these names byte for byte, which zipfile would mend."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as new:
        for name, data in names.items():
            info = zipfile.ZipInfo("x")
            info.filename = name
            new.writestr(info, data)
    return stream.getvalue()


def test_names_with_backslashes(as_alice, files):
    """As Windows PowerShell packs them."""
    data = zipped_as({name.replace("/", "\\"): text for name, text in files.items()})

    report = imported(as_alice, data).json()

    assert report["nodes"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}
    assert report["missing"] == report["ignored"] == []


@pytest.mark.parametrize("name", ["..\\x.md", "a\\..\\..\\x.md", "\\\\server\\x.md", "\\x.md", "a//x.md", "C:\\x.md"])
def test_names_that_lead_out(as_alice, files, name):
    refused(imported(as_alice, zipped_as({**files, name: "x"})), 422, "VAL_005")


def test_names_as_macos_writes_them(as_alice, alice, project, other, settings, tmp_path):
    """With each accent apart from its letter, and with what it leaves between the files."""
    Node.objects.create(owner=alice, title="データのズレ")
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as zipped:
        files = {name: zipped.read(name).decode() for name in zipped.namelist()}
    files["グローバルノード/バグ.md"] = "[[データのズレ]]"
    apart = {f"保管庫/{unicodedata.normalize('NFD', name)}": text for name, text in files.items()}
    assert set(apart) != {f"保管庫/{name}" for name in files}
    junk = ["__MACOSX/保管庫/._x.md", "保管庫/.DS_Store", "保管庫/.obsidian/app.json", ".trash/x.md"]
    apart |= dict.fromkeys(junk, "{")

    report = imported(as_alice, packed(apart)).json()

    assert report["nodes"] == {"created": 1, "changed": 0, "unchanged": 2, "kept": 0}
    assert report["projects"]["changed"] == report["steps"]["changed"] == 0
    assert report["missing"] == report["ignored"] == []
    new = Node.objects.get(title="バグ")
    assert new.project is None
    assert NodeLink.objects.filter(from_node=new, to_node__title="データのズレ").exists()


@pytest.mark.parametrize("other_name", ["データ.MD", unicodedata.normalize("NFD", "データ.md")])
def test_names_that_differ_in_what_not_every_system_sees(as_alice, files, other_name):
    field, reason = said(imported(as_alice, packed({**files, "データ.md": "1", other_name: "2"})))

    assert field == other_name
    assert "「データ.md」" in reason


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice(as_alice, files):
    stream = io.BytesIO(packed(files))
    with zipfile.ZipFile(stream, "a") as more:
        more.writestr(NODE, "x")

    refused(imported(as_alice, stream.getvalue()), 422, "VAL_005", NODE)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_programs_leave_there_is_nobodys_concern(as_alice, files):
    stream = io.BytesIO(packed(files))
    with zipfile.ZipFile(stream, "a") as more:
        for _ in range(2):
            more.writestr("__MACOSX/x.md", "x")
            more.writestr(".DS_Store", "x")
        more.writestr(".obsidian/plugins/packed", "x" * 100, zipfile.ZIP_LZMA)

    assert imported(as_alice, stream.getvalue()).json()["ignored"] == []


def test_bytes_that_were_changed_are_never_a_500(as_alice, files):
    """In the headers too, where zipfile itself stumbles."""
    data = packed({name: files[name] for name in ("thinkring.json", PROJECT, NODE, CANVAS)})
    heads = [at for at in range(len(data)) if data[at : at + 4] in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06")]
    for head in heads:
        for at in range(head + 4, min(head + 60, len(data))):
            for byte in (0x00, 0xFF):
                changed = data[:at] + bytes([byte]) + data[at + 1 :]
                try:
                    with vault.Vault(io.BytesIO(changed)) as notes_of_it:
                        list(notes_of_it.records())
                except archive.FileProblem:
                    pass


# --- 8: halves of surrogate pairs


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\ud800\\u0041", "\\\\\\ud83dx", "\\ud800\\ud800\\udc00"])
@pytest.mark.parametrize("goal", ["json", "thinkring.json", CANVAS])
def test_half_a_surrogate_pair_is_refused_with_its_line(as_alice, files, node, half, goal):
    text = exported(as_alice).decode() if goal == "json" else files[goal]
    assert text.count("口頭の確認")
    changed = text.replace("口頭の確認", f"口{half}", 1)
    data = changed.encode() if goal == "json" else packed({**files, goal: changed})

    assert said(imported(as_alice, data))[1].startswith(f"{line_of(changed, half)}行目")


@pytest.mark.parametrize("goal", ["json", "thinkring.json", CANVAS])
def test_whole_pairs_and_escaped_backslashes_are_none(as_alice, files, goal):
    text = exported(as_alice).decode() if goal == "json" else files[goal]
    changed = text.replace("口頭の確認", "口\\ud83d\\uDE00 \\\\ud800 \\\\\\u0041", 1)

    data = changed.encode() if goal == "json" else packed({**files, goal: changed})

    assert imported(as_alice, data).status_code == 200


def test_half_a_pair_as_a_key(as_alice):
    refused(imported(as_alice, b'{"\\ud800": 1}'), 422, "VAL_002")


# --- 9: a project that was renamed


@pytest.mark.parametrize(
    ("folder", "stem", "title"),
    [
        ("引き継ぎ", FOLDER, "引き継ぎ"),
        (FOLDER, "引き継ぎ", "引き継ぎ"),
        ("引き継ぎ", "引き継ぎ", "引き継ぎ"),
        ("引き継ぎ", "申し送り", "引き継ぎ"),
        ("仕事/引き継ぎ", FOLDER, "引き継ぎ"),
        (unicodedata.normalize("NFD", "データ"), FOLDER, "データ"),
    ],
)
def test_a_project_that_was_renamed(as_alice, files, project, folder, stem, title):
    renamed = {name.replace(f"{FOLDER}/", f"{folder}/"): text for name, text in files.items()}
    renamed[f"{folder}/{stem}.md"] = renamed.pop(f"{folder}/{FOLDER}.md")
    del renamed[f"{folder}/1/3 流れ構築.md"]

    report = report_of(as_alice, renamed)

    project.refresh_from_db()
    assert project.title == title
    assert [gone["title"] for gone in report["missing"]] == [f"{title}: 1周目: 流れ構築"]
    assert report["ignored"] == []
    assert report_of(as_alice, renamed)["projects"] == {"created": 0, "changed": 0, "unchanged": 1, "kept": 0}


@pytest.mark.parametrize("folder", ["地図/", ""])
def test_a_project_whose_note_alone_was_moved_is_not_renamed(as_alice, files, project, folder):
    files[f"{folder}{FOLDER}.md"] = files.pop(PROJECT)
    files[f"{folder}別の覚え.md"] = "x"

    report_of(as_alice, files)

    project.refresh_from_db()
    assert project.title == FOLDER


def test_a_title_that_no_file_can_have_stays(as_alice, alice):
    project = rounds.start_project(alice, "甲/乙: 丙?")

    report = imported(as_alice, exported(as_alice, "obsidian")).json()

    project.refresh_from_db()
    assert project.title == "甲/乙: 丙?"
    assert report["projects"]["changed"] == 0


# --- 10: what was refused


@pytest.fixture
def refusing(as_alice, project, node, other):
    """A vault with a removed automatic link and a refused word."""
    values = {"origin": "automatic", "reason": "確認", "weight": "0.3", "removed_at": node.created_at}
    NodeLink.objects.create(owner=project.owner, from_node=node, to_node=other, **values)
    RefusedKeyword.objects.create(project=project, word="夜勤")
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def test_refusals_come_along(as_bob, bob, refusing, alice):
    assert report_of(as_bob, refusing)["links"] == {"created": 1, "changed": 0, "unchanged": 0, "kept": 0}

    link = NodeLink.objects.owned_by(bob).get()
    assert (link.from_node.title, link.to_node.title) == ("口頭の確認", "誤差")
    assert (link.origin, link.reason, str(link.weight)) == ("automatic", "確認", "0.3")
    assert link.removed_at == NodeLink.objects.owned_by(alice).get().removed_at
    assert RefusedKeyword.objects.get(project__owner=bob).word == "夜勤"
    assert report_of(as_bob, refusing)["links"] == {"created": 0, "changed": 0, "unchanged": 1, "kept": 0}
    assert RefusedKeyword.objects.filter(project__owner=bob).count() == 1


def test_a_refused_word_is_known_without_the_note_of_the_project(as_bob, bob, refusing):
    report_of(as_bob, refusing)
    RefusedKeyword.objects.filter(project__owner=bob).delete()
    del refusing[PROJECT]

    report_of(as_bob, refusing)

    assert RefusedKeyword.objects.get(project__owner=bob).word == "夜勤"


def test_a_removed_link_that_somebody_writes_again_is_there(as_alice, refusing):
    refusing[NODE] += "\n[[誤差]]\n"

    report_of(as_alice, refusing)

    link = NodeLink.objects.get()
    assert (link.removed_at, link.origin) == (None, "manual")


def test_a_removed_link_to_a_note_that_is_gone(as_bob, bob, refusing):
    del refusing[OTHER]

    assert report_of(as_bob, refusing)["links"] == {"created": 0, "changed": 0, "unchanged": 0, "kept": 0}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda manifest: manifest.update(refused_keywords=[]), ": refused_keywords"),
        (
            lambda manifest: manifest["refused_keywords"].update(dict.fromkeys(manifest["projects"], "x")),
            ": refused_keywords",
        ),
        (lambda manifest: manifest["refused_keywords"].update(dict.fromkeys(manifest["projects"], [[]])), ": 0"),
        (lambda manifest: manifest.update(removed_links={}), ": removed_links"),
        (lambda manifest: manifest.update(removed_links=[1]), ": removed_links"),
        (lambda manifest: manifest["removed_links"][0].update(weight="x"), ": weight"),
        (lambda manifest: manifest["removed_links"][0].update(more="x"), ": more"),
    ],
)
def test_refusals_that_were_changed_are_refused(as_alice, refusing, change, where):
    manifest = json.loads(refusing["thinkring.json"])
    change(manifest)
    refusing["thinkring.json"] = json.dumps(manifest)

    assert said(imported(as_alice, packed(refusing)))[0] == f"thinkring.json{where}"


@pytest.mark.parametrize("end", [{"from": {}}, {"to": None}, {"to": "x"}])
def test_a_removed_link_between_anything_else_says_nothing(as_alice, refusing, end):
    manifest = json.loads(refusing["thinkring.json"])
    manifest["removed_links"][0] |= end
    refusing["thinkring.json"] = json.dumps(manifest)

    assert report_of(as_alice, refusing)["links"] == {"created": 0, "changed": 0, "unchanged": 0, "kept": 0}


def test_a_vault_that_was_exported_before_refusals_came_along(as_bob, bob, refusing):
    manifest = json.loads(refusing["thinkring.json"])
    del manifest["refused_keywords"], manifest["removed_links"]
    refusing["thinkring.json"] = json.dumps(manifest)

    assert report_of(as_bob, refusing)["nodes"]["created"] == 2

    assert not NodeLink.objects.owned_by(bob).exists()
    assert not RefusedKeyword.objects.filter(project__owner=bob).exists()


# --- 11: what was changed here since the export


def test_a_note_is_taken_unless_its_row_was_changed_since(as_alice, files, node, steps):
    files[NODE] = files[NODE].replace("交代のとき", "交代の前")
    files[FLOW] += "\n1. 始める\n"
    rounds.write_step(steps["flow"], {"items": [{"text": "ここで"}]})

    report = report_of(as_alice, files)

    assert report["nodes"] == {"created": 0, "changed": 1, "unchanged": 1, "kept": 0}
    assert report["steps"] == {"created": 0, "changed": 0, "unchanged": 4, "kept": 1}
    place = str(steps["flow"].round_id)
    title = f"{FOLDER}: 1周目: 流れ構築"
    assert report["kept"] == [{"kind": "step", "title": title, "place": place, "step": "flow"}]
    node.refresh_from_db()
    steps["flow"].refresh_from_db()
    assert node.context == "交代の前"
    assert steps["flow"].text == "ここで"
    again = report_of(as_alice, files)
    assert (again["nodes"]["unchanged"], again["steps"]["kept"]) == (2, 1)


def test_an_older_vault_does_not_take_the_newer_text_of_a_node(as_alice, files, node):
    nodes.change_node(node, context="ずっと長くなった")

    assert report_of(as_alice, files)["kept"][0]["title"] == "口頭の確認"

    node.refresh_from_db()
    assert node.context == "ずっと長くなった"


def test_a_note_without_its_time_is_of_now(as_alice, files, node):
    nodes.change_node(node, context="ずっと長くなった")
    files[NODE] = "\n".join(line for line in files[NODE].split("\n") if not line.startswith("updated: "))

    assert report_of(as_alice, files)["kept"] == []

    node.refresh_from_db()
    assert node.context == "交代のとき"


@pytest.mark.parametrize("removed", [False, True])
def test_a_link_that_was_weighed_or_removed_since(as_alice, files, node, removed):
    link = NodeLink.objects.get()
    if removed:
        linking.remove(link)
    else:
        linking.weigh(link, Decimal("0.9"))

    assert report_of(as_alice, files)["links"] == {"created": 0, "changed": 0, "unchanged": 0, "kept": 1}

    link.refresh_from_db()
    assert (str(link.weight), bool(link.removed_at)) == ("0.5" if removed else "0.9", removed)


def test_a_link_that_was_removed_since_and_written_in_a_text_comes_back(as_alice, files, node):
    linking.remove(NodeLink.objects.get())
    files[NODE] = files[NODE].replace("- [[誤差]] 0.5", "").replace("交代のとき", "交代のとき [[誤差]]")

    report_of(as_alice, files)

    assert NodeLink.objects.get().removed_at is None


def test_the_links_of_a_vault_are_as_old_as_the_vault(as_bob, bob, files):
    """So that a weight that is changed after a first import is taken by the second."""
    report_of(as_bob, files)
    files[NODE] = files[NODE].replace("[[誤差]] 0.5", "[[誤差]] 0.9")

    assert report_of(as_bob, files)["links"] == {"created": 0, "changed": 1, "unchanged": 0, "kept": 0}


@pytest.mark.parametrize("time", [1, "", "yesterday"])
def test_the_time_of_a_vault_that_is_none(as_alice, files, time):
    files["thinkring.json"] = json.dumps(json.loads(files["thinkring.json"]) | {"exported_at": time})

    assert said(imported(as_alice, packed(files)))[0] == "thinkring.json.exported_at"
