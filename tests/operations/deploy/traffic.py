"""Constant reads and writes through nginx and TLS, over connections that stay open, as browsers keep them."""

import threading
import time
import uuid

import requests

READERS, WRITERS = 4, 2
# What all of them ask in a second at the very least, however busy the machine is.
SLOWEST = 5
# All threads together stay below the 100 requests a second that nginx takes from one address.
PAUSE = 0.08


class Traffic:
    """With it as a context requests are made; afterwards it says how many failed, and which writes were lost."""

    def __init__(self, stack):
        self.stack = stack
        self.asked = 0
        self.failed = []
        self.reopened = 0
        self.acknowledged = set()
        self.commits = set()
        self.lock = threading.Lock()
        self.stop = threading.Event()
        answer = stack.request("POST", f"{stack.api}/auth/token/", json=stack.register())
        self.token = {"Authorization": f"Bearer {answer.json()['access']}"}

    def __enter__(self):
        jobs = [self.read] * READERS + [self.write] * WRITERS
        self.threads = [threading.Thread(target=self.repeat, args=[job], daemon=True) for job in jobs]
        for thread in self.threads:
            thread.start()
        self.began = time.monotonic()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        time.sleep(1)
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        self.seconds = time.monotonic() - self.began
        if self.failed:
            print(*self.said_by_nginx(), sep="\n")

    def repeat(self, job):
        with self.stack.session() as session:
            while not self.stop.is_set():
                try:
                    job(session)
                except Exception as error:
                    self.note(job.__name__, "", repr(error), time.monotonic())

    def read(self, session):
        page = self.ask(session, "GET", f"{self.stack.page}/", {200})
        if page is not None:
            assert page.text.rstrip().endswith("</html>"), page.text
        self.ask(session, "GET", f"{self.stack.page}/healthz", {200})
        projects = self.ask(session, "GET", f"{self.stack.api}/projects/", {200})
        if projects is not None:
            assert "results" in projects.json(), projects.text
        answer = self.ask(session, "GET", f"{self.stack.api}/version/", {200})
        if answer is not None:
            with self.lock:
                self.commits.add(answer.json()["commit"])

    def write(self, session):
        id = str(uuid.uuid4())
        # Creating again what is there is answered with 200: nginx may send a request again that nobody had read.
        body = {"id": id, "title": "written while a release was replaced"}
        if self.ask(session, "POST", f"{self.stack.api}/projects/", {200, 201}, json=body) is not None:
            with self.lock:
                self.acknowledged.add(id)

    def ask(self, session, method, url, expected, **arguments):
        began = time.monotonic()
        try:
            answer = self.send(session, method, url, **arguments)
        except requests.RequestException as error:
            self.note(method, url, repr(error), began)
            return None
        time.sleep(PAUSE)
        if answer.status_code not in expected:
            self.note(method, url, f"{answer.status_code} {answer.text[:200]}", began)
            return None
        with self.lock:
            self.asked += 1
        return answer

    def send(self, session, method, url, *, headers=None, timeout=30, again=True, **arguments):
        try:
            return session.request(
                method, url, headers=self.token | (headers or {}), timeout=timeout, allow_redirects=False, **arguments
            )  # fmt: skip
        except requests.RequestException as error:
            session.close()
            # A server may close a connection on which nothing is under way; what was sent just then every browser
            # sends again, once, over a new one.
            if again and isinstance(error, requests.ConnectionError) and "closed connection without" in str(error):
                with self.lock:
                    self.reopened += 1
                return self.send(
                    session, method, url, headers=headers, timeout=timeout, again=False, **arguments
                )  # fmt: skip
            raise

    def note(self, method, url, what, began):
        with self.lock:
            self.asked += 1
            now = time.strftime("%H:%M:%S", time.gmtime())
            self.failed.append(f"{now} {method} {url} after {time.monotonic() - began:.1f} s: {what}")

    def said_by_nginx(self):
        """What it wrote of the requests that failed and of the upstreams that it gave up."""
        lines = self.stack.logs("nginx").splitlines()
        return [line for line in lines if '"time"' not in line or '"status": 5' in line]

    def lost(self):
        """The acknowledged writes that cannot be read back."""
        there, url = set(), f"{self.stack.api}/projects/?page_size=100"
        with self.stack.session() as session:
            while url:
                page = session.get(url, headers=self.token, timeout=30).json()
                there |= {project["id"] for project in page["results"]}
                url = page["next"]
        return self.acknowledged - there

    def assert_nothing_failed(self):
        assert not self.failed, "\n".join([f"{len(self.failed)} of {self.asked} failed:", *self.failed])
        assert not any(thread.is_alive() for thread in self.threads)
        assert self.asked > SLOWEST * self.seconds
        # Not more than one for each connection.
        assert self.reopened <= len(self.threads)
        assert self.lost() == set()
        assert self.acknowledged

    def __str__(self):
        return (
            f"{self.asked} requests, {len(self.failed)} failed, {self.reopened} connections reopened; "
            f"{len(self.acknowledged)} writes, {len(self.lost())} lost"
        )
