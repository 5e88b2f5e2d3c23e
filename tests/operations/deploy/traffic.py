"""Constant reads and writes through nginx and TLS, over connections that stay open, as browsers keep them."""

import threading
import time
import uuid

import requests

READERS, WRITERS = 4, 2
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
        name = f"traffic-{uuid.uuid4().hex[:8]}"
        account = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
        answer = stack.request("POST", f"{stack.api}/auth/register/", json=account)
        assert answer.status_code == 201, answer.text
        answer = stack.request("POST", f"{stack.api}/auth/token/", json=account)
        self.token = {"Authorization": f"Bearer {answer.json()['access']}"}

    def __enter__(self):
        jobs = [self.read] * READERS + [self.write] * WRITERS
        self.threads = [threading.Thread(target=self.repeat, args=[job], daemon=True) for job in jobs]
        for thread in self.threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        time.sleep(1)
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def repeat(self, job):
        with self.stack.session() as session:
            while not self.stop.is_set():
                job(session)

    def read(self, session):
        for url in [f"{self.stack.page}/", f"{self.stack.page}/_app/version.json", f"{self.stack.api}/projects/"]:
            self.ask(session, "GET", url, {200})
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

    def ask(self, session, method, url, expected, *, again=True, **arguments):
        began = time.monotonic()
        try:
            answer = session.request(
                method, url, headers=self.token, timeout=30, allow_redirects=False, **arguments
            )  # fmt: skip
        except requests.RequestException as error:
            session.close()
            # A server may close a connection on which nothing is under way; what was sent just then every browser
            # sends again, once, over a new one.
            if again and isinstance(error, requests.ConnectionError) and "closed connection without" in str(error):
                with self.lock:
                    self.reopened += 1
                return self.ask(session, method, url, expected, again=False, **arguments)
            self.note(method, url, repr(error), began)
            return None
        time.sleep(PAUSE)
        if answer.status_code not in expected:
            self.note(method, url, f"{answer.status_code} {answer.text[:200]}", began)
            return None
        with self.lock:
            self.asked += 1
        return answer

    def note(self, method, url, what, began):
        with self.lock:
            self.asked += 1
            self.failed.append(f"{method} {url} after {time.monotonic() - began:.1f} s: {what}")

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
        assert self.failed == [], f"{len(self.failed)} of {self.asked} failed"
        assert self.lost() == set()
        assert self.acknowledged

    def __str__(self):
        return (
            f"{self.asked} requests, {len(self.failed)} failed, {self.reopened} connections reopened; "
            f"{len(self.acknowledged)} writes, {len(self.lost())} lost"
        )
