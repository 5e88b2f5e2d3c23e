import io
import json
import re
import uuid
from collections.abc import Iterator

import pytest
from django.core import management
from django.core.management import CommandError, call_command

from apps.accounts import tokens
from apps.accounts.models import Session, User
from apps.thinking import linking, masking, rounds
from apps.thinking.example import make_example
from apps.thinking.models import Node, Project, Step


def test_it_works():
    masked = masking.mask("夜勤の引き継ぎ、Night shift 2026-11! カタカナ é")

    assert masked == "字字あ字あ字あ、xxxxx xxxxx 0000-00! アアアア x"


pytestmark = pytest.mark.django_db


@pytest.fixture
def staging(settings):
    settings.STAGING = True


def dumped() -> str:
    """All texts of the database; the names of fields are words too."""
    out = io.StringIO()
    call_command("dumpdata", "--exclude", "contenttypes", "--exclude", "auth.permission", stdout=out)
    return "\n".join(texts(json.loads(out.getvalue())))


def texts(value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", text))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_nothing_of_anybody_is_left(staging, alice, client, language):
    project = make_example(alice, language, uuid.uuid4())
    tokens.start_session(alice, "Firefox of Alice")
    linking.link(*Node.objects.filter(project=project)[:2])
    step = Step.objects.filter(round__project=project, type="overview").first()
    rounds.write_step(step, {**step.content, "pain": "困りごと秘密 Secret pain"}, by=alice)
    wrong = {"username": "alice", "password": "wrong"}
    client.post("/api/v1/auth/login/", wrong, headers={"User-Agent": "Guess of Alice"}, REMOTE_ADDR="203.0.113.7")
    before = dumped()
    assert "203.0.113.7" in before
    nodes = [f"{node.title} {node.context}" for node in Node.objects.filter(project=project)]
    words = words_of(" ".join([project.title, *nodes, step.text, "Secret"]))
    assert len(words) > 5
    assert words <= words_of(before)
    lengths = list(Node.objects.order_by("pk").values_list("title", flat=True))

    call_command("mask_personal_data", stdout=io.StringIO())

    after = dumped()
    assert [word for word in words & words_of(after) if set(word) - set("xあア字")] == []
    assert alice.email not in after
    assert "203.0.113.7" not in after
    assert "Guess of Alice" not in after
    assert alice.password not in after
    masked = list(Node.objects.order_by("pk").values_list("title", flat=True))
    assert [len(title) for title in masked] == [len(title) for title in lengths]
    assert Project.objects.count() == 1
    user = User.objects.get()
    assert (user.username, user.has_usable_password()) == ("person-1", False)
    assert not Session.objects.exists()


def test_it_is_refused_elsewhere(alice):
    with pytest.raises(CommandError, match="no staging server"):
        management.call_command("mask_personal_data")
    assert User.objects.get().username == "alice"


def test_the_demo_says_a_password_of_its_own(staging, settings):
    settings.DEBUG = False
    out = io.StringIO()

    call_command("seed_demo", stdout=out)

    password = re.search(r"The password of both accounts is (\S+);", out.getvalue())[1]
    assert User.objects.get(username="demo-en").check_password(password)


def test_search_engines_are_kept_out(staging, client):
    assert client.get("/api/v1/health/").headers["X-Robots-Tag"] == "noindex, nofollow"


def test_search_engines_are_let_in_elsewhere(client):
    assert "X-Robots-Tag" not in client.get("/api/v1/health/").headers
