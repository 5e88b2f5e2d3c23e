"""A certificate authority on this machine: Debian's pebble, which asks pebble-challtestsrv where a name leads."""

import contextlib
import ipaddress
import json
import os
import ssl
import subprocess
import time
import urllib.request

import pytest

from production import docker, free_port

# No pauses and no refusals for exercise, and each certificate proves its names anew.
SETTINGS = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
NINETY_DAYS = 90 * 24 * 3600


class Authority:
    def __init__(self, folder, http_port):
        self.folder, self.http_port = folder, http_port
        self.ports = {name: free_port() for name in ["directory", "management", "dns", "names"]}
        self.directory = f"https://localhost:{self.ports['directory']}/dir"
        # Where containers find this machine: the first address of their network, which not every engine names.
        subnet = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "bridge").strip()
        self.gateway = str(next(ipaddress.ip_network(subnet).hosts()))
        self.directory_for_containers = f"https://{self.gateway}:{self.ports['directory']}/dir"
        # What certbot trusts when it talks to the authority, and what browsers trust when it has signed.
        self.own_certificate = folder / "authority.pem"
        self.root = folder / "root.pem"

    @contextlib.contextmanager
    def running(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{self.gateway}",
             "-keyout", "authority.key", "-out", self.own_certificate],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip
        configuration = {
            "listenAddress": f":{self.ports['directory']}",
            "managementListenAddress": f"127.0.0.1:{self.ports['management']}",
            "certificate": str(self.own_certificate),
            "privateKey": str(self.folder / "authority.key"),
            "httpPort": self.http_port,
            "tlsPort": free_port(),
            "certificateValidityPeriod": NINETY_DAYS,
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": configuration}))
        names = f"127.0.0.1:{self.ports['dns']}"
        with (
            self.process(
                "pebble-challtestsrv", "-management", f"127.0.0.1:{self.ports['names']}", "-dns01", names,
                "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "",
            ),
            self.process("pebble", "-config", "pebble.json", "-dnsserver", names),
        ):  # fmt: skip
            self.root.write_bytes(self.wait_for_root())
            yield self

    @contextlib.contextmanager
    def process(self, *command):
        with (self.folder / f"{command[0]}.log").open("w") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=os.environ | SETTINGS, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def wait_for_root(self):
        context = ssl.create_default_context(cafile=str(self.own_certificate))
        end = time.monotonic() + 30
        while True:
            try:
                url = f"https://localhost:{self.ports['management']}/roots/0"
                return urllib.request.urlopen(url, context=context, timeout=5).read()
            except OSError as error:
                if time.monotonic() > end:
                    pytest.fail(f"{error}\n{(self.folder / 'pebble.log').read_text()[-2000:]}")
                time.sleep(0.1)

    @contextlib.contextmanager
    def name_leads_to(self, name, addresses):
        """As if somebody had pointed a name elsewhere."""
        self.tell("add-a", {"host": f"{name}.", "addresses": addresses})
        try:
            yield
        finally:
            self.tell("clear-a", {"host": f"{name}."})

    def tell(self, what, body):
        url = f"http://127.0.0.1:{self.ports['names']}/{what}"
        urllib.request.urlopen(url, data=json.dumps(body).encode(), timeout=5).close()
