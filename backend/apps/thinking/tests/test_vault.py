"""A vault comes back after what people do to it in Obsidian, and one that was made to do harm does none."""

import io
import stat
import zipfile

import pytest

from apps.thinking import linking, rounds
from apps.thinking.exchange import archive
from apps.thinking.models import Node, NodeLink, NodeRename, Project
from apps.thinking.tests.test_api_exchange import exported, imported
from conftest import refused


@pytest.fixture
def other(alice, project):
    return Node.objects.create(owner=alice, title="誤差", project=project)


@pytest.fixture
def files(as_alice, alice, project, node, other, steps):
    """The vault of an account, unpacked."""
    first, second = "8c1b9b0e-0000-4000-8000-000000000001", "8c1b9b0e-0000-4000-8000-000000000002"
    items = [
        {"id": first, "text": "始める", "struck": False, "origin": None},
        {"id": second, "text": "終える", "struck": True, "origin": first},
    ]
    rounds.write_step(steps["flow"], {"items": items}, alice)
    rounds.write_step(steps["overview"], {**steps["overview"].content, "theme": "最初"}, alice)
    linking.link(node, other)
    with zipfile.ZipFile(io.BytesIO(exported(as_alice, "obsidian"))) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def packed(files: dict[str, str | bytes], compression=zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as new:
        for name, data in files.items():
            new.writestr(name, data)
    return stream.getvalue()


FOLDER = "夜勤の引き継ぎを短くする"
NODE, OTHER = f"{FOLDER}/口頭の確認.md", f"{FOLDER}/誤差.md"
FLOW, OVERVIEW = f"{FOLDER}/1/3 流れ構築.md", f"{FOLDER}/1/1 俯瞰.md"


def test_it_works(as_alice, files):
    assert set(files) >= {
        "thinkring.json",
        f"{FOLDER}/{FOLDER}.md",
        f"{FOLDER}/{FOLDER}.canvas",
        f"{FOLDER}/1/1.md",
        NODE,
        OTHER,
        FLOW,
        OVERVIEW,
    }
    assert "- [[誤差]] 0.5" in files[NODE]
    assert "1. 始める ^8c1b" in files[FLOW]

    report = imported(as_alice, packed(files)).json()

    assert report["nodes"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}
    assert report["missing"] == report["ignored"] == []


def test_what_was_written_in_a_note(as_alice, files, node, steps):
    files[NODE] = files[NODE].replace("交代のとき", "交代のとき、[[誤差]] を **必ず**")
    files[OVERVIEW] = files[OVERVIEW].replace("最初", "次の\nテーマ")

    report = imported(as_alice, packed(files)).json()

    assert report["nodes"]["changed"] == report["steps"]["changed"] == 1
    node.refresh_from_db()
    assert node.context == "交代のとき、[[誤差]] を **必ず**"
    steps["overview"].refresh_from_db()
    assert steps["overview"].content["theme"] == "次の\nテーマ"
    assert steps["overview"].text == "次の\nテーマ"
    again = imported(as_alice, packed(files)).json()
    assert again["nodes"]["changed"] == again["steps"]["changed"] == 0


def test_a_vault_that_is_edited_on_comes_back_again(as_alice, files, node, project, steps):
    first = files[NODE]
    for words in ("一度目", "二度目"):
        files[NODE] = first.replace("交代のとき", words)
        files[FLOW] = f"{files[FLOW]}\n- {words}\n"
        report = imported(as_alice, packed(files)).json()
        assert (report["nodes"]["changed"], report["steps"]["changed"], report["kept"]) == (1, 1, [])
        node.refresh_from_db()
        assert node.context == words

    # What is changed here after the export stays.
    as_alice.patch(f"/api/v1/nodes/{node.pk}/", {"context": "ここで"}, headers={"If-Match": str(node.version)})
    files[NODE] = first.replace("交代のとき", "三度目")
    report = imported(as_alice, packed(files)).json()
    assert [one["title"] for one in report["kept"]] == [node.title]
    node.refresh_from_db()
    assert node.context == "ここで"


def test_items_that_were_moved_struck_and_added(as_alice, files, steps):
    lines = files[FLOW].split("\n")
    at = next(index for index, line in enumerate(lines) if "始める" in line)
    lines[at : at + 2] = [
        lines[at + 1].replace("~~", ""),
        "- 新しい",
        "  つづき",
        lines[at].replace("始める", "~~始める~~"),
    ]
    files[FLOW] = "\n".join(lines)

    imported(as_alice, packed(files))

    steps["flow"].refresh_from_db()
    items = steps["flow"].content["items"]
    assert [(item["text"], item["struck"]) for item in items] == [
        ("終える", False),
        ("新しい\nつづき", False),
        ("始める", True),
    ]
    assert items[0]["origin"] == items[2]["id"] == "8c1b9b0e-0000-4000-8000-000000000001"
    assert imported(as_alice, packed(files)).json()["steps"]["changed"] == 0


def test_a_new_wikilink_is_a_link(as_alice, alice, files, other):
    files[f"{FOLDER}/負担.md"] = "夜勤の [[口頭の確認|確認]] と [[無い]]、![[誤差]]"

    report = imported(as_alice, packed(files)).json()

    new = Node.objects.get(title="負担")
    assert report["nodes"]["created"] == 1
    assert new.project_id == other.project_id
    link = NodeLink.objects.get(from_node=new, origin="manual")
    assert link.to_node.title == "口頭の確認"
    again = imported(as_alice, packed(files)).json()
    assert again["nodes"]["created"] == again["links"]["created"] == 0


def test_a_weight_that_was_changed(as_alice, files, node):
    files[NODE] = files[NODE].replace("[[誤差]] 0.5", "[[誤差]] 0.9")
    imported(as_alice, packed(files))
    assert str(NodeLink.objects.get(from_node=node).weight) == "0.9"

    files[NODE] = files[NODE].replace("[[誤差]] 0.9", "[[誤差]] 0.95")
    refused(imported(as_alice, packed(files)), 422, "VAL_005", f"{NODE}: weight")


@pytest.mark.parametrize("remark", ["3 times", "3", "0.4 times", "0", "1.5", "0.05"])
def test_a_number_that_is_no_weight(as_alice, files, node, remark):
    files[NODE] = files[NODE].replace("[[誤差]] 0.5", f"[[誤差]] {remark}")

    assert imported(as_alice, packed(files)).json()["links"] == {"created": 0, "changed": 0, "unchanged": 1, "kept": 0}

    assert str(NodeLink.objects.get(from_node=node).weight) == "0.5"


def test_the_weight_of_a_link_that_arose(as_alice, files, node):
    files[NODE] = files[NODE].replace("[[誤差]] 0.5", "[[誤差]] 0.3 %%automatic%% 2 words")

    imported(as_alice, packed(files))

    link = NodeLink.objects.get(from_node=node)
    assert (str(link.weight), link.origin, link.reason) == ("0.3", "automatic", "2 words")


def test_a_renamed_file_is_a_new_title(as_alice, files, node, project):
    files[f"{FOLDER}/声かけ.md"] = files.pop(NODE)
    renamed = {name.replace(f"{FOLDER}/", "引き継ぎ/"): data for name, data in files.items()}

    imported(as_alice, packed(renamed))

    node.refresh_from_db()
    project.refresh_from_db()
    assert (node.title, project.title) == ("声かけ", "引き継ぎ")
    assert NodeRename.objects.get(node=node).old_title == "口頭の確認"


def test_a_deleted_note_is_told_and_not_deleted(as_alice, files, other, steps):
    del files[OTHER], files[FLOW]

    report = imported(as_alice, packed(files)).json()

    assert [gone["title"] for gone in report["missing"]] == [f"{FOLDER}: 1周目: 流れ構築", "誤差"]
    assert Node.objects.kept().filter(pk=other.pk).exists()
    steps["flow"].refresh_from_db()
    assert len(steps["flow"].content["items"]) == 2


def test_what_a_project_lost_is_made_empty_elsewhere(as_bob, bob, files):
    del files[FLOW], files[f"{FOLDER}/1/1.md"]

    imported(as_bob, packed(files))

    steps = Project.objects.owned_by(bob).get().rounds.get().steps
    assert steps.count() == 5
    assert steps.get(type="flow").content == {"items": []}
    assert steps.get(type="overview").content["theme"] == "最初"


def test_front_matter_as_obsidian_writes_it(as_alice, files, node):
    head, front, body = files[NODE].split("---", 2)
    plain = front.replace('"', "").replace("title:", "tags:\n  - 夜勤\ntitle:")
    files[NODE] = f"{head}---{plain}---{body}".replace("\n", "\r\n")

    assert imported(as_alice, packed(files)).json()["nodes"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}


def test_front_matter_of_somebodys_own(as_alice, files, project):
    front = "thinkring: draft\nid: [7]\nround: [1]\nstep: [flow]\nimage: [x.png]\norigins: none"
    files[f"{FOLDER}/負担.md"] = f"---\n{front}\n---\n重い"

    imported(as_alice, packed(files))

    new = Node.objects.get(title="負担")
    assert (new.project, new.round, new.context) == (project, None, "重い")


def test_headings_of_which_only_the_words_are_left(as_alice, files):
    files[OVERVIEW] = files[OVERVIEW].replace(" %%theme%%", "").replace("## 目的 %%purpose%%", "## Purpose\n\n早く")

    imported(as_alice, packed(files))

    assert Project.objects.get().rounds.get().steps.get(type="overview").content["purpose"] == "早く"


def test_a_vault_in_a_folder_with_what_programs_leave_there(as_alice, files):
    around = {f"My vault/{name}": data for name, data in files.items()}
    around |= {"My vault/.obsidian/app.json": "{}", "__MACOSX/My vault/._a.md": "x", "My vault/日記.md": "今日"}

    report = imported(as_alice, packed(around)).json()

    assert report["nodes"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}
    assert [one["file"] for one in report["ignored"]] == ["My vault/日記.md"]


def test_names_that_were_packed_in_another_encoding(as_alice, files):
    """As Windows does it: no word about the encoding, which is that of the country."""
    data = packed({name.replace(FOLDER, "XXXX"): text for name, text in files.items() if name == "thinkring.json"})
    info = zipfile.ZipInfo("x")
    info.flag_bits, info.orig_filename = 0, "夜勤.md".encode("cp932").decode("cp437")
    assert archive._name(info) == "夜勤.md"
    assert imported(as_alice, data).status_code == 200


def entry(name: str, data: bytes = b"x", **values) -> bytes:
    info = zipfile.ZipInfo(name)
    for key, value in values.items():
        setattr(info, key, value)
    return packed_entry(info, data)


def packed_entry(info: zipfile.ZipInfo, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as new:
        new.writestr(info, data)
    return stream.getvalue()


def encrypted(name: str) -> bytes:
    """As far as the directory says."""
    data = bytearray(entry(name))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


BOMB = packed({"bomb.md": b"\0" * 20_000_000})
ATTACKS = {
    "traversal": (entry("../../etc/cron.d/x"), "VAL_005"),
    "an absolute path": (entry("/etc/passwd"), "VAL_005"),
    "a drive": (entry("C:/x.md"), "VAL_005"),
    "a symbolic link": (entry("x.md", create_system=3, external_attr=(stat.S_IFLNK | 0o777) << 16), "VAL_005"),
    "a device": (entry("x.md", create_system=3, external_attr=(stat.S_IFCHR | 0o666) << 16), "VAL_005"),
    "a password": (encrypted("x.md"), "VAL_005"),
    "another compression": (packed({"x.md": "x"}, zipfile.ZIP_LZMA), "VAL_005"),
    "a bomb": (BOMB, "VAL_003"),
    "names that are one": (packed({"a.md": "1", "A.md": "2"}), "VAL_005"),
    "cut off": (BOMB[:-30], "VAL_002"),
    "PK and nothing": (b"PK\x03\x04", "VAL_002"),
    "another zip": (packed({"a.md": "x"}), "VAL_002"),
    "another manifest": (packed({"thinkring.json": '{"format": "x"}'}), "VAL_002"),
    "a broken manifest": (packed({"thinkring.json": "{"}), "VAL_002"),
}


@pytest.mark.parametrize(("data", "code"), ATTACKS.values(), ids=ATTACKS)
def test_a_zip_that_does_no_harm(as_alice, project, data, code):
    refused(imported(as_alice, data), 422, code)

    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    ("attack", "part"),
    [
        ("traversal", "Rename the file"),
        ("a symbolic link", "a link"),
        ("a password", "without a password"),
        ("another compression", "Deflate"),
    ],
)
def test_it_says_what_to_do(as_alice, attack, part):
    response = as_alice.post(
        "/api/v1/account/import/", ATTACKS[attack][0], content_type="application/zip", HTTP_ACCEPT_LANGUAGE="en"
    )

    [detail] = refused(response, 422, "VAL_005")["details"]
    assert part in detail["reason"]


def test_too_many_files(as_alice, files, monkeypatch):
    monkeypatch.setattr(archive, "ENTRIES", 5)

    refused(imported(as_alice, packed(files)), 422, "VAL_003")


def test_a_size_that_lies(as_alice, files):
    """The directory says that a file is small; what is unpacked is not more than that."""
    data = packed({**files, "x.md": b"a" * 9_000}, zipfile.ZIP_STORED)
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"x.md"))
    data = data[: at + 24] + (5).to_bytes(4, "little") + data[at + 28 :]

    refused(imported(as_alice, data), 422, "VAL_002")


