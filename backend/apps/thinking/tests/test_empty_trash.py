from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from apps.accounts import registration
from apps.thinking import trash
from apps.thinking.models import Node, Project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def image(node, media):
    node.image.save("whiteboard.png", ContentFile(b"a picture"))
    return media / "whiteboard.png"


def run():
    output = StringIO()
    call_command("empty_trash", stdout=output)
    return output.getvalue()


def move_to_trash(thing, days):
    """That many days ago."""
    with time_machine.travel(timezone.now() - timedelta(days=days, minutes=1)):
        trash.move_to_trash(thing)


def test_it_works(alice, project, node, other_project, other_node):
    """Whosever it is."""
    free = Node.objects.create(owner=alice, title="Anywhere")
    move_to_trash(project, 30)
    move_to_trash(free, 31)
    move_to_trash(other_node, 400)

    assert run() == "Deleted 1 projects and 2 nodes from the trash.\n"
    assert list(Project.objects.all()) == [other_project]
    assert not Node.objects.exists()


def test_what_stays(project, node, other_node):
    move_to_trash(other_node, 29)

    assert run() == "Deleted 0 projects and 0 nodes from the trash.\n"
    assert Node.objects.count() == 2


def test_images_go_along(project, node, image, other_node, media, django_capture_on_commit_callbacks):
    other_node.image.save("piano.png", ContentFile(b"another picture"))
    move_to_trash(project, 30)
    assert image.exists()

    with django_capture_on_commit_callbacks(execute=True):
        run()

    assert [path.name for path in media.iterdir()] == ["piano.png"]


def test_an_image_goes_along_with_its_account(alice, image, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        registration.delete_account(alice)

    assert not image.exists()


def test_an_image_stays_while_its_node_is_in_the_trash(node, image, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        move_to_trash(node, 29)
        run()

    assert image.exists()
