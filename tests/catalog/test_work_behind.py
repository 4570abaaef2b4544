"""Rows are written behind the reading of the next ones, on the caller's own connection."""

import threading

import pytest
from django.db import connection, transaction

from accounts.models import User
from common.work_behind import WorkBehind

pytestmark = pytest.mark.django_db(transaction=True)


def add_user(name, threads=None):
    with transaction.atomic():
        User.objects.create_user(name)
    if threads is not None:
        threads.append(threading.current_thread())


class TestWorkBehind:
    def test_what_was_begun_is_in_the_database_when_it_is_finished(self):
        threads = []
        with WorkBehind() as behind:
            assert not behind.finish()
            behind.start(add_user, "alice", threads)
            assert behind.finish()
            assert not behind.finish()
        assert User.objects.filter(username="alice").exists()
        is_behind = threads != [threading.current_thread()]
        assert is_behind == behind.in_thread == (connection.vendor != "sqlite")

    def test_it_is_the_same_connection_and_sees_what_its_transaction_wrote(self):
        with transaction.atomic(), WorkBehind() as behind:
            User.objects.create_user("alice")
            behind.start(lambda: add_user(f"{User.objects.get().username}-2"))
            behind.finish()
            transaction.set_rollback(True)
        assert not User.objects.exists()

    def test_an_error_is_raised_where_the_work_is_finished(self):
        def fail():
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"), WorkBehind() as behind:
            behind.start(fail)
            behind.finish()
        assert User.objects.count() == 0

    def test_leaving_early_waits_for_the_work(self):
        with pytest.raises(KeyError), WorkBehind() as behind:
            behind.start(add_user, "alice")
            raise KeyError
        assert User.objects.filter(username="alice").exists()

    def test_without_a_thread_it_is_done_at_once(self):
        with WorkBehind(in_thread=False) as behind:
            behind.start(add_user, "alice")
            assert User.objects.filter(username="alice").exists()
            assert behind.finish()
