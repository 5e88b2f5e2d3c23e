import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.db.transaction import TransactionManagementError

from apps.accounts.models import User
from apps.core.prepared import Prepared
from apps.thinking import rounds
from apps.thinking.models import Project

pytestmark = pytest.mark.django_db

NAMES = Prepared(lambda id: User.objects.filter(pk=id).values_list("username", "pk", "is_active"))


def test_rows_are_those_of_the_queryset(alice, bob):
    for user in (alice, bob, alice):
        assert [*NAMES(user.pk)] == [(user.username, user.pk, True)]
    assert [*NAMES(uuid.uuid4())] == []
    assert NAMES.first(uuid.uuid4()) is None


def test_objects_come_with_what_is_selected_along(alice, django_assert_num_queries):
    prepared = Prepared(lambda id: Project.objects.filter(pk=id).select_related("owner"))
    for title in ("a", "b"):
        project = rounds.start_project(alice, title)
        with django_assert_num_queries(1):
            assert prepared.first(project.pk).owner == alice


def test_each_id_goes_where_it_belongs(alice, bob):
    """Also one that is used twice."""
    one_not_the_other = Prepared(
        lambda one, other: User.objects.filter(Q(pk=one) | Q(pk=other)).exclude(pk=other).values_list("username")
    )

    assert [*one_not_the_other(alice.pk, bob.pk)] == [("alice",)]
    assert [*one_not_the_other(bob.pk, alice.pk)] == [("bob",)]
    assert [*one_not_the_other(bob.pk, bob.pk)] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_threads_have_their_own_connections(alice):
    NAMES.first(alice.pk)
    found = []

    def ask():
        found.append((NAMES.first(alice.pk)[0], connection.connection.info.backend_pid))
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert found[0][0] == "alice"
    assert found[0][1] != connection.connection.info.backend_pid


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_nothing_is_locked_outside_of_a_transaction(alice):
    lock = Prepared(lambda id: User.objects.filter(pk=id).select_for_update().values_list("pk"))
    with transaction.atomic():
        assert lock.first(alice.pk) == (alice.pk,)
    with pytest.raises(TransactionManagementError):
        lock(alice.pk)
