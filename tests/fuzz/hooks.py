"""What schemathesis cannot know by itself: how to log in, which ids there are, what the contract allows beyond it."""

import io
import itertools
import os
import uuid

import requests
import schemathesis
from hypothesis import strategies
from PIL import Image
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import EnsureResourceAvailability, UseAfterFree

API = os.environ["FUZZED_API"]
HOST = {"Host": os.environ["FUZZED_HOST"]}
ACCOUNT = {"username": os.environ["FUZZER_NAME"], "password": os.environ["FUZZER_PASSWORD"]}


def ask(method, path, access=None, **arguments):
    headers = HOST | ({"Authorization": f"Bearer {access}"} if access else {})
    # As schemathesis itself asks: by the address, to which no certificate is made out.
    answer = requests.request(method, f"{API}{path}", headers=headers, verify=False, timeout=30, **arguments)
    answer.raise_for_status()
    return answer.json()


@schemathesis.auth()
class Account:
    """Logs in again after each 401: some of the calls end sessions."""

    def get(self, case, context):
        return ask("POST", "/auth/token/", json=ACCOUNT)["access"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


def drawn(kind):
    file = io.BytesIO()
    Image.new("RGB", (4, 3)).save(file, kind)
    return file.getvalue()


# An image that nobody has drawn is refused at its first bytes: whole ones, and what is left of one that breaks off.
for kind in ("png", "jpeg", "webp"):
    whole = drawn(kind)
    part = strategies.integers(0, len(whole)).map(lambda length, whole=whole: whole[:length])
    schemathesis.openapi.media_type(f"image/{kind}", strategies.just(whole) | part | strategies.binary(max_size=99))


class Example:
    """The ids of the worked example, which the API gives back whole after the fuzzer has deleted it."""

    def __init__(self):
        self.ids = {}
        self.brought_back = set()

    def __getitem__(self, kind):
        return next(self.ids[kind])

    def open(self):
        access = ask("POST", "/auth/token/", json=ACCOUNT)["access"]
        project = ask("POST", "/account/example/", access)["id"]
        rounds = self.listed(f"/projects/{project}/rounds/", access)
        nodes = self.listed(f"/nodes/?project={project}", access)
        found = {
            "projects": [project],
            "rounds": rounds,
            "steps": [step for round in rounds for step in self.listed(f"/rounds/{round}/steps/", access)],
            "nodes": nodes,
            "links": self.listed(f"/nodes/{nodes[0]}/links/", access) if nodes else [],
        }
        self.ids = {kind: itertools.cycle(ids) for kind, ids in found.items() if ids}
        self.brought_back.update(itertools.chain(*found.values()))

    def listed(self, path, access):
        return [row["id"] for row in ask("GET", path, access)["results"]]


example = Example()
calls = itertools.count()
# What a create named that was sent again: it may have gone to the trash since it was made, where no GET finds it.
created_again = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every second id that could be one is one: those that are made up are answered by 404 and nothing else."""
    number = next(calls)
    if number % 500 == 0:
        example.open()
    kind = case.path.split("/")[1]
    if number % 2 and kind in example.ids and case.meta.phase.name != TestPhase.STATEFUL and is_id(case):
        case.path_parameters["id"] = example[kind]


def is_id(case):
    try:
        return bool(uuid.UUID(case.path_parameters["id"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


@schemathesis.hook
def after_call(context, case, response):
    if case.method == "POST" and response.status_code == 200 and (id := response.json().get("id")):
        created_again.add(id)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """What no schema says of a query: an empty filter is no filter, and NUL and white space are nothing to look for."""
    id = (case.path_parameters or {}).get("id")
    if isinstance(failure, EnsureResourceAvailability):
        return id not in created_again
    if isinstance(failure, UseAfterFree):
        # Deleted, and opened again by a call in between.
        return id not in example.brought_back
    query = (case.query or {}) if case.method == "GET" else {}
    if isinstance(failure, AcceptedNegativeData):
        return "" not in query.values()
    if isinstance(failure, RejectedPositiveData):
        wanted = str(query.get("q", "a"))
        return bool(wanted.strip()) and "\0" not in wanted
    return True
