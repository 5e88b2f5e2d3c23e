"""
The stack of ops/swarm on three nodes, under constant traffic by way of two of them: a release comes, a bad one goes
again by itself, nodes are drained, killed, cut off, and come back. What fails is counted; no write that was answered
may be lost. What the stack's file is made of: test_swarm_file.py.
"""

import os
import re
import signal
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
# A file of the page by another name, as a change of the page makes it.
ANOTHER_PAGE = """USER 0
RUN cd build && old=$(basename client/_app/immutable/entry/app.*.js) \\
 && mv "client/_app/immutable/entry/$old" client/_app/immutable/entry/app.another.js \\
 && grep -rl "$old" . | xargs sed -i "s/$old/app.another.js/g"
USER 1000
"""
BAD = {
    "the backend ends": {"backend": 'CMD ["false"]\n'},
    "the backend is never healthy": {"backend": "HEALTHCHECK --interval=1s --retries=2 CMD false\n"},
    "the front end is never healthy": {"frontend": "HEALTHCHECK --interval=1s --retries=2 CMD false\n"},
}


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
    ready.check_out(ready.first)
    result = ready.deploy()
    assert result.returncode == 0, result.stdout + result.stderr
    ready.said = result.stdout
    return ready


def refused(swarm, **environment):
    before = swarm.services()
    result = swarm.deploy(**environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert swarm.services() == before
    assert "Nothing was changed." in result.stderr
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
    bare.docker("node", "update", "--availability", "drain", bare.id(1))
    assert "the node of the database, " in (said := refused(bare))
    assert "(10.77.0.1), is away or drained (ready/drain); wait until it is back" in said
    bare.docker("node", "update", "--availability", "active", bare.id(1))
    bare.set(DATABASE_URL="postgresql://somebody:secret@elsewhere/thinkring?sslmode=verify-full")
    assert "set DATABASES=0 there, or take DATABASE_URL out" in refused(bare)
    bare.set(DATABASE_URL="", DATABASES=0)
    assert "set DATABASE_URL there, or take DATABASES out" in refused(bare)
    bare.set(DATABASES=1)
    said = refused(bare)
    assert "does not have 11 of the secrets" in said
    # As they are shown, and then by the README.
    commands = re.findall(r"^  (.*docker secret create thinkring_.*)$", said, re.M)
    bare.typed("\n".join(commands), DOCKER_HOST=bare.host(1))
    assert len(bare.docker("secret", "ls", "--quiet").split()) == 11
    bare.docker("secret", "rm", *bare.docker("secret", "ls", "--quiet").split())
    request.getfixturevalue("ready")
    bare.set(BACKENDS=1000)
    assert re.search(r"may take \d+ MB .* add a node, or set BACKENDS", refused(bare))
    bare.set(BACKENDS=REPLICAS, DATABASES=1000)
    assert re.search(r"the database and .* may take \d+ MB, and .* thinkring.database to a larger node", refused(bare))
    bare.set(DATABASES=1)
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
    bare.set(POSTGRES_VERSION=99)
    assert "Fetch it on each of them: docker pull postgres:99" in refused(bare)
    bare.set(POSTGRES_VERSION="")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SECRET_KEY_SECRET": "short"}, "set SECRET_KEY to a secret of at least 32 characters: it has 5."),
        # That one has a digit in its name.
        ({"S3_SECRET_ACCESS_KEY_SECRET": "short"}, "set S3_SECRET_ACCESS_KEY to a secret of at least 8 characters"),
        ({"SESSION_LIFETIME": "long"}, "set SESSION_LIFETIME to a whole number from 1 to 365, not to 'long'."),
        ({"MEDIA_BUCKET": "nowhere"}, "there is no bucket nowhere at http"),
    ],
)
def test_settings_that_the_release_does_not_start_with_are_refused(ready, settings, said):
    if "short" not in ready.docker("secret", "ls", "--format", "{{.Name}}").split():
        ready.typed("echo 12345 | docker secret create short -", DOCKER_HOST=ready.host(1))
    ready.check_out(ready.first)
    ready.set(**settings)
    try:
        complaint = refused(ready)
    finally:
        ready.set(**dict.fromkeys(settings, "") | {"MEDIA_BUCKET": UPLOADS})

    assert f"the release does not start with its settings and secrets: {said}" in complaint
    assert "Mend .env.production; a secret that the swarm has already is exchanged" in complaint
    # Nor has the database been started.
    assert "thinkring_db" not in ready.services()


@pytest.fixture(scope="module")
def begun(ready):
    """A first start that has failed, with the database running."""
    ready.check_out(ready.first)
    ready.commit("In which the backend ends", dockerfile={"backend": BAD["the backend ends"]["backend"]})
    ready.failed = ready.deploy()
    return ready


def test_a_first_start_that_failed_says_so(begun):
    assert begun.failed.returncode == 1, begun.failed.stdout
    assert 'Of the backend: "task: non-zero exit (1)". The last lines of its log:' in begun.failed.stderr
    assert "did not become healthy" in begun.failed.stderr
    assert "There is no release before it to go back to; mend it, and run this again." in begun.failed.stderr


