"""
Restores the newest backup of the database into a cluster of its own, compares that with the one in use, takes it away.

It fails when the restored database is not there within RTO_SECONDS, when its migrations are others, or when rows are
missing that were written RPO_SECONDS or longer before it began. The database in use is only read. One line says how it
went.
"""

import json
import os
import signal
import ssl
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

RTO_SECONDS = 3600
# The archive gets what was written after a minute.
RPO_SECONDS = 300
PAUSE_SECONDS = 5
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CLUSTER = Path(__file__).with_name("drill-cluster.yaml")
# When a row was made, by whichever of these names its model has.
MADE = ("created_at", "date_joined", "at")


class Clusters:
    """The clusters of CloudNativePG in the namespace that this runs in."""

    def __init__(self, server, account):
        namespace = (account / "namespace").read_text()
        self.address = f"{server}/apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters"
        self.account = account

    def call(self, method, name="", body=None):
        """The answer, or None where there is no such cluster."""
        headers = {
            # It is renewed while this runs.
            "Authorization": f"Bearer {(self.account / 'token').read_text()}",
            "Content-Type": "application/yaml",
        }
        request = urllib.request.Request(f"{self.address}{name}", body, headers, method=method)  # noqa: S310
        authority = ssl.create_default_context(cafile=self.account / "ca.crt")
        try:
            with urllib.request.urlopen(request, timeout=30, context=authority) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404 and name:
                return None
            raise SystemExit(
                f"drill: Kubernetes refused {method} of a cluster: {error.code} {error.reason}."
            ) from error

    def restore(self):
        database = self.call("GET", "/database")
        if database is None:
            raise SystemExit("drill: there is no cluster `database` here whose backup could be restored.")
        cluster = CLUSTER.read_text().replace("size: 10Gi", f"size: {database['spec']['storage']['size']}")
        self.call("POST", body=cluster.encode())
        end = time.monotonic() + RTO_SECONDS
        while not self.is_ready():
            if time.monotonic() > end:
                raise SystemExit(f"drill: the backup was not restored within {RTO_SECONDS} seconds.")
            time.sleep(PAUSE_SECONDS)

    def is_ready(self):
        status = (self.call("GET", "/drill") or {}).get("status", {})
        return {"Ready": "True"} in [{entry["type"]: entry["status"]} for entry in status.get("conditions", [])]

    def remove(self):
        """Until it is gone, one that a killed run has left too."""
        while self.call("DELETE", "/drill") is not None:
            time.sleep(PAUSE_SECONDS)


def contents(alias, moment):
    """How many rows of each model were made until then, and which migrations have been applied."""
    from django.apps import apps
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    rows = {}
    for model in apps.get_models():
        made = next((name for name in MADE if name in {field.name for field in model._meta.fields}), None)
        if made and model.__module__.startswith("apps."):
            rows[model._meta.label] = model._base_manager.using(alias).filter(**{f"{made}__lt": moment}).count()
    return rows, set(MigrationRecorder(connections[alias]).applied_migrations())


def difference(live, restored):
    """What the restored one lacks, a sentence each. It may have more rows: such as were deleted meanwhile."""
    (live_rows, live_migrations), (rows, migrations) = live, restored
    lacking = [
        f"{name} has {rows[name]} rows instead of {number}" for name, number in live_rows.items() if rows[name] < number
    ]
    if migrations != live_migrations:
        lacking.append("its migrations are others")
    return lacking


def beside(live):
    """The settings of the restored database; its certificate is of an authority that was made with it."""
    options = {name: value for name, value in live["OPTIONS"].items() if name != "sslrootcert"}
    return live | {"HOST": "drill-rw", "OPTIONS": options | {"sslmode": "require"}}


def drill(clusters, look):
    """Seconds until the restored database was there, and what `look` has seen in the one in use and in that."""
    clusters.remove()
    begun = time.monotonic()
    try:
        clusters.restore()
        seconds = time.monotonic() - begun
        return seconds, look("default"), look("restored")
    finally:
        clusters.remove()


def main():
    import django
    from django.db import connections
    from django.utils import timezone

    # Whoever stops it has it clear up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("drill: it was stopped."))
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")
    django.setup()
    connections.settings["restored"] = beside(connections.settings["default"])
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    moment = timezone.now() - timedelta(seconds=RPO_SECONDS)

    seconds, live, restored = drill(Clusters(server, ACCOUNT), lambda alias: contents(alias, moment))
    lacking = difference(live, restored)
    if lacking:
        sys.exit(f"drill: failed, restored in {seconds:.0f} s, but {'; '.join(lacking)}.")
    print(f"drill: ok, {sum(restored[0].values())} rows, restored in {seconds:.0f} s (at most {RTO_SECONDS}).")


if __name__ == "__main__":
    main()
