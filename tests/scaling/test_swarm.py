"""
The stack of ops/swarm on three nodes, under constant traffic by way of two of them: a release comes, a bad one goes
again by itself, nodes are drained, killed, cut off, and come back. What fails is counted; no write that was answered
may be lost. What the stack's file is made of: test_swarm_file.py.
"""

import os
import re
import time

import pytest

from operations.deploy.traffic import Traffic

from .nodes import NODES, REPLICAS, UPLOADS, Swarm
from .store import uploaded

pytestmark = pytest.mark.torture

MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    {mark}
    dependencies = [("thinking", "{before}")]
    operations = [migrations.RunSQL("COMMENT ON TABLE thinking_project IS 'as of {name}'", "")]
"""


WITHOUT_STORE = """USER 0
RUN rm -r "$(python -c 'import storages; print(*storages.__path__)')"
USER 1000
"""


@pytest.fixture(scope="module")
def bare(engine, missing, tmp_path_factory):
    """Three engines in a swarm, and the operator's checkout: no labels, no secrets."""
    if not os.access(os.environ.get("DOCKER_NODES_SCRIPT", ""), os.X_OK):
        missing("DOCKER_NODES_SCRIPT names no script that makes several engines (tests/scaling/nodes.py)")
    swarm = Swarm(tmp_path_factory.mktemp("swarm"))
    with swarm.up():
        yield swarm


@pytest.fixture(scope="module")
def ready(bare):
    """All that the first start wants."""
    bare.label(1, "database")
    for node in NODES:
        bare.label(node, "web")
    if not bare.docker("secret", "ls", "--quiet"):
        bare.shell("secrets")
    return bare


@pytest.fixture(scope="module")
def swarm(ready):
    """The stack, running."""
    result = ready.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    ready.said = result.stdout
    return ready