def test_a_volume_that_is_left_over_is_looked_at_before_it_is_migrated(begun):
    begun.sql("INSERT INTO django_migrations (app, name, applied) VALUES ('thinking', '9002_comment', now())")
    begun.docker("service", "rm", "thinkring_db")
    begun.wait_for(
        lambda: not begun.docker("ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=thinkring_db")
    )
    begun.check_out(begun.first)

    result = begun.deploy()

    assert result.returncode == 1
    assert "The database is healthy." in result.stdout
    assert "nothing says that the release runs on the newer schema (thinking.9002_comment" in result.stderr
    assert "Migrated." not in result.stdout
    begun.sql("DELETE FROM django_migrations WHERE name = '9002_comment'")


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


def test_nothing_to_do_is_done_quickly(swarm, figure):
    services = ["db", "backend", "frontend", "nginx"]
    before = [swarm.tasks(service) for service in services]
    with Traffic(swarm) as traffic:
        began = time.monotonic()
        result = swarm.deploy()
        seconds = time.monotonic() - began

    assert result.returncode == 0, result.stdout + result.stderr
    figure("nothing to do (goal: 0 failed, 0 lost)", f"{traffic}; {seconds:.0f} s")
    assert "The schema stays as it is." in result.stdout
    assert [swarm.tasks(service) for service in services] == before
    assert seconds < 120
    traffic.assert_nothing_failed()


def test_what_is_gone_after_its_time_is_cleared_away(swarm):
    person = swarm.register()
    headers = {"Authorization": f"Bearer {person['access']}"}
    project = swarm.request("POST", f"{swarm.api}/projects/", json={"title": "Old"}, headers=headers).json()["id"]
    swarm.request("DELETE", f"{swarm.api}/projects/{project}/", headers=headers).raise_for_status()
    swarm.sql(f"UPDATE thinking_project SET deleted_at = now() - interval '31 days' WHERE id = '{project}'")
    ended = swarm.sql(
        "UPDATE accounts_session SET ended_at = now() - interval '31 days' "
        f"WHERE user_id = (SELECT id FROM accounts_user WHERE username = '{person['username']}') RETURNING id"
    )
    assert ended

    swarm.every_night()

    assert swarm.sql(f"SELECT count(*) FROM thinking_project WHERE id = '{project}'") == "0"
    assert swarm.sql(f"SELECT count(*) FROM accounts_session WHERE id = '{ended}'") == "0"


def newest_migration(swarm):
    return sorted((swarm.folder / "backend/apps/thinking/migrations").glob("0*.py"))[-1].stem


def migration(swarm, name, mark=""):
    text = MIGRATION.format(name=name, mark=mark, before=newest_migration(swarm))
    return {f"backend/apps/thinking/migrations/{name}.py": text}


@pytest.fixture(scope="module")
def another(swarm):
    """A release after the first one, with a migration that the first one runs with."""
    swarm.check_out(swarm.first)
    changes = migration(swarm, "9001_comment", "previous_release_runs = True\n")
    return swarm.commit("Another release", changes, dockerfile={"frontend": ANOTHER_PAGE})


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


def begin_with(swarm, commit):
    """Where the test before has left another one."""
    if swarm.release() != (commit, commit):
        swarm.check_out(commit)
        result = swarm.deploy()
        assert result.returncode == 0, result.stdout + result.stderr


def test_it_goes_back(swarm, another, figure):
    begin_with(swarm, another)
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


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_release_is_rolled_back(swarm, figure, bad):
    swarm.check_out(swarm.first)
    swarm.commit(f"In which {bad}", dockerfile=BAD[bad])
    (half,) = BAD[bad]
    with Traffic(swarm) as traffic:
        result = swarm.deploy()

    assert result.returncode == 1, result.stdout + result.stderr
    figure("bad update, rolled back (goal: 0 failed, 0 lost)", traffic)
    assert re.search(rf"the {half} of \w+ did not become healthy\.", result.stderr)
    assert f"It was rolled back, and the release before it answers: {swarm.first}." in result.stderr
    traffic.assert_nothing_failed()
    assert swarm.release() == (swarm.first, swarm.first)


def test_an_edited_checkout_changes_nothing(swarm):
    begin_with(swarm, swarm.first)
    services = ["backend", "frontend", "nginx"]
    before = [swarm.tasks(service) for service in services]
    file = swarm.folder / "backend" / "thinkring" / "wsgi.py"
    kept = file.read_text()
    file.write_text(kept + "# Edited\n")
    try:
        said = refused(swarm)
    finally:
        file.write_text(kept)

    assert "files of the release were edited here" in said
    assert "old release" not in said
    assert [swarm.tasks(service) for service in services] == before


def test_two_nodes_for_the_database_are_told_apart(swarm):
    swarm.label(2, "database")
    try:
        said = refused(swarm)
    finally:
        swarm.docker("node", "update", "--label-rm", "thinkring.database", swarm.id(2))

    assert [line for line in said.splitlines() if line.endswith(": the database runs there")] == [
        line for line in said.splitlines() if line.startswith(swarm.id(1))
    ]


