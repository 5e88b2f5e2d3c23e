"""A machine of its own: a network namespace with an outside, and a container that is published as Docker does it."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from production import ROOT

# Answers whatever is sent to one of its ports with what the sender's address is.
LISTENER = """
import socketserver, sys, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(self.client_address[0].encode() + b"\\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
servers = [socketserver.ThreadingTCPServer(("0.0.0.0", int(port)), Handler) for port in sys.argv[1:]]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
print("listening", flush=True)
"""
# Sends a line to each address, in turn and again for each line of its input, and says what came back.
CALLER = """
import socket, sys
def call(kept):
    try:
        kept.sendall(b"hello\\n")
        return kept.recv(100).decode().strip() or "closed"
    except OSError as error:
        return type(error).__name__
host, port = sys.argv[1:3]
try:
    kept = socket.create_connection((host, int(port)), timeout=1.5)
except OSError as error:
    print(type(error).__name__, flush=True)
    sys.exit()
print(call(kept), flush=True)
for _ in sys.stdin:
    print(call(kept), flush=True)
"""
# What Docker has in the kernel for `ports: 80:80` of nginx and `5433:5432` of somebody's careless database.
DOCKER = """
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 80 -j DNAT --to 172.30.0.2:80
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 5433 -j DNAT --to 172.30.0.2:5432
iptables -t nat -A POSTROUTING -s 172.30.0.0/24 ! -o br-test -j MASQUERADE
iptables -N DOCKER-USER
iptables -A DOCKER-USER -j RETURN
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -d 172.30.0.2 -o br-test -j ACCEPT
iptables -A FORWARD -i br-test -j ACCEPT
iptables -A FORWARD -o br-test -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -P FORWARD DROP
"""


class Namespace:
    """A network, and mounts, of its own."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "infinity"])
        self.enter = ["nsenter", "--target", str(self.holder.pid), "--net", "--mount"]
        self.started = [self.holder]
        end = time.monotonic() + 10
        while os.readlink(f"/proc/{self.holder.pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
            assert time.monotonic() < end
            time.sleep(0.01)
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command, check=True, **options):
        result = subprocess.run([*self.enter, *command], capture_output=True, text=True, **options)
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    def start(self, *command):
        process = subprocess.Popen(
            [*self.enter, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.started.append(process)
        return process

    def listen(self, program, *ports):
        process = self.start(program, "-c", LISTENER, *map(str, ports))
        assert process.stdout.readline() == "listening\n"

    def call(self, host, port):
        """A connection that stays: its process, and what was answered first."""
        process = self.start(sys.executable, "-c", CALLER, host, str(port))
        return process, process.stdout.readline().strip()

    def end(self):
        for process in reversed(self.started):
            process.kill()
            process.wait()


class Machine(Namespace):
    """192.0.2.1, with sshd at 2222 and something at 9000; the outside is 192.0.2.2, the container 172.30.0.2."""

    def __init__(self, folder):
        super().__init__()
        self.outside, self.container = Namespace(), Namespace()
        self.checkout = folder / "thinkring"
        shutil.copytree(ROOT / "ops", self.checkout / "ops", ignore=shutil.ignore_patterns("*.lock", "last-*"))
        shutil.copy(ROOT / "docker-compose.prod.yml", self.checkout)
        for place in ["/etc/ufw", "/etc/default", "/lib/ufw"]:
            copy = folder / place.strip("/").replace("/", "-")
            shutil.copytree(place, copy, symlinks=True)
            self.run("mount", "--bind", copy, place)
        self.rules = [folder / "etc-ufw" / name for name in ("after.rules", "after6.rules")]
        for name, other, here, there in [
            ("eth0", self.outside, "192.0.2.1/24", "192.0.2.2/24"),
            ("br-test", self.container, "172.30.0.1/24", "172.30.0.2/24"),
        ]:
            self.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(other.holder.pid))
            for namespace, device, address in [(self, name, here), (other, "eth0", there)]:
                namespace.run("ip", "address", "add", address, "dev", device)
                namespace.run("ip", "link", "set", device, "up")
        self.container.run("ip", "route", "add", "default", "via", "172.30.0.1")
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.run("sh", "-euc", DOCKER)
        # A process of that name, as `ss` sees it.
        sshd = folder / "sshd"
        sshd.symlink_to(Path(sys.executable).resolve())
        self.listen(sshd, 2222)
        self.listen(sys.executable, 22, 443, 9000)
        self.container.listen(sys.executable, 80, 5432)
        self.outside.listen(sys.executable, 8080)

    def firewall(self, *arguments, **options):
        return self.run(self.checkout / "ops" / "firewall.sh", *arguments, cwd="/", check=False, **options)

    def open_from_outside(self):
        """Of all that listens, in one go, since what is closed does not say so."""
        ports = [22, 80, 443, 2222, 5433, 9000]
        answers = {}

        def call(port):
            answers[port] = self.outside.call("192.0.2.1", port)[1]

        threads = [threading.Thread(target=call, args=[port]) for port in ports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers.values()) <= {"192.0.2.2", "TimeoutError"}, answers
        return [port for port in ports if answers[port] == "192.0.2.2"]

    def end(self):
        super().end()
        self.outside.end()
        self.container.end()
