"""The drill, with a stand-in for the API of Kubernetes; what it sees in databases: test_database.py."""

import importlib.util
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import certifi
import pytest

from .rendering import FOLDER, drill_cluster, rendered

SCRIPT = FOLDER / "base" / "scripts" / "drill.py"
CLUSTERS = "/apis/postgresql.cnpg.io/v1/namespaces/thinkring/clusters"


@pytest.fixture
def drill(monkeypatch):
    spec = importlib.util.spec_from_file_location("drill", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    return module


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        api = self.server.api
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        api.calls.append((self.command, self.path, self.headers["Authorization"], self.headers["Content-Type"], body))
        status, said = api.answer(self.command, self.path)
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *arguments):
        pass


class Api:
    """One cluster, which is ready when it has been asked for twice, and gone when it has been deleted three times."""

    def __init__(self):
        self.calls = []
        self.asked = None
        self.deleted = 0
        self.refuses = None
        self.never_ready = False
        self.size = "50Gi"

    def answer(self, method, path):
        if method == self.refuses:
            return 403, {"reason": "Forbidden"}
        if method == "POST" and path == CLUSTERS:
            self.asked, self.deleted = 0, 0
            return 201, {}
        if path == f"{CLUSTERS}/database":
            return (200, {"spec": {"storage": {"size": self.size}}}) if self.size else (404, {"reason": "NotFound"})
        if self.asked is None or path != f"{CLUSTERS}/drill":
            return 404, {"reason": "NotFound"}
        if method == "DELETE":
            self.deleted += 1
            if self.deleted == 3:
                self.asked = None
            return 200, {}
        self.asked += 1
        ready = "True" if self.asked > 2 and not self.never_ready else "False"
        conditions = [{"type": "ContinuousArchiving", "status": "True"}, {"type": "Ready", "status": ready}]
        return 200, {"status": {"conditions": conditions} if self.asked > 1 else {}}


@pytest.fixture
def api():
    api = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.api = api
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api.address = f"http://127.0.0.1:{server.server_port}"
    yield api
    server.shutdown()


@pytest.fixture
def clusters(drill, api, tmp_path):
    (tmp_path / "namespace").write_text("thinkring")
    (tmp_path / "token").write_text("the token")
    shutil.copy(certifi.where(), tmp_path / "ca.crt")
    return drill.Clusters(api.address, tmp_path)


def methods(api):
    return [call[0] for call in api.calls]


def test_it_makes_the_cluster_looks_at_both_databases_and_takes_it_away(drill, api, clusters):
    seconds, live, restored = drill.drill(clusters, lambda alias: f"what is in {alias}")

    assert (live, restored) == ("what is in default", "what is in restored")
    assert seconds > 0
    assert methods(api) == ["DELETE", "GET", "POST", "GET", "GET", "GET", *["DELETE"] * 4]
    assert {call[2] for call in api.calls} == {"Bearer the token"}
    _, path, _, kind, body = api.calls[2]
    assert (path, kind) == (CLUSTERS, "application/yaml")
    # As large as what it restores.
    assert body.count("size: 50Gi") == 1
    assert body.replace("50Gi", "10Gi") == SCRIPT.with_name("drill-cluster.yaml").read_text()
    assert api.asked is None


def test_what_a_killed_run_has_left_is_taken_away_first(drill, api, clusters):
    api.asked = 0

    drill.drill(clusters, lambda alias: alias)

    assert methods(api)[:5] == ["DELETE", "DELETE", "DELETE", "DELETE", "GET"]


def test_without_a_database_it_says_so(drill, api, clusters):
    api.size = None

    with pytest.raises(SystemExit, match="there is no cluster `database` here"):
        drill.drill(clusters, lambda alias: alias)

    assert api.asked is None


def test_whatever_goes_wrong_nothing_is_left(drill, api, clusters):
    def look(alias):
        raise ValueError(alias)

    with pytest.raises(ValueError, match="default"):
        drill.drill(clusters, look)

    assert api.asked is None


def test_a_cluster_that_does_not_become_ready_fails_it(drill, api, clusters, monkeypatch):
    monkeypatch.setattr(drill, "RTO_SECONDS", 0.1)
    api.never_ready = True

    with pytest.raises(SystemExit, match=r"was not restored within 0.1 seconds\."):
        drill.drill(clusters, lambda alias: alias)

    assert api.asked is None


def test_what_kubernetes_refuses_is_told(drill, api, clusters):
    api.refuses = "POST"

    with pytest.raises(SystemExit, match=r"drill: Kubernetes refused POST of a cluster: 403 Forbidden\."):
        drill.drill(clusters, lambda alias: alias)


ROWS = {"thinking.Project": 3, "thinking.Node": 10}


@pytest.mark.parametrize(
    ("rows", "migrations", "lacking"),
    [
        (ROWS, {"one"}, []),
        # Deleted since then in the database in use.
        ({**ROWS, "thinking.Node": 12}, {"one"}, []),
        ({**ROWS, "thinking.Node": 9}, {"one"}, ["thinking.Node has 9 rows instead of 10"]),
        (ROWS, set(), ["its migrations are others"]),
    ],
)
def test_what_is_missing_is_named(drill, rows, migrations, lacking):
    assert drill.difference((ROWS, {"one"}), (rows, migrations)) == lacking


def test_the_restored_database_is_asked_as_the_one_in_use_but_for_its_host_and_authority(drill):
    live = {"HOST": "database-rw", "NAME": "one", "OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/ca", "a": 1}}

    assert drill.beside(live) == {"HOST": "drill-rw", "NAME": "one", "OPTIONS": {"sslmode": "require", "a": 1}}
    assert live["OPTIONS"]["sslmode"] == "verify-full"


def test_the_names_in_it_are_those_of_the_cluster():
    text = SCRIPT.read_text()

    name = drill_cluster(rendered("production"))["metadata"]["name"]
    assert f'"/{name}"' in text
    assert f'"{name}-rw"' in text
