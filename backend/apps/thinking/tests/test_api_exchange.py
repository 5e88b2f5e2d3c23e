import base64
import contextlib
import io
import json
import time
import uuid
import zipfile
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from PIL import Image

from apps.thinking import content, images, linking, nodes, rounds, trash
from apps.thinking.api import exchange
from apps.thinking.exchange import importing
from apps.thinking.exchange import json as exchange_json
from apps.thinking.exchange.problems import FileProblem
from apps.thinking.models import Node, NodeLink, Project
from conftest import refused

EXPORT, IMPORT = "/api/v1/account/export/", "/api/v1/account/import/"


def exported(client, form="json", url=EXPORT) -> bytes:
    response = client.get(f"{url}?as={form}")
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def imported(client, data: bytes, content_type="application/json"):
    return client.generic("POST", IMPORT, data, content_type)


@pytest.fixture
def whole(alice, project, steps, node):
    """An account with something of everything."""
    rounds.write_step(steps["overview"], {**steps["overview"].content, "theme": "引き継ぎを\n十分で終える"}, alice)
    rounds.write_step(
        steps["mvp"],
        {
            "must": [
                {"id": "8c1b9b0e-0000-4000-8000-000000000001", "text": "口頭で確認", "struck": False, "origin": None}
            ],
            "optional": [
                {"id": "8c1b9b0e-0000-4000-8000-000000000002", "text": "紙の表", "struck": True, "origin": None}
            ],
            "later": [],
        },
        alice,
    )
    rounds.start_next_round(project, "短くならない")
    everywhere = Node.objects.create(owner=alice, title="確認", context="どこでも")
    linking.link(node, everywhere)
    return project


def without_time(data: bytes) -> dict:
    """What is imported of an export."""
    return {**json.loads(data), "exported_at": "", "account": {}}


def test_it_works(as_alice, as_bob, whole):
    data = exported(as_alice)
    Project.objects.all().delete()
    Node.objects.all().delete()

    response = imported(as_bob, data)

    assert response.status_code == 200, response.json()
    assert response.json()["steps"] == {"created": 10, "changed": 0, "unchanged": 0, "kept": 0}
    assert without_time(exported(as_bob)) == without_time(data)
    again = imported(as_bob, data).json()
    assert again["nodes"] == {"created": 0, "changed": 0, "unchanged": 2, "kept": 0}
    assert without_time(exported(as_bob)) == without_time(data)


def test_a_vault_comes_back(as_alice, as_bob, whole):
    data = exported(as_alice, "obsidian")
    before = without_time(exported(as_alice))

    report = imported(as_alice, data, "application/zip").json()

    assert all(
        report[kind]["created"] == report[kind]["changed"] == 0
        for kind in ("projects", "rounds", "steps", "nodes", "links")
    ), report
    assert without_time(exported(as_alice)) == before


def test_a_project_alone_takes_its_global_nodes_along(as_alice, as_bob, whole):
    rounds.start_project(whole.owner, "別の計画")

    export = json.loads(exported(as_alice, url=f"/api/v1/projects/{whole.pk}/export/"))

    assert [project["title"] for project in export["projects"]] == [whole.title]
    assert [node["title"] for node in export["nodes"]] == ["確認"]
    assert len(export["links"]) == 1
    assert imported(as_bob, json.dumps(export).encode()).json()["nodes"]["created"] == 2


@pytest.mark.parametrize("removed", [False, True])
def test_a_project_alone_takes_the_links_between_its_global_nodes_along(
    as_alice, as_bob, alice, bob, project, node, removed
):
    first, second, elsewhere = (Node.objects.create(owner=alice, title=title) for title in ("確認", "手順", "よそ"))
    linking.link(node, first)
    linking.link(node, second)
    between, _is_new = linking.link(first, second, Decimal("0.9"))
    linking.link(second, elsewhere)
    if removed:
        linking.remove(between)

    imported(as_bob, exported(as_alice, url=f"/api/v1/projects/{project.pk}/export/"))

    assert NodeLink.objects.owned_by(bob).count() == 3
    link = NodeLink.objects.owned_by(bob).get(weight="0.9")
    assert (link.from_node.title, link.to_node.title, bool(link.removed_at)) == ("確認", "手順", removed)


