"""Traffic that goes on through a fault, judges each answer, and knows which of its writes must be there afterwards."""

import json
import math
import os
import queue
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass

import requests
from requests.exceptions import ChunkedEncodingError

from operations.deploy.traffic import PAUSE, WRITERS, Traffic

# Longer than nginx waits for a backend: it is nginx who answers, and not the client who gives up.
PATIENCE = 100
# After an answer that was none.
REST = 0.3
# In CI other tests run beside it, and a start takes several times as long.
RECOVERY = 90 if "PYTEST_XDIST_WORKER" in os.environ else 30
SHAPE = {"code", "type", "message", "details", "request_id", "timestamp"}
# Without a failure for so long it has recovered.
CALM = 3


@dataclass
class Step:
    """A step whose text is the number of the write; it is written by one thread at a time, as a tab does it."""

    id: str
    version: int
    sent: int = 0
    # The number of the last one that is known to be there, and how many were answered with 200.
    there: int = 0
    acknowledged: int = 0


class Persistent(Traffic):
    """What may be besides a refusal, each by the fault.

    `unreachable`: nginx itself may be gone, and a connection refused or reset. `cut_off`: what answers may be killed
    when it has begun to, and the rest does not come. `code`: a 401 may have this one.
    """

    def __init__(self, stack, *, unreachable=False, cut_off=False, code=None):
        super().__init__(stack)
        self.unreachable, self.cut_off, self.code = unreachable, cut_off, code
        self.outcomes = Counter()
        self.titles = {}
        self.overwritten = []
        self.slowest = 0
        self.last_failure = 0
        # Whoever asked before then is answered when it has recovered, too.
        self.fault_ended = math.inf
        self.last_held_up = 0
        self.last_success = {}
        self.steps = queue.Queue()
        for _ in range(WRITERS):
            self.steps.put(self.new_step())

    def new_step(self):
        project = self.made("POST", "projects/", {"title": "written through a fault"})
        (round_,) = self.made("GET", f"projects/{project['id']}/rounds/")["results"]
        step = self.made("GET", f"rounds/{round_['id']}/steps/")["results"][0]
        return Step(step["id"], step["version"])

    def made(self, method, path, body=None):
        answer = self.stack.request(method, f"{self.stack.api}/{path}", headers=self.token, json=body)
        assert answer.ok, answer.text
        return answer.json()

    def read(self, session):
        self.ask(session, "GET", f"{self.stack.page}/", {200})
        self.ask(session, "GET", f"{self.stack.api}/nodes/?page_size=5", {200})
        self.ask(session, "GET", f"{self.stack.api}/projects/", {200})

    def write(self, session):
        id = str(uuid.uuid4())
        body = {"id": id, "title": uuid.uuid4().hex}
        if self.ask(session, "POST", f"{self.stack.api}/nodes/", {200, 201}, json=body) is not None:
            with self.lock:
                self.titles[id] = body["title"]
        step = self.steps.get()
        try:
            self.patch(session, step)
        finally:
            self.steps.put(step)

    def patch(self, session, step):
        step.sent += 1
        answer = self.ask(
            session, "PATCH", f"{self.stack.api}/steps/{step.id}/", {200, 409},
            headers={"If-Match": str(step.version)}, json={"content": {"theme": str(step.sent)}},
        )  # fmt: skip
        if answer is None:
            return
        # A conflict is with a write of this thread that was done although it was not acknowledged.
        there = answer.json() if answer.status_code == 200 else answer.json()["error"]["current"]
        number = int(there["content"]["theme"] or 0)
        if not step.there <= number <= step.sent:
            with self.lock:
                self.overwritten.append(f"{step}: {number}")
        step.version, step.there = there["version"], number
        step.acknowledged += answer.status_code == 200

    def ask(self, session, method, url, expected, **arguments):
        began = time.monotonic()
        try:
            answer = self.send(session, method, url, timeout=PATIENCE, **arguments)
        except requests.RequestException as error:
            expected_of_it = self.unreachable or self.cut_off and isinstance(error, ChunkedEncodingError)
            outcome, what, answer = "unreachable" if expected_of_it else "wrong", repr(error), None
        else:
            what = f"{answer.status_code} {answer.text[:200]}"
            outcome = "wrong"
            if answer.status_code in expected:
                outcome = "well"
            elif is_refusal(url, answer.status_code, answer.headers, answer.content, self.code):
                outcome = "refused"
        ended = time.monotonic()
        with self.lock:
            self.asked += 1
            self.outcomes[outcome] += 1
            self.slowest = max(self.slowest, ended - began)
            if began < self.fault_ended:
                self.last_held_up = ended
            if outcome == "well":
                self.last_success[threading.get_ident()] = ended
            else:
                self.last_failure = ended
        if outcome == "wrong":
            self.note(method, url, what, began)
        time.sleep(PAUSE if outcome == "well" else REST)
        return answer if outcome == "well" else None

    def recovers(self):
        """Waits until every thread is served again and nobody fails.

        Says how long after now the last one failed, or was answered who had asked before.
        """
        ended = self.fault_ended = time.monotonic()
        while True:
            time.sleep(0.2)
            now = time.monotonic()
            with self.lock:
                since = max(ended, self.last_failure, self.last_held_up)
                served = [at for at in self.last_success.values() if at > since]
            if now - since > CALM and len(served) == len(self.threads):
                self.seconds_to_recovery = since - ended
                return
            assert now - ended < RECOVERY + CALM, f"not recovered after {now - ended:.0f} s: {self.outcomes}"

    def read_back(self):
        """How many of the acknowledged writes are there."""
        found = found_nodes(self.stack, self.token, self.titles)
        steps = [self.steps.get() for _ in range(WRITERS)]
        for step in steps:
            number = int(self.made("GET", f"steps/{step.id}/")["content"]["theme"] or 0)
            # Each was written over the version of the one before, so that the last stands for all.
            if step.there <= number <= step.sent:
                found += step.acknowledged
        self.acknowledged_writes = len(self.titles) + sum(step.acknowledged for step in steps)
        return found


def found_nodes(stack, token, titles):
    """How many of the nodes, given as titles by ids, are there with their title."""
    there, url = {}, f"{stack.api}/nodes/?page_size=100"
    with stack.session() as session:
        while url:
            page = session.get(url, headers=token, timeout=60).json()
            there |= {node["id"]: node["title"] for node in page["results"]}
            url = page["next"]
    return sum(there.get(id) == title for id, title in titles.items())


def is_refusal(url, status, headers, content, code=None):
    """What may be said while something is broken: to come again, in the API's shape where the API is asked.

    `code` is what a 401 may have.
    """
    if status == 503 and not (headers.get("Retry-After") or "").isdigit():
        return False
    if "/api/" not in url:
        return status == 503 and headers.get("Content-Type") == "text/html; charset=utf-8"
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    codes = {503: ["SRV_002", "SRV_003"], 401: [code]}
    return set(error) == SHAPE and error["code"] in codes.get(status, [])