BAD_NOTES = {
    "front matter": (lambda text: text.replace('title: "', 'title: ["'), "VAL_002", NODE),
    "an id": (lambda text: text.replace("id: ", "id: x", 1), "VAL_002", f"{NODE}: id"),
    "a round": (lambda text: text.replace("round: 1", "round: 4"), "VAL_005", f"{NODE}: round"),
    "a long text": (lambda text: text.replace("交代のとき", "あ" * 20_001), "VAL_003", f"{NODE}: context"),
}


@pytest.mark.parametrize(("change", "code", "where"), BAD_NOTES.values(), ids=BAD_NOTES)
def test_a_note_that_went_wrong(as_alice, files, node, change, code, where):
    files[NODE] = change(files[NODE])
    files[OVERVIEW] = files[OVERVIEW].replace("最初", "次")

    refused(imported(as_alice, packed(files)), 422, code, where)

    assert "次" not in node.round.steps.get(type="overview").text


@pytest.mark.parametrize(
    ("name", "line", "listed"),
    [
        (NODE, "round: 1", "round: [1]"),
        (NODE, 'step: "flow"', "step: [flow]"),
        (NODE, 'step: "flow"', "step: {flow: 1}"),
        (FLOW, "round: 1", "round: [1]"),
        (FLOW, 'step: "flow"', "step: [flow]"),
        (f"{FOLDER}/1/1.md", "round: 1", "round: [1]"),
        (f"{FOLDER}/{FOLDER}.md", 'status: "active"', "status: [active]"),
    ],
)
def test_a_list_where_one_value_belongs(as_alice, files, name, line, listed):
    assert line in files[name]
    files[name] = files[name].replace(line, listed)

    refused(imported(as_alice, packed(files)), 422, "VAL_002", name)


def test_a_note_that_is_not_utf8(as_alice, files):
    refused(imported(as_alice, packed({**files, NODE: b"\xff\xfe"})), 422, "VAL_002", NODE)