@pytest.mark.parametrize("form", ["json", "markdown", "obsidian"])
def test_a_project_alone_says_nothing_of_others(as_alice, alice, project, node, form):
    secret = Node.objects.create(owner=alice, title="よそ", project=rounds.start_project(alice, "別の計画"))
    everywhere = Node.objects.create(owner=alice, title="確認")
    linking.link(node, everywhere)
    linking.link(everywhere, secret)
    linking.link(node, secret)

    data = exported(as_alice, form, f"/api/v1/projects/{project.pk}/export/")
    if form == "obsidian":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            data = b"".join([packed.read(name) for name in packed.namelist()])

    assert "確認" in data.decode()
    assert "よそ" not in data.decode()
    assert str(secret.pk) not in data.decode()


def test_ids_that_are_taken_are_mapped_and_twice_gives_no_duplicates(as_alice, as_bob, bob, whole):
    data = exported(as_alice)

    first, second = imported(as_bob, data).json(), imported(as_bob, data).json()

    assert first["projects"] == {"created": 1, "changed": 0, "unchanged": 0, "kept": 0}
    assert second["projects"] == {"created": 0, "changed": 0, "unchanged": 1, "kept": 0}
    assert Project.objects.owned_by(bob).count() == 1
    assert Project.objects.owned_by(bob).get().pk != whole.pk
    # Also when the ids are free later on.
    whole.owner.delete()
    assert imported(as_bob, data).json()["projects"]["created"] == 0


def test_what_was_thrown_away_since_comes_back(as_alice, whole, node):
    data = exported(as_alice)
    trash.move_to_trash(node)
    trash.move_to_trash(whole)

    report = imported(as_alice, data).json()

    assert report["projects"]["changed"] == report["nodes"]["changed"] == 1
    assert report["kept"] == []
    assert [kept["title"] for kept in without_time(exported(as_alice))["projects"][0]["nodes"]] == [node.title]


def with_older_texts(data: bytes, **times: str) -> bytes:
    """An export as if everything had stood otherwise in it when it was written."""
    export = json.loads(data)
    (project,) = export["projects"]
    rows = [(project, "title"), (project["rounds"][1], "note"), (project["nodes"][0], "context")]
    for row, key in [*rows, (project["rounds"][0]["steps"][0]["content"], "theme")]:
        row[key] = "以前"
    (link,) = export["links"]
    link["weight"] = 0.1
    for row in (*(row for row, _key in rows), project["rounds"][0]["steps"][0], link):
        row |= times
    return json.dumps(export).encode()


def test_what_was_changed_here_since_stays_and_is_told(as_alice, whole, node):
    before = without_time(exported(as_alice))
    data = with_older_texts(exported(as_alice), updated_at="2020-01-31T09:00:00+09:00")

    report = imported(as_alice, data).json()

    first, second = whole.rounds.all()
    assert {kind: report[kind]["kept"] for kind in ("projects", "rounds", "steps", "nodes", "links")} == dict.fromkeys(
        ("projects", "rounds", "steps", "nodes", "links"), 1
    )
    assert not any(
        report[kind][how] for kind in ("projects", "rounds", "steps", "nodes") for how in ("created", "changed")
    )
    told = [
        ("project", whole.title, whole.pk, None),
        ("round", f"{whole.title}: 2周目", second.pk, None),
        ("step", f"{whole.title}: 1周目: 俯瞰", first.pk, "overview"),
        ("node", node.title, node.pk, None),
        ("link", f"{node.title} – 確認", node.pk, None),
    ]
    assert report["kept"] == [
        {"kind": kind, "title": title, "place": str(place), "step": step} for kind, title, place, step in told
    ]
    assert without_time(exported(as_alice)) == before


@pytest.mark.parametrize("times", [{}, {"updated_at": "2999-01-31T09:00:00+09:00"}], ids=["as it is here", "newer"])
def test_what_was_not_changed_here_since_is_taken(as_alice, whole, node, times):
    report = imported(as_alice, with_older_texts(exported(as_alice), **times)).json()

    assert report["kept"] == []
    assert all(report[kind]["changed"] == 1 for kind in ("projects", "rounds", "steps", "nodes", "links"))
    step = whole.rounds.get(number=1).steps.get(type="overview")
    assert step.content["theme"] == "以前"
    # What stood there is in the history.
    assert "引き継ぎを" in str([revision.content for revision in step.revisions.all()])


def test_a_file_without_times_is_of_now(as_alice, whole):
    export = json.loads(with_older_texts(exported(as_alice), updated_at=""))
    (project,) = export["projects"]
    for row in (project, project["rounds"][1], project["rounds"][0]["steps"][0], project["nodes"][0], *export["links"]):
        del row["updated_at"]

    assert imported(as_alice, json.dumps(export).encode()).json()["kept"] == []

    whole.refresh_from_db()
    assert whole.title == "以前"