def test_a_secret_that_is_no_certificate_is_named_and_rolled_back(swarm):
    begin_with(swarm, swarm.first)
    swarm.typed("echo no certificate | docker secret create junk -", DOCKER_HOST=swarm.host(1))
    swarm.set(**{"CERTIFICATE_SECRET": "junk"})
    try:
        result = swarm.deploy()
    finally:
        swarm.set(CERTIFICATE_SECRET="")

    assert result.returncode == 1, result.stdout + result.stderr
    assert 'Of the nginx: "task: non-zero exit' in result.stderr
    assert "cannot load certificate" in result.stderr
    assert f"the release before it answers: {swarm.first}." in result.stderr
    assert swarm.release() == (swarm.first, swarm.first)


def backends_are_of(swarm, commit):
    """All of them, and no other."""
    images = swarm.docker(
        "service", "ps", "--filter", "desired-state=running", "--format", "{{.Image}} {{.CurrentState}}",
        "thinkring_backend",
    ).splitlines()  # fmt: skip
    return len(images) == REPLICAS and all(
        image.startswith(f"{swarm.project}_backend:{commit} Running") for image in images
    )


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_a_deploy_that_ends_half_way_is_put_back(swarm, another, figure, how):
    """By itself where it can; otherwise a bad release after it goes back to what was whole, not to the half of it."""
    begin_with(swarm, swarm.first)
    swarm.check_out(another)
    with Traffic(swarm) as traffic:
        process = swarm.begin_to_deploy()
        swarm.wait_for(lambda: backends_are_of(swarm, another), 300)
        if how == "SIGKILL":
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            swarm.wait_for(lambda: swarm.release() == (another, swarm.first))
            swarm.check_out(another)
            swarm.commit(f"In which {list(BAD)[-1]}", dockerfile=list(BAD.values())[-1])
            result = swarm.deploy()
            said, code = result.stderr, result.returncode
        else:
            process.terminate()
            _, said = process.communicate(timeout=580)
            code = process.returncode

    figure("ended half-way, put back (goal: 0 failed, 0 lost)", traffic)
    assert code == (1 if how == "SIGKILL" else 143), said
    assert f"It was rolled back, and the release before it answers: {swarm.first}." in said
    traffic.assert_nothing_failed()
    assert swarm.release() == (swarm.first, swarm.first)
    assert backends_are_of(swarm, swarm.first)


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


def assert_nothing_lost(swarm, traffic, failed):
    """Of what was asked not more than this share failed."""
    assert len(traffic.failed) <= failed * traffic.asked, "\n".join(traffic.failed)
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
    assert_nothing_lost(swarm, traffic, failed=0)


def test_a_node_is_killed_and_comes_back(swarm, victim, figure):
    with Traffic(swarm) as traffic:
        swarm.nodes("kill", victim)
        swarm.wait_for(lambda: replaced(swarm, victim))
        time.sleep(5)
        swarm.nodes("up", len(NODES))
        swarm.wait_for(lambda: is_whole(swarm))
        time.sleep(5)

    figure("a node is killed, and comes back", traffic)
    assert_nothing_lost(swarm, traffic, failed=0.01)


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
    assert_nothing_lost(swarm, traffic, failed=0.01)


def test_a_node_joins(swarm):
    """One that left, as a new one: it has no files yet, is given those of the release, and answers."""
    swarm.leave(3)
    swarm.wait_for(lambda: not swarm.docker("ps", "--quiet", node=3))
    swarm.docker("container", "prune", "--force", node=3)
    swarm.docker("volume", "rm", "thinkring_static_files", node=3)

    swarm.join(3)
    swarm.label(3, "web")
    swarm.wait_for(lambda: 3 in swarm.running("nginx"))
    swarm.shell("joined")
    time.sleep(10)

    assert {swarm.get_from(3, swarm.page + chunk).status_code for chunk in chunks(swarm)} == {200}


def test_the_node_of_the_database_is_lost(swarm):
    """For good, and a manager with it: the last dump is read on another one, which deploys from then on."""
    swarm.wait_for(lambda: is_whole(swarm))
    name = swarm.register()["username"]
    swarm.shell("dump")
    later = swarm.register()["username"]

    swarm.nodes("kill", 1)
    swarm.manager = 2
    # Those that are left choose another leader first.
    swarm.wait_for(lambda: "Down" in swarm.docker("node", "ls", "--format", "{{.Status}}", check=False))
    swarm.check_out(swarm.first)
    assert "Give no other node its label" in (said := refused(swarm))
    assert "(down/active); wait until it is back" in said
    swarm.docker("node", "update", "--label-rm", "thinkring.database", swarm.id(1))
    swarm.label(2, "database")
    swarm.wait_for(lambda: swarm.running("db") == [2])
    swarm.shell("refill")

    assert swarm.release() == (swarm.first, swarm.first)
    assert swarm.can_log_in(name)
    assert not swarm.can_log_in(later)
