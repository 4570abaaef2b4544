"""Commands that end with a sentence, not with a traceback, when the set-up is not ready for them."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


class PlainCommand(BaseCommand):
    """A command that prints its answer and nothing else.

    The checks of the set-up are left to `check` and `run_site`: their warnings would bury the answer. A database that
    can't be reached or is behind the program is said in one sentence with its cure; Ctrl-C ends in one, too.
    """

    requires_system_checks = ()
    said_when_stopped = "Stopped."

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            done = super().execute(*args, **options)
            self.stdout.flush()
        except DatabaseError as error:
            sentence = describe_database_problem(error)
            if sentence is None:
                raise
            raise CommandError(sentence) from None
        except KeyboardInterrupt:
            raise CommandError(self.said_when_stopped, returncode=130) from None
        except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)  # as the shell says it of a program that SIGPIPE ended
        return done


class ResumableCommand(PlainCommand):
    """A command whose work is a row of a job: typed again, it goes on where it was stopped."""

    said_when_stopped = "Stopped; the same command goes on from here."


def describe_database_problem(error: DatabaseError) -> str | None:
    """Say what the operator can do about a database error; None when it is not the set-up's."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError:
        return describe_unusable_database(error)
    if missing:
        return f"The database is behind this version ({len(missing)} to go); run `manage.py migrate` first."
    # It can be read but not written: its disk is full, or somebody else holds it.
    return describe_unusable_database(error) if isinstance(error, OperationalError) else None


def describe_unusable_database(error: DatabaseError) -> str:
    """Return a sentence that the database can't be used and which command says more."""
    return f"The database can't be used ({str(error).strip()}); `manage.py doctor` says what to do."