def test_an_older_export_does_not_take_the_newer_text_of_a_node(as_alice, node):
    data = exported(as_alice)
    as_alice.patch(f"/api/v1/nodes/{node.pk}/", {"context": "ずっと長くなった"}, format="json")
    node.refresh_from_db()
    trash.move_to_trash(node)

    report = imported(as_alice, data).json()

    # It comes back from the trash, with what was last written in it.
    assert report["nodes"] == {"created": 0, "changed": 0, "unchanged": 0, "kept": 1}
    node.refresh_from_db()
    assert (node.context, node.deleted_at) == ("ずっと長くなった", None)


def test_an_image_that_was_changed_here_since_stays(as_alice, node, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    for colour in ("red", "blue"):
        file = io.BytesIO()
        Image.new("RGB", (3, 2), colour).save(file, "PNG")
        images.replace(node, images.clean(file.getvalue()))
        if colour == "red":
            data = exported(as_alice)

    assert imported(as_alice, data).json()["nodes"]["kept"] == 1

    node.refresh_from_db()
    assert Image.open(node.image.path).getpixel((0, 0)) == (0, 0, 255)


def test_a_link_that_was_removed_or_made_again_since(as_alice, whole):
    link = NodeLink.objects.get()
    live = exported(as_alice)
    linking.remove(link)
    removed = exported(as_alice)
    assert imported(as_alice, live).json()["links"]["kept"] == 1
    link.refresh_from_db()
    assert link.removed_at

    linking.link(link.from_node, link.to_node)
    assert imported(as_alice, removed).json()["links"]["kept"] == 1
    link.refresh_from_db()
    assert link.removed_at is None


def test_a_link_that_arose_follows_the_file(as_alice, alice, project):
    """It changes by itself whenever one of its nodes is saved, also by the import."""
    one, other = (nodes.create_node(alice, title=title, project=project) for title in ("測定誤差", "誤差の原因"))
    link = NodeLink.objects.get()
    linking.remove(link)
    data = exported(as_alice)
    link.delete()
    linking.relink(one)

    report = imported(as_alice, data).json()

    assert report["kept"] == []
    assert NodeLink.objects.get().removed_at


def test_no_more_is_named_than_anybody_reads(as_alice, whole, monkeypatch):
    monkeypatch.setattr(importing, "NAMED", 2)
    data = with_older_texts(exported(as_alice), updated_at="2020-01-31T09:00:00+09:00")

    assert len(imported(as_alice, data).json()["kept"]) == 2


def test_an_image_goes_along(as_alice, as_bob, bob, node, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(file, "PNG")
    images.replace(node, images.clean(file.getvalue()))

    for form in ("json", "obsidian"):
        data = exported(as_alice, form)
        imported(as_bob, data)
        found = Node.objects.owned_by(bob).get()
        assert Image.open(found.image.path).getpixel((0, 0)) == (255, 0, 0)
        assert imported(as_bob, data).json()["nodes"]["unchanged"] == 1
        found.delete()


@contextlib.contextmanager
def unanswered_commit():
    yield
    raise OperationalError("the connection was lost")


@pytest.mark.parametrize(("where", "left"), [("links", 0), ("commit", 1)])
def test_the_files_of_an_import_that_failed(as_alice, as_bob, node, settings, tmp_path, monkeypatch, where, left):
    """They go, but for a commit that was not answered: it may have happened all the same."""
    settings.MEDIA_ROOT = tmp_path / "one"
    file = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(file, "PNG")
    images.replace(node, images.clean(file.getvalue()))
    linking.link(node, Node.objects.create(owner=node.owner, project=node.project, title="Other"))
    data = exported(as_alice)
    settings.MEDIA_ROOT = tmp_path / "other"

    def fail(*args):
        raise OperationalError("the disk is full")

    if where == "links":
        monkeypatch.setattr("apps.thinking.exchange.importing._Importer.links", fail)
    else:
        monkeypatch.setattr("apps.thinking.exchange.importing.transaction.atomic", unanswered_commit)

    refused(imported(as_bob, data), 503, "SRV_002")

    assert len(list((tmp_path / "other").glob("nodes/*"))) == left


def broken(change):
    def build(data: bytes) -> bytes:
        export = json.loads(data)
        change(export)
        return json.dumps(export, ensure_ascii=False).encode()

    return build


BAD_FILES = {
    "cut off": (lambda data: data[: len(data) // 2], "VAL_002", ""),
    "not JSON": (lambda data: data.replace(b'"rounds"', b"rounds"), "VAL_002", ""),
    "not UTF-8": (lambda data: data.replace("改善".encode(), b"\xff\xfe"), "VAL_002", ""),
    "nothing": (lambda data: b"", "VAL_001", "file"),
    "a number of thousands of digits": (lambda data: b'{"format": ' + b"9" * 9999 + b"}", "VAL_002", ""),
    "another's format": (broken(lambda export: export.update(format="logseq")), "VAL_002", "format"),
    "another's JSON": (lambda data: b'{"blocks": []}', "VAL_002", "blocks"),
    "a list": (lambda data: b"[]", "VAL_002", ""),
    "no version": (broken(lambda export: export.pop("version")), "VAL_001", "version"),
    "a newer version": (broken(lambda export: export.update(version=3)), "VAL_005", "version"),
    "an unknown older version": (broken(lambda export: export.update(version=0)), "VAL_002", "version"),
    "too deep": (
        lambda data: b'{"format": "thinkring", "version": 1, "nodes": ' + b"[" * 100 + b"]" * 100 + b"}",
        "VAL_002",
        "nodes",
    ),
    "no list": (broken(lambda export: export.update(nodes={})), "VAL_002", "nodes"),
    "no object": (broken(lambda export: export["nodes"].append(1)), "VAL_002", "nodes.1"),
    "an unknown key": (broken(lambda export: export["nodes"][0].update(colour="red")), "VAL_005", "nodes.0.colour"),
    "no title": (broken(lambda export: export["projects"][0].update(title=" ")), "VAL_001", "projects.0.title"),
    "a long title": (broken(lambda export: export["nodes"][0].update(title="あ" * 256)), "VAL_003", "nodes.0.title"),
    "NUL": (broken(lambda export: export["nodes"][0].update(context="\0")), "VAL_002", "nodes.0.context"),
    "an unknown status": (
        broken(lambda export: export["projects"][0].update(status="x")),
        "VAL_005",
        "projects.0.status",
    ),
    "an id of another kind": (broken(lambda export: export["nodes"][0].update(id=7)), "VAL_002", "nodes.0.id"),
    "an id twice": (
        broken(lambda export: export["nodes"].append(export["nodes"][0])),
        "VAL_005",
        "nodes.1.id",
    ),
    "a gap in the rounds": (
        broken(lambda export: export["projects"][0]["rounds"].pop(0)),
        "VAL_005",
        "projects.0.rounds",
    ),
    "a sixth round": (
        broken(lambda export: export["projects"][0]["rounds"][1].update(number=6)),
        "VAL_005",
        "projects.0.rounds.1.number",
    ),
    "a step missing": (
        broken(lambda export: export["projects"][0]["rounds"][1]["steps"].pop()),
        "VAL_005",
        "projects.0.rounds.1.steps",
    ),
    "a step twice": (
        broken(lambda export: export["projects"][0]["rounds"][1]["steps"][1].update(type="overview")),
        "VAL_005",
        "projects.0.rounds.1.steps.1.type",
    ),
    "content of another step": (
        broken(lambda export: export["projects"][0]["rounds"][0]["steps"][2].update(content={"theme": ""})),
        "VAL_005",
        "projects.0.rounds.0.steps.2.content.theme",
    ),
    "a round that is not there": (
        broken(lambda export: export["projects"][0]["nodes"][0].update(round=5)),
        "VAL_005",
        "projects.0.nodes.0.round",
    ),
    "a step without a round": (
        broken(lambda export: export["projects"][0]["nodes"][0].update(round=None)),
        "VAL_005",
        "projects.0.nodes.0.step",
    ),
    "an image that is too large": (
        broken(lambda export: export["nodes"][0].update(image=base64.b64encode(bytes(images.MAXIMUM + 1)).decode())),
        "VAL_003",
        "nodes.0.image",
    ),
    "nothing that is as large as an image may be": (
        broken(lambda export: export["nodes"][0].update(image=base64.b64encode(bytes(images.MAXIMUM)).decode())),
        "VAL_002",
        "nodes.0.image",
    ),
    "no image": (broken(lambda export: export["nodes"][0].update(image="PHN2Zz4=")), "VAL_002", "nodes.0.image"),
    "an image that is not even ASCII": (
        broken(lambda export: export["nodes"][0].update(image="!!!é")),
        "VAL_002",
        "nodes.0.image",
    ),
    "a number that no parser takes": (
        broken(lambda export: export["projects"][0]["rounds"][0].update(number=10**30)),
        "VAL_002",
        "",
    ),
    "a time without a zone": (
        broken(lambda export: export["nodes"][0].update(created_at="2026-01-01T00:00:00")),
        "VAL_002",
        "nodes.0.created_at",
    ),
    "a weight between": (broken(lambda export: export["links"][0].update(weight=0.55)), "VAL_005", "links.0.weight"),
    "a weight that is none": (
        broken(lambda export: export["links"][0].update(weight=True)),
        "VAL_005",
        "links.0.weight",
    ),
    "a link to itself": (
        broken(lambda export: export["links"][0].update(to=export["links"][0]["from"])),
        "VAL_005",
        "links.0.to",
    ),
    "a link to nothing": (
        broken(lambda export: export["links"][0].update(to="8c1b9b0e-0000-4000-8000-00000000000f")),
        "VAL_005",
        "links.0.to",
    ),
}


@pytest.mark.parametrize(("build", "code", "where"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_whole(as_alice, as_bob, bob, whole, build, code, where):
    data = build(exported(as_alice))

    refused(imported(as_bob, data), 422, code, where)

    assert not Project.objects.owned_by(bob).exists()
    assert not Node.objects.owned_by(bob).exists()


@pytest.mark.parametrize("piece", [50, exchange_json.PIECE])
def test_it_says_on_which_line(as_alice, whole, monkeypatch, piece):
    monkeypatch.setattr(exchange_json, "PIECE", piece)
    lines = exported(as_alice).split(b"\n")
    at = next(index for index, line in enumerate(lines) if b'"type": "mvp"' in line)
    cut = b"\n".join(lines[: at + 1])[:-9]
    wrong = b"\n".join([*lines[:at], lines[at].replace(b'"later"', b'"never"'), *lines[at + 1 :]])

    of_cut = refused(imported(as_alice, cut), 422, "VAL_002")["details"][0]
    of_wrong = refused(imported(as_alice, wrong), 422, "VAL_005")["details"][0]

    assert of_cut["reason"].startswith(f"{at + 1}行目")
    assert of_wrong["reason"].startswith(f"{at + 1}行目")
    assert of_wrong["field"] == "projects.0.rounds.0.steps.3.content.never"


LARGE_FILES = {
    "one string": ('{"title": "', "a" * 20_000_000, '"}]}'),
    "empty lines": ("", "\n" * 20_000_000, "x"),
    "empty lines in an object that is wrong": ("{", "\n" * 20_000_000, '"title": 1}]}'),
    "a project a line": ("", "{},\n" * 500_000, "x"),
}


@pytest.mark.parametrize("parts", LARGE_FILES.values(), ids=LARGE_FILES)
def test_a_large_file_is_refused_soon(alice, parts):
    file = io.BytesIO(b'{"format": "thinkring", "version": 1, "projects": [' + "".join(parts).encode())
    before = time.thread_time()

    with pytest.raises(FileProblem) as caught:
        importing.import_records(alice, exchange_json.read(file))
    if caught.value.line is None:
        exchange_json.line_of(file, caught.value.where)

    assert time.thread_time() - before < 4


def test_an_id_of_somebody_else_is_no_way_in(as_alice, as_bob, bob, whole, other_node):
    export = json.loads(exported(as_alice))
    export["links"][0]["to"] = str(other_node.pk)

    refused(imported(as_alice, json.dumps(export).encode()), 422, "VAL_005", "links.0.to")


def test_the_order_of_the_keys_does_not_matter(as_alice, as_bob, whole):
    data = json.dumps(json.loads(exported(as_alice)), sort_keys=True).encode()

    assert imported(as_bob, b"\xef\xbb\xbf" + data).json()["links"]["created"] == 1


def test_an_older_version_is_brought_up_to_date(as_alice, as_bob, bob, whole, monkeypatch):
    """Of a version that never was: it called the title `name`."""

    def upgrade(kind, record):
        if kind == "projects":
            record["title"] = record.pop("name")
        return record

    monkeypatch.setitem(exchange_json.UPGRADES, 0, upgrade)
    export = json.loads(exported(as_alice)) | {"version": 0}
    export["projects"][0]["name"] = export["projects"][0].pop("title")

    assert imported(as_bob, json.dumps(export).encode()).status_code == 200
    assert Project.objects.owned_by(bob).get().title == whole.title


def test_what_comes_with_its_links_is_not_linked_anew(as_alice, as_bob, whole, monkeypatch):
    relinked = []
    monkeypatch.setattr("apps.thinking.linking.relink_all", lambda nodes, known: relinked.append(len(nodes)))
    export = json.loads(exported(as_alice))

    imported(as_bob, json.dumps(export).encode())
    imported(as_bob, json.dumps(export).encode())
    assert relinked == []

    export["nodes"][0]["title"] = "承認"
    imported(as_bob, json.dumps(export).encode())
    assert relinked == [1]


def test_new_nodes_of_many_projects_are_linked_at_once(as_bob, monkeypatch):
    relinked = []
    monkeypatch.setattr("apps.thinking.linking.relink_all", lambda nodes, known: relinked.append(len(nodes)))

    def new_project():
        steps = [{"id": str(uuid.uuid4()), "type": type} for type in content.SHAPES]
        nodes = [{"id": str(uuid.uuid4()), "title": "誤差"} for _ in range(3)]
        first = {"id": str(uuid.uuid4()), "number": 1, "steps": steps}
        return {"id": str(uuid.uuid4()), "title": "Project", "rounds": [first], "nodes": nodes}

    export = {"format": "thinkring", "version": 1, "projects": [new_project() for _ in range(30)]}

    assert imported(as_bob, json.dumps(export).encode()).json()["nodes"]["created"] == 90
    # Of twenty projects, and of the other ten.
    assert relinked == [60, 30]


def test_it_comes_as_a_form_too(as_alice, as_bob, whole):
    file = SimpleUploadedFile("thinkRing.json", exported(as_alice))

    assert as_bob.post(IMPORT, {"file": file}, format="multipart").json()["projects"]["created"] == 1
    refused(as_bob.post(IMPORT, {}, format="multipart"), 422, "VAL_001", "file")


def test_too_large(as_alice, monkeypatch):
    monkeypatch.setattr(exchange, "MAXIMUM", 1000)

    refused(imported(as_alice, b" " * 1001), 413, "REQ_003")
    refused(imported(as_alice, b" " * 100_000), 413, "REQ_003")
    file = SimpleUploadedFile("thinkRing.json", b" " * 1001)
    refused(as_alice.post(IMPORT, {"file": file}, format="multipart"), 413, "REQ_003")


def test_a_markdown_export_cannot_be_imported(as_alice, whole):
    [detail] = refused(imported(as_alice, exported(as_alice, "markdown")), 422, "VAL_005", "file")["details"]

    assert "JSON" in detail["reason"]
    assert "Obsidian" in detail["reason"]


def test_what_is_wrong_with_a_number_is_said(as_alice):
    data = b'{"format": "thinkring",\n"version": 1' + b"0" * 40 + b"}"

    [detail] = refused(imported(as_alice, data), 422, "VAL_002")["details"]

    assert detail["reason"] == "2行目: 読み取れない数値があります。"


@pytest.mark.parametrize("url", [EXPORT, "/api/v1/projects/{}/export/"])
def test_only_the_three_forms(as_alice, project, url):
    url = url.format(project.pk)

    refused(as_alice.get(url), 422, "VAL_001", "as")
    refused(as_alice.get(f"{url}?as=csv"), 422, "VAL_005", "as")


def test_nobody_else(client, as_bob, project):
    for url in (EXPORT, IMPORT):
        refused(client.post(url) if url == IMPORT else client.get(url), 401, "AUTH_001")
    refused(as_bob.get(f"/api/v1/projects/{project.pk}/export/?as=json"), 404, "RES_001")
    trash.move_to_trash(project)
    assert json.loads(exported(as_bob))["projects"] == []


def test_what_the_file_is_called(as_alice, project):
    response = as_alice.get(f"/api/v1/projects/{project.pk}/export/?as=obsidian")

    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''%E5%A4%9C")


def test_the_markdown_is_in_the_language_of_who_asks(as_alice, whole):
    response = as_alice.get(f"{EXPORT}?as=markdown", headers={"Accept-Language": "en"})
    english, japanese = b"".join(response.streaming_content).decode(), exported(as_alice, "markdown").decode()

    assert "### 1 Overview\n\n#### Theme\n\n引き継ぎを  \n十分で終える" in english
    assert "## 2周目\n\n**なんか思いついた？**\n\n短くならない" in japanese
    assert "- ~~紙の表~~" in japanese
    assert "- → 確認 (0.5)" in japanese
