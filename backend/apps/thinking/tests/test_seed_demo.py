from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.thinking import content, trash
from apps.thinking.models import Node, NodeLink, Project, Round, Step

pytestmark = pytest.mark.django_db


def seed(**options) -> str:
    output = StringIO()
    call_command("seed_demo", stdout=output, **options)
    return output.getvalue()


def counts():
    return [model.objects.count() for model in (User, Project, Round, Step, Node, NodeLink)]


@pytest.fixture(autouse=True)
def debug(settings):
    settings.DEBUG = True


def test_it_works(client):
    output = seed()

    assert "thinkring-demo" in output
    for language in ("ja", "en"):
        account = User.objects.get(username=f"demo-{language}")
        assert account.language == language
        assert account.check_password("thinkring-demo")
        project = Project.objects.get(owner=account)
        steps = Step.objects.filter(round__project=project)
        assert (project.rounds.count(), steps.filter(filled=True).count()) == (2, 10)
        for step in steps:
            assert content.clean(step.type, step.content) == step.content
        assert project.nodes.count() >= 5
        assert account.nodes.filter(project=None).exists()
        assert account.links.filter(origin="manual").count() >= 3
        assert account.links.filter(origin="automatic").exclude(reason="").count() >= 3


def items(round):
    """Every item of a round by its id."""
    lists = [step.content[name] for step in round.steps.all() for name in content.SHAPES[step.type].lists]
    return {item["id"]: item for items in lists for item in items}


def test_the_second_round_grew_out_of_the_first():
    seed()

    for project in Project.objects.all():
        first, second = (items(round) for round in project.rounds.order_by("number"))
        origins = [item["origin"] for item in second.values()]
        assert {origin for origin in origins if origin} <= first.keys()
        assert None in origins
        changed = [item for item in second.values() if item["origin"] and item["text"] != first[item["origin"]]["text"]]
        assert len(changed) >= 3


def test_again_it_changes_nothing_but_the_password():
    seed()
    before = counts()

    output = seed(password="another-good-one")

    assert counts() == before
    assert "another-good-one" not in output
    assert all(account.check_password("another-good-one") for account in User.objects.all())


def test_what_was_thrown_away_stays_away():
    seed()
    trash.move_to_trash(Project.objects.first())
    before = counts()

    seed()

    assert counts() == before
    assert Project.objects.kept().count() == 1


def test_in_production_a_password_is_needed(settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="--password"):
        seed()
    with pytest.raises(CommandError, match="--password"):
        seed(password="short")
    assert counts() == [0] * 6

    seed(password="a-good-long-one")
    assert User.objects.count() == 2


def test_somebody_elses_account_is_left_alone():
    other = User.objects.create_user("Demo-JA", "ja@example.org", "their-own-password")

    with pytest.raises(CommandError, match="demo-ja"):
        seed()

    other.refresh_from_db()
    assert other.check_password("their-own-password")
    assert not Project.objects.exists()
