"""What is measured, and what is to be reached."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from production import PASSWORD

BACK_ENDS = ("thinkRing", "floor", "FastAPI", "plain DRF")
API = "/api/v1"


def id(name):
    """As pg_temp.id in data.sql."""
    return str(uuid.UUID(hashlib.md5(name.encode()).hexdigest()))


@dataclass(frozen=True)
class Request:
    """`{id}` and `{number}` in the body are others each time."""

    path: str
    method: str = "GET"
    body: dict | None = None
    # Whose token it carries; None for none.
    account: str | None = "small"
    headers: dict = field(default_factory=dict)


@dataclass(frozen=True)
class AtLeast:
    """So many times as many requests a second as a yardstick; with `cpu`, at as small a part of its processor time."""

    ratio: float
    of: str
    cpu: bool = False

    def __str__(self):
        return f"≥ {self.ratio:g} × {self.of}{', CPU too' if self.cpu else ''}"

    def judge(self, row):
        ours, theirs = row["contenders"][row["of"]], row["contenders"][self.of]
        ratios = [ours["rate"][0] / theirs["rate"][0]]
        if self.cpu:
            ratios.append(theirs["cpu"][0] / ours["cpu"][0])
        return " and ".join(f"{ratio:.2f} ×" for ratio in ratios), min(ratios) >= self.ratio


@dataclass(frozen=True)
class Within:
    """At half of what could be served."""

    ms: float
    percentile: int

    def __str__(self):
        return f"p{self.percentile} ≤ {self.ms:g} ms"

    def judge(self, row):
        value = row["half"][f"p{self.percentile}"]
        return f"{value:.1f} ms", value <= self.ms


@dataclass(frozen=True)
class Row:
    name: str
    requests: tuple[Request, ...]
    goals: tuple = ()
    of: tuple[str, ...] = ("thinkRing",)
    # All requests are one thing that somebody does, and are counted as one.
    together: bool = False
    # The first one asks whether what it has seen is still so; the others have nothing to ask by.
    revalidated: bool = False
    connections: int = 8
    # Of an answer, what each of the contenders says in its own way.
    differs: tuple[str, ...] = ()
    # What an answer has to have that nobody else's is compared with.
    holds: Callable = lambda answer: True
    # SQL that takes away what was written, and what is left of it in the tables.
    cleanup: tuple[str, ...] = ()


def project_page(name, place):
    project = f"{API}/projects/{id(f'{name} project {place}')}/"
    steps = f"{API}/rounds/{id(f'{name} round {place}')}/steps/"
    return tuple(Request(path, account=name) for path in (project, f"{project}rounds/", steps))


def graph(place):
    return (Request(f"{API}/projects/{id(f'large project {place}')}/graph/", account="large"),)


def has(nodes, links):
    return lambda answer: (len(answer["nodes"]), len(answer["links"])) == (nodes, links)


def is_healthy(answer):
    return answer["status"] == "healthy"


def finds_something(answer):
    return answer["count"] > 0


def search(word):
    return (Request(f"{API}/search/?q={quote(word)}", account="large"),)


def projects(name="small", page=1):
    return (Request(f"{API}/projects/" + (f"?page={page}" if page > 1 else ""), account=name),)


READ = Within(50, 99)
WRITE = Within(100, 99)

# What a person reads too: a project's nodes, one of them and its links, what was written in a step and what stands out
# in it, the trash, the sessions.
OTHER_READS = tuple(
    Request(f"{API}/{path}", account="large")
    for path in (
        f"nodes/?project={id('large project 2')}",
        f"nodes/{id('large node 5001')}/",
        f"nodes/{id('large node 5001')}/links/",
        f"steps/{id('large overview 2')}/",
        f"steps/{id('large overview 2')}/history/",
        f"steps/{id('large overview 2')}/keywords/",
        "trash/",
        "auth/sessions/",
    )
)
READS = [
    Row(
        "health",
        (Request(f"{API}/health/", account=None),),
        (READ,),
        holds=lambda answer: answer["status"] == "healthy",
    ),
    Row("auth/me/", (Request(f"{API}/auth/me/"),), (AtLeast(1.5, "FastAPI"), READ), BACK_ENDS),
    Row(
        "list of 50 projects",
        projects(),
        (AtLeast(2, "FastAPI", cpu=True), AtLeast(3, "plain DRF", cpu=True), AtLeast(0.5, "floor", cpu=True), READ),
        BACK_ENDS,
    ),
    Row(
        "list of 50 projects, revalidated",
        projects(),
        (AtLeast(5, "plain DRF", cpu=True), READ),
        ("thinkRing", "plain DRF"),
        revalidated=True,
    ),
    Row("list of 50 projects, by nginx and TLS", projects(), of=("thinkRing by nginx",)),
    Row(
        "one project, its rounds and steps",
        project_page("small", 3),
        (AtLeast(1.5, "FastAPI"), READ),
        BACK_ENDS,
        together=True,
    ),
    Row("other reads in turn", OTHER_READS, (READ,)),
    Row("graph of 500 nodes", graph(2), holds=has(500, 1_000)),
    # Two people, since so many at once are not there.
    Row("graph of 5,000 nodes", graph(1), (Within(300, 95),), connections=2, holds=has(5_000, 10_000)),
    Row("search: 誤差, in 50,000 nodes", search("誤差"), (Within(50, 95),), connections=2, holds=finds_something),
    Row("search: 作業者負担, in 50,000 nodes", search("作業者負担"), holds=finds_something),
    Row("search: barcode, in 50,000 nodes", search("barcode"), holds=finds_something),
    Row(
        "export of an account of 50 projects",
        (Request(f"{API}/account/export/?as=json"),),
        connections=4,
        holds=lambda answer: len(answer["projects"]) == 50,
    ),
    Row(
        "first page, by TLS",
        (Request("/", account=None),),
        (READ,),
        ("nginx",),
        holds=lambda answer: 'id="welcome"' in answer,
    ),
]


def asset(name, path):
    """A file by nginx with thinkRing and without."""
    request = Request(path, account=None, headers={"Accept-Encoding": "gzip"})
    return Row(f"{name}, by TLS", (request,), (AtLeast(0.9, "bare nginx"),), ("nginx", "bare nginx"))


# There are as many as connections, so that hardly two write the same at once, as people do not.
SAVES = tuple(
    Request(
        f"{API}/steps/{id(f'small overview {place}')}/",
        "PATCH",
        {
            "content": {
                "theme": "検査データの入力を一度で済ませる {number}",
                "purpose": "作業者の負担を減らす",
                "pain": "夜勤の引き継ぎでは、口頭の説明が多い",
                "constraints": "Parts wait between two machines",
                "success": "{number}",
            }
        },
    )
    for place in range(41, 49)
)
CREATES = tuple(
    Request(
        f"{API}/nodes/",
        "POST",
        {
            "id": "{id}",
            "title": "測定誤差 {number}",
            "context": "夜勤の引き継ぎでは、作業者負担が口頭の説明に集まる。The barcode reader is checked.",
            "project": id(f"large project {place}"),
            "round": id(f"large round {place}"),
            "step": id(f"large overview {place}"),
        },
        account="large",
    )
    for place in range(2, 10)
)
LINK = id(f"link {id('large node 5002')} 1")
# A project is begun, another one renamed, a link weighed.
OTHER_WRITES = (
    Request(f"{API}/projects/", "POST", {"title": "夜勤の引き継ぎ {number}", "category": "改善"}),
    *(
        Request(f"{API}/projects/{id(f'small project {place}')}/", "PATCH", {"title": "現品票 {number}"})
        for place in range(41, 45)
    ),
    *(Request(f"{API}/links/{LINK}/", "PATCH", {"weight": weight}, account="large") for weight in (0.3, 0.7)),
)
# Of what data.sql makes nothing is.
NEW = "created_at > '2026-01-01'"
WRITES = [
    Row(
        "save of a step",
        SAVES,
        (AtLeast(1.5, "plain DRF"), WRITE),
        ("thinkRing", "plain DRF"),
        differs=("updated_at", "version"),
    ),
    Row(
        "create of a node in a project of 500",
        CREATES,
        (AtLeast(1.5, "plain DRF"), WRITE),
        ("thinkRing", "plain DRF"),
        # How many links arise depends on how words are found.
        differs=("id", "created_at", "updated_at", "links_count"),
        # Locked, so that what is still being written has come to its end.
        cleanup=(
            "LOCK TABLE thinking_node, thinking_nodelink IN SHARE ROW EXCLUSIVE MODE; "
            f"DELETE FROM thinking_nodelink WHERE {NEW}; DELETE FROM thinking_node WHERE {NEW}",
            "VACUUM thinking_node",
            "VACUUM thinking_nodelink",
        ),
    ),
    Row(
        "other writes in turn",
        OTHER_WRITES,
        (WRITE,),
        cleanup=(
            f"DELETE FROM thinking_step WHERE {NEW}; DELETE FROM thinking_round WHERE {NEW}; "
            f"DELETE FROM thinking_project WHERE {NEW}",
            *(f"VACUUM thinking_{table}" for table in ("step", "round", "project", "nodelink")),
        ),
    ),
    Row(
        "log-in",
        (Request(f"{API}/auth/login/", "POST", {"username": "few", "password": PASSWORD}, account=None),),
        # A check of a password takes 100 MB, and the container has a gigabyte.
        connections=4,
        holds=lambda answer: "access" in answer,
    ),
]

# The same, of accounts that have so many projects, and of projects that have so many nodes.
SIZES = {
    "list of projects": {10: projects("few"), 50: projects(), 1_000: projects("large"), 100_000: projects("many")},
    "one project, its rounds and steps": {
        10: project_page("few", 3),
        50: project_page("small", 3),
        1_000: project_page("large", 30),
        100_000: project_page("many", 3),
    },
    "last page of projects": {
        10: projects("few"),
        50: projects(),
        1_000: projects("large", 20),
        100_000: projects("many", 2_000),
    },
    "graph": {500: graph(2), 1_000: graph(10), 2_500: graph(11), 5_000: graph(1)},
}
