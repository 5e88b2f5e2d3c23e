"""
ops/setup.sh as an operator types it, in a clean clone. That the stack starts with what it writes, the fixture shows.
"""

import os
import re
import subprocess

import pytest

from production import clone

WRITTEN = [".env.production", "nginx/domain/page.names", "nginx/domain/api.names"]


@pytest.fixture
def checkout(tmp_path):
    clone(tmp_path / "thinkring")
    return tmp_path / "thinkring"


def setup(checkout, *arguments, cwd=None):
    return subprocess.run(
        [checkout / "ops" / "setup.sh", *arguments], cwd=cwd or checkout, capture_output=True, text=True
    )


def settings(checkout):
    lines = (checkout / ".env.production").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_it_works(checkout, tmp_path):
    result = setup(checkout, "Thinkring.Example.JP", cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert re.search(r"^Next: docker.compose -f docker-compose\.prod\.yml up -d --build$", result.stdout, re.M)
    found = settings(checkout)
    assert found["ALLOWED_HOSTS"] == "thinkring.example.jp,api.thinkring.example.jp"
    assert found["CORS_ALLOWED_ORIGINS"] == "https://thinkring.example.jp"
    assert found["VITE_API_BASE_URL"] == "https://api.thinkring.example.jp/api/v1"
    assert (checkout / "nginx/domain/page.names").read_text() == "server_name thinkring.example.jp;\n"
    assert (checkout / "nginx/domain/api.names").read_text() == "server_name api.thinkring.example.jp;\n"


def test_a_staging_server_has_its_own_names_and_ports(checkout):
    result = setup(checkout, "--staging", "staging.thinkring.test")

    assert result.returncode == 0, result.stderr
    found = settings(checkout)
    assert found["STAGING"] == "True"
    assert found["COMPOSE_PROJECT_NAME"] == "thinkring-staging"
    assert (found["HTTP_PORT"], found["HTTPS_PORT"], found["COMPOSE_PROFILES"]) == ("8080", "8443", "")
    assert found["ALLOWED_HOSTS"] == "staging.thinkring.test,api.staging.thinkring.test"
    assert found["CORS_ALLOWED_ORIGINS"] == "https://staging.thinkring.test:8443"
    assert found["VITE_API_BASE_URL"] == "https://api.staging.thinkring.test:8443/api/v1"


def test_every_line_of_the_example_is_kept(checkout):
    setup(checkout, "thinkring.test")

    example = (checkout / ".env.production.example").read_text().splitlines()
    written = (checkout / ".env.production").read_text().splitlines()
    assert [line.split("=")[0] for line in written] == [line.split("=")[0] for line in example]
    assert "example.com" not in "".join(written)


def test_secrets_are_strong_and_new_each_time(checkout):
    secrets = set()
    for _ in range(2):
        setup(checkout, "thinkring.test")
        secrets |= {settings(checkout)[name] for name in ["SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD"]}
        for name in WRITTEN:
            (checkout / name).unlink()

    assert len(secrets) == 6
    # Nothing that compose or a URL reads as anything else.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{64}", secret) for secret in secrets)


def test_settings_are_ones_own_and_names_are_nginxs(checkout):
    setup(checkout, "thinkring.test")

    assert [(checkout / name).stat().st_mode & 0o777 for name in WRITTEN] == [0o600, 0o644, 0o644]


def test_git_sees_nothing(checkout):
    setup(checkout, "thinkring.test")

    status = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, check=True, capture_output=True, text=True)
    assert status.stdout == ""


@pytest.mark.parametrize("name", WRITTEN)
def test_it_does_not_overwrite(checkout, name):
    (checkout / name).write_text("mine\n")

    result = setup(checkout, "thinkring.test")

    assert result.returncode == 1
    assert f"setup.sh: {name} is there already" in result.stderr
    assert "nothing was changed. To begin anew, move it away first" in result.stderr
    assert ("keeps its old DB_PASSWORD" in result.stderr) == (name == ".env.production")
    assert {other for other in WRITTEN if (checkout / other).exists()} == {name}
    assert (checkout / name).read_text() == "mine\n"


def test_beside_restored_settings_it_writes_what_is_missing(checkout):
    setup(checkout, "thinkring.test")
    (checkout / "nginx/domain/page.names").write_text("server_name mine.test;\n")
    (checkout / "nginx/domain/api.names").unlink()
    restored = (checkout / ".env.production").read_bytes()

    result = setup(checkout, "thinkring.test")

    assert result.returncode == 0, result.stderr
    assert "Kept .env.production, which is for thinkring.test." in result.stdout
    assert "Kept nginx/domain/page.names." in result.stdout
    assert (checkout / ".env.production").read_bytes() == restored
    assert (checkout / "nginx/domain/page.names").read_text() == "server_name mine.test;\n"
    assert (checkout / "nginx/domain/api.names").read_text() == "server_name api.thinkring.test;\n"


def test_as_another_user(checkout, missing):
    if os.geteuid() != 0:
        missing("only root can become another user")
    for folder in [checkout, *checkout.parents]:
        folder.chmod(folder.stat().st_mode | 0o555)

    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ops/setup.sh", "thinkring.test"],
        cwd=checkout, capture_output=True, text=True,
    )  # fmt: skip

    assert result.returncode == 1
    expected = f"may not write to {checkout}, which belongs to root; run it as that user, or as root."
    assert expected in result.stderr


@pytest.mark.parametrize(
    "domain",
    ["https://thinkring.test", "thinkring.test/", "localhost", "thinkring..test", "a-.test", "a b.test",
     "thinkring.test;", "192.0.2.1", "a" * 64 + ".test", ".".join(["a" * 60] * 5) + ".test", "思考.test"],
)  # fmt: skip
def test_what_is_not_a_domain(checkout, domain):
    result = setup(checkout, domain)

    assert result.returncode == 2
    assert f'"{domain}" is not a domain; give the bare name' in result.stderr
    assert not any((checkout / name).exists() for name in WRITTEN)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "setup.sh: which domain? For example: ops/setup.sh thinkring.example.com"),
        (["a.test", "b.test"], "setup.sh: it takes one domain; see setup.sh --help."),
        (["--force"], "setup.sh: there is no option --force; see setup.sh --help."),
    ],
)
def test_what_it_does_not_take(checkout, arguments, sentence):
    result = setup(checkout, *arguments)

    assert result.returncode == 2
    assert result.stderr == f"{sentence}\n"


def test_help(checkout):
    result = setup(checkout, "--help")

    assert result.returncode == 0
    assert "ops/setup.sh DOMAIN" in result.stdout
    assert "set -euo" not in result.stdout
