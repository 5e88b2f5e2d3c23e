"""The comparison itself: the same in other words is the same, and the specification does not depart from itself."""

import shutil

import pytest

from . import compose_file, containers, environment_file, nginx_file, workflow_file
from .specification import DIRECTORY


@pytest.fixture
def literal(tmp_path):
    """A project that is the specification, word for word."""
    places = {
        "docker-compose.prod.yml": "docker-compose.prod.yml",
        "env.production": ".env.production.example",
        "nginx.conf": "nginx/nginx.conf",
        "deploy.yml": ".github/workflows/deploy.yml",
    }
    for name, place in places.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DIRECTORY / name, tmp_path / place)
    return tmp_path


@pytest.mark.parametrize("module", [nginx_file, environment_file, workflow_file])
def test_the_specification_does_not_depart_from_itself(literal, module):
    assert list(module.departures(literal)) == []


def test_the_literal_compose_file_lacks_only_logging(literal):
    shutil.copy(literal / "docker-compose.prod.yml", literal / "docker-compose.yml")

    keys = {departure.key.split(".", 2)[2] for departure in compose_file.departures(literal)}

    assert keys == {"logging.driver", "logging.options", "logging.options.max-size", "logging.options.max-file"}


def service(text):
    return compose_file.flat(compose_file.parse(f"services: {{s: {text}}}"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{environment: [A=1, B]}", "{environment: {A: 1, B: }}"),
        ("{environment: ['A=${X:-1}']}", "{environment: {A: 1}}"),
        ("{depends_on: [db]}", "{depends_on: {db: }}"),
        ("{ports: ['80:80']}", "{ports: [{target: 80, published: 80}]}"),
        ("{ports: ['80:80']}", "{ports: ['${HTTP_PORT:-80}:80/tcp']}"),
        ("{volumes: ['./a:/a:ro']}", "{volumes: [{type: bind, source: ./a, target: /a, read_only: true}]}"),
        ("{image: postgres:15}", "{image: 'postgres:${POSTGRES_VERSION:-15}'}"),
    ],
)
def test_the_same_in_other_words_is_the_same(one, other):
    assert service(one) == service(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{environment: ['A=${X}']}", "{environment: ['A=${X:?tell me}']}"),
        ("{environment: ['A=${X}']}", "{environment: ['A=${Y}']}"),
        ("{ports: ['80:80']}", "{ports: ['127.0.0.1:80:80']}"),
        ("{volumes: ['a:/a']}", "{volumes: ['./a:/a']}"),
    ],
)
def test_another_meaning_is_another(one, other):
    assert service(one) != service(other)


def nginx(tmp_path, text, **files):
    (tmp_path / "nginx.conf").write_text(text)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return nginx_file.read(tmp_path / "nginx.conf", {"/etc/nginx/own": tmp_path})


def test_an_included_file_of_the_project_counts(tmp_path):
    specified = nginx(tmp_path, "server { listen 80; server_name a; }")
    actual = nginx(tmp_path, "server { include /etc/nginx/own/port*; server_name b a; }", port="listen 80;")

    assert list(nginx_file.compare(specified, actual, "")) == []


def test_an_included_file_of_the_image_is_left_alone(tmp_path):
    directives = nginx(tmp_path, "include /etc/nginx/mime.types; server { listen 80; }")

    assert [directive["directive"] for directive in directives] == ["include", "server"]


def test_a_header_that_stands_twice_is_found(tmp_path):
    specified = nginx(tmp_path, "server { listen 80; add_header A 1; }")
    actual = nginx(tmp_path, "server { listen 80; add_header A 1; add_header A 2; }")

    assert [str(d) for d in nginx_file.compare(specified, actual, "")] == [
        "nginx/nginx.conf: server[80].add_header A → 1 | 2"
    ]


def test_a_server_is_found_by_its_name_among_those_of_its_port(tmp_path):
    specified = nginx(tmp_path, "server { listen 80; server_name a; return 1; }")
    actual = nginx(
        tmp_path,
        "server { listen 80; server_name b; return 2; } server { listen 80; server_name a; return 1; }",
    )

    assert list(nginx_file.compare(specified, actual, "")) == []


@pytest.mark.parametrize(
    ("dockerfile", "base"),
    [
        ("FROM node:18-alpine", "node:18-alpine"),
        ("ARG V=18\nFROM node:${V}-alpine AS build\nFROM node:$V-alpine", "node:18-alpine"),
        ("ARG V=18\nFROM node:22 AS build\nFROM node:${V}-alpine as base\nFROM base", "node:18-alpine"),
    ],
)
def test_the_base_image_is_that_of_the_last_stage(dockerfile, base):
    assert containers.resolve_base(dockerfile, {}) == base


def test_a_build_argument_wins_over_its_default():
    assert containers.resolve_base("ARG V=18\nFROM node:${V}", {"V": "22"}) == "node:22"


def test_commands_may_have_others_between_them():
    specified, actual = ["cd here", "make", "make test"], ["set -e", "cd here", "make", "echo done", "make test"]

    assert list(workflow_file.compare_commands("run", specified, actual)) == []


def test_commands_in_another_order_are_found():
    (departure,) = workflow_file.compare_commands("run", ["cd here", "make"], ["make", "cd here"])

    assert str(departure) == ".github/workflows/deploy.yml: run: order → 2 1"