def refused(swarm, **environment):
    before = swarm.services()
    result = swarm.deploy(**environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert swarm.services() == before
    return result.stderr


def test_what_is_missing_is_refused_with_what_to_do(bare, request):
    assert "not a manager of a swarm. Run it on one" in refused(bare, DOCKER_HOST="unix:///var/run/docker.sock")
    assert "docker node update --label-add thinkring.web=true NODE" in refused(bare)
    bare.label(2, "web")
    assert "docker node update --label-add thinkring.database=true NODE" in refused(bare)
    bare.label(1, "database")
    bare.label(2, "database")
    assert "2 nodes have the label of the database" in refused(bare)
    bare.label(2, "database", "false")
    bare.label(3, "web")
    bare.set(MEDIA_BUCKET="")
    assert "Set MEDIA_BUCKET in .env.production" in refused(bare)
    bare.set(MEDIA_BUCKET=UPLOADS)
    said = refused(bare)
    assert "does not have 11 of the secrets" in said
    assert "sed -n 's/^SECRET_KEY=//p' .env.production | tail -n 1; echo; } | docker secret create thinkring_se" in said
    request.getfixturevalue("ready")
    bare.set(BACKENDS=1000)
    assert re.search(r"may take \d+ MB .* add a node, or set BACKENDS", refused(bare))
    bare.set(BACKENDS=REPLICAS)
    bare.commit("Of another commit", told="0" * 40)
    assert "_backend:" in (said := refused(bare))
    assert said.count("says that it is of another commit") == len(NODES)
    bare.commit("Without a way to the store", dockerfile={"backend": WITHOUT_STORE})
    said = refused(bare)
    assert said.count("cannot speak to a store of uploads: set EXTRAS=s3") == len(NODES)
    bare.docker("image", "rm", "--force", f"{bare.project}_backend:{bare.first}", node=3)
    bare.check_out(bare.first)
    said = refused(bare)
    assert said.count("is missing or does not start") == 1
    assert "(10.77.0.3)" in said
    bare.load(bare.first)


def chunks(swarm):
    """The addresses of the files that the page preloads."""
    found = re.findall(r'"(/_app/immutable/[^"]+\.(?:js|css))"', swarm.get(f"{swarm.page}/").text)
    assert found
    return found


def test_the_first_start(swarm, figure):
    figure("first start on three nodes", swarm.said.splitlines()[-1])
    assert swarm.release() == (swarm.first, swarm.first)
    assert swarm.running("nginx") == list(NODES)
    assert len(swarm.running("backend")) == len(swarm.running("frontend")) == REPLICAS
    assert swarm.running("db") == [1]
    # Each has the files of both halves, whoever runs there.
    for node in NODES:
        assert {swarm.get_from(node, swarm.page + chunk).status_code for chunk in chunks(swarm)} == {200}
        admin = swarm.get_from(node, f"{swarm.api.replace('/api/v1', '')}/admin/login/").text
        (style, *_) = re.findall(r'href="(/static/[^"]+\.css)"', admin)
        assert swarm.get_from(node, swarm.page + style).status_code == 200
    environment = swarm.docker(
        "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Env}}", "thinkring_backend"
    )
    secrets = re.findall(r"^\w*(?:KEY|PASSWORD)=(\S+)", (swarm.folder / ".env.production").read_text(), re.M)
    assert len(secrets) >= 4
    assert not any(secret in environment for secret in secrets)


def test_an_upload_is_shown_by_each_node(swarm):
    image = uploaded(swarm)

    for node in NODES:
        assert swarm.get_from(node, image).content.startswith(b"\x89PNG")


def test_nothing_to_do_is_done_quickly(swarm):
    with Traffic(swarm) as traffic:
        result = swarm.deploy()

    assert result.returncode == 0, result.stdout + result.stderr
    assert "The schema stays as it is." in result.stdout
    traffic.assert_nothing_failed()


def newest_migration(swarm):
    return sorted((swarm.folder / "backend/apps/thinking/migrations").glob("0*.py"))[-1].stem


def migration(swarm, name, mark=""):
    text = MIGRATION.format(name=name, mark=mark, before=newest_migration(swarm))
    return {f"backend/apps/thinking/migrations/{name}.py": text}


@pytest.fixture(scope="module")
def another(swarm):
    """A release after the first one, with a migration that the first one runs with."""
    swarm.check_out(swarm.first)
    return swarm.commit("Another release", migration(swarm, "9001_comment", "previous_release_runs = True\n"))


def test_a_release_comes(swarm, another, figure):
    before = chunks(swarm)
    swarm.check_out(another)
    with Traffic(swarm) as traffic:
        result = swarm.deploy()

    assert result.returncode == 0, result.stdout + result.stderr
    figure("update, with a migration (goal: 0 failed, 0 lost)", f"{traffic}; {result.stdout.splitlines()[-1]}")
    traffic.assert_nothing_failed()
    assert "Migrated. thinking.9001_comment" in result.stdout
    assert swarm.release() == (another, another)
    assert traffic.commits == {swarm.first, another}
    # A page that was open before still finds its files.
    assert set(chunks(swarm)) != set(before)
    for node in NODES:
        assert {swarm.get_from(node, swarm.page + chunk).status_code for chunk in before + chunks(swarm)} == {200}


def test_it_goes_back(swarm, another, figure):
    swarm.check_out(another)
    swarm.deploy()
    swarm.check_out(swarm.first)
    with Traffic(swarm) as traffic:
        result = swarm.deploy()

    assert result.returncode == 0, result.stdout + result.stderr
    figure("back to the release before (goal: 0 failed, 0 lost)", f"{traffic}; {result.stdout.splitlines()[-1]}")
    traffic.assert_nothing_failed()
    assert "a migration that the release does not know: thinking.9001_comment" in result.stdout
    assert swarm.release() == (swarm.first, swarm.first)


def test_a_schema_that_the_release_does_not_run_with_is_refused(swarm):
    """It wants one that the release before it may not run with, or does not know one that it may not run with."""
    swarm.check_out(swarm.first)
    swarm.commit("A migration that says nothing", migration(swarm, "9002_comment"))
    assert "If you know that it does, say --force; else make it two releases." in refused(swarm)

    swarm.sql("INSERT INTO django_migrations (app, name, applied) VALUES ('thinking', '9002_comment', now())")
    swarm.check_out(swarm.first)
    try:
        assert "nothing says that the release runs on the newer schema (thinking.9002_comment" in refused(swarm)
    finally:
        swarm.sql("DELETE FROM django_migrations WHERE name = '9002_comment'")
    assert swarm.release() == (swarm.first, swarm.first)


BAD = {
    "the backend ends": {"backend": 'CMD ["false"]\n'},
    "the backend is never healthy": {"backend": "HEALTHCHECK --interval=1s --retries=2 CMD false\n"},
    "the front end is never healthy": {"frontend": "HEALTHCHECK --interval=1s --retries=2 CMD false\n"},
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_release_is_rolled_back(swarm, figure, bad):
    swarm.check_out(swarm.first)
    swarm.commit(f"In which {bad}", dockerfile=BAD[bad])
    (half,) = BAD[bad]
    with Traffic(swarm) as traffic:
        result = swarm.deploy()

    assert result.returncode == 1, result.stdout + result.stderr
    figure("bad update, rolled back (goal: 0 failed, 0 lost)", traffic)
    assert f"the {half} of" in result.stderr
    assert (
        f"did not become healthy. It was rolled back, and the release before it answers: {swarm.first}."
        in result.stderr
    )
    traffic.assert_nothing_failed()
    assert swarm.release() == (swarm.first, swarm.first)


def is_whole(swarm):
    return swarm.running("nginx") == list(NODES) and all(
        len(swarm.running(half)) == REPLICAS for half in ("backend", "frontend")
    )


def replaced(swarm, node):
    """What ran there runs elsewhere."""
    return all(
        node not in swarm.running(half) and len(swarm.running(half)) == REPLICAS for half in ("backend", "frontend")
    )


@pytest.fixture
def victim(swarm):
    """A node without the database, with a backend, that visitors are sent to."""
    swarm.wait_for(lambda: is_whole(swarm))
    return next(node for node in swarm.running("backend") if node != 1)


def assert_nothing_lost(swarm, traffic):
    assert traffic.acknowledged
    assert traffic.lost() == set()
    # It is over.
    with Traffic(swarm) as afterwards:
        time.sleep(5)
    afterwards.assert_nothing_failed()


def test_a_node_is_drained(swarm, victim, figure):
    with Traffic(swarm) as traffic:
        swarm.docker("node", "update", "--availability", "drain", swarm.id(victim))
        swarm.wait_for(lambda: replaced(swarm, victim))
        time.sleep(5)
        swarm.docker("node", "update", "--availability", "active", swarm.id(victim))
        swarm.wait_for(lambda: is_whole(swarm))
        time.sleep(5)

    figure("a node is drained, and active again", traffic)
    assert_nothing_lost(swarm, traffic)


def test_a_node_is_killed_and_comes_back(swarm, victim, figure):
    with Traffic(swarm) as traffic:
        swarm.nodes("kill", victim)
        swarm.wait_for(lambda: replaced(swarm, victim))
        time.sleep(5)
        swarm.nodes("up", len(NODES))
        swarm.wait_for(lambda: is_whole(swarm))
        time.sleep(5)

    figure("a node is killed, and comes back", traffic)
    assert_nothing_lost(swarm, traffic)


def test_a_node_is_cut_off_and_mended(swarm, victim, figure):
    with Traffic(swarm) as traffic:
        swarm.nodes("cut", victim)
        try:
            swarm.wait_for(lambda: replaced(swarm, victim))
            time.sleep(5)
        finally:
            swarm.nodes("mend", victim)
        swarm.wait_for(lambda: is_whole(swarm))
        time.sleep(5)

    figure("a node is cut off for a while, and mended", traffic)
    assert_nothing_lost(swarm, traffic)


def test_a_node_joins(swarm):
    """As new: it has no files yet, gets those of the release, and answers."""
    swarm.docker("node", "update", "--label-rm", "thinkring.web", swarm.id(3))
    swarm.wait_for(lambda: 3 not in swarm.running("nginx") and 3 not in swarm.running("backend"))
    swarm.wait_for(lambda: not swarm.docker("ps", "--quiet", node=3))
    swarm.docker("container", "prune", "--force", node=3)
    swarm.docker("volume", "rm", "thinkring_static_files", node=3)

    swarm.label(3, "web")
    swarm.wait_for(lambda: 3 in swarm.running("nginx"))
    time.sleep(10)

    assert {swarm.get_from(3, swarm.page + chunk).status_code for chunk in chunks(swarm)} == {200}
