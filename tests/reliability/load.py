"""Requests at a rate that waits for no answer, as many people make them together."""

import http.client
import json
import math
import socket
import ssl
import threading
import time
import uuid
from collections import defaultdict

from production import DOMAIN

from .traffic import is_refusal

HOST = f"api.{DOMAIN}"
# So many wait for an answer at the same time, at most.
THREADS = 250
WRITES_ONE_IN = 5


class Connection(http.client.HTTPSConnection):
    """To the stack, whatever its name leads to elsewhere."""

    def __init__(self, stack):
        self.port_here = stack.ports["https"]
        super().__init__(HOST, timeout=100, context=ssl.create_default_context(cafile=stack.certificate))

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port_here), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._context.wrap_socket(plain, server_hostname=HOST)


class Load:
    """With `rate` None so many threads ask as fast as they are answered; `answers` are by status, in seconds."""

    def __init__(self, stack, token, page, *, seconds, rate=None, threads=THREADS):
        self.stack, self.token, self.page, self.rate, self.seconds = stack, token, page, rate, seconds
        self.answers = defaultdict(list)
        self.wrong = []
        self.acknowledged = {}
        self.lock = threading.Lock()
        self.number = 0
        self.began = time.monotonic()
        workers = [threading.Thread(target=self.work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def next(self):
        """Its number and when it is due; None after the end."""
        with self.lock:
            number, self.number = self.number, self.number + 1
        due = self.began + number / self.rate if self.rate else time.monotonic()
        return (number, due) if due < self.began + self.seconds else None

    def work(self):
        connection = Connection(self.stack)
        while (job := self.next()) is not None:
            number, due = job
            time.sleep(max(0, due - time.monotonic()))
            try:
                try:
                    self.ask(connection, number, due)
                except http.client.RemoteDisconnected:
                    # nginx closes what was idle for a minute; browsers send again, once, over a new connection.
                    connection.close()
                    self.ask(connection, number, due)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self.lock:
                    self.wrong.append(repr(error))
        connection.close()

    def ask(self, connection, number, due):
        method, path, body = "GET", self.page, None
        if number % WRITES_ONE_IN == 0:
            method, path = "POST", "/api/v1/nodes/"
            body = {"id": str(uuid.uuid4()), "title": uuid.uuid4().hex}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        with self.lock:
            # From when it was due: who had to wait for a thread here has waited for the server.
            self.answers[answer.status].append(time.monotonic() - due)
            if answer.status in (200, 201):
                if body:
                    self.acknowledged[body["id"]] = body["title"]
            elif not is_refusal(path, answer.status, answer.headers, content):
                self.wrong.append(f"{answer.status} {content[:200]}")

    @property
    def served(self):
        return self.answers[200] + self.answers[201]

    @property
    def refused(self):
        return self.answers[503]


def percentile(seconds, hundredths):
    ordered = sorted(seconds)
    return ordered[math.ceil(len(ordered) * hundredths / 100) - 1] if ordered else 0


def percentiles(seconds):
    """The 50th, the 95th and the 99th."""
    return " / ".join(f"{percentile(seconds, part) * 1000:.0f}" for part in (50, 95, 99)) + " ms"
