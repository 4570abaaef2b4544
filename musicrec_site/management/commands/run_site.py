"""Serve the whole site from one terminal: migrate, fill an empty database with the demo, start everything."""

import os
import secrets
import subprocess
import sys
from itertools import chain, count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from accounts.models import User
from common.commands.sentences import describe_unusable_database
from musicrec_site.ops import demo, supervisor
from musicrec_site.ops.instance_lock import claim_folder
from musicrec_site.ops.supervisor import CannotServe, require_free_port


class Command(BaseCommand):
    help = "Migrate, create the demo in an empty database, then serve site, workers and schedule until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="Address to listen on (default: this machine only)."
        )
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="Leave an empty database empty.")

    def handle(self, *args: Any, host: str, port: int, no_demo: bool, **options: Any) -> None:
        try:
            claim_folder(settings.DATA_DIR, _build_address(host, port))
            require_free_port(host, port)
            call_command("migrate", verbosity=0, skip_checks=True)
            if not no_demo and demo.needs_demo():
                # Apart, so that what the training took is given back before the site is served.
                subprocess.run(
                    [sys.executable, settings.BASE_DIR / "manage.py", "demo", "--brief"], check=True
                )
            self._say_logins(
                os.environ.get("SITE_URL", "").rstrip("/") or _build_address(host, port)
            )
        except CannotServe as error:
            raise CommandError(str(error)) from None
        except subprocess.CalledProcessError:
            raise CommandError("The demo could not be made; see above.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped before the site was served.", returncode=130) from None
        except OperationalError as error:
            raise CommandError(describe_unusable_database(error)) from None
        os.environ.setdefault("SITE_URL", _build_address(host, port))
        # In this process's place, so that what the set-up has loaded does not stay in memory.
        os.execv(sys.executable, [sys.executable, supervisor.__file__, host, str(port)])  # noqa: S606

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()

    def _say_logins(self, address: str) -> None:
        if demo.has_login():
            self._say(f"Sign in as a listener:  {demo.LISTENER} / {demo.PASSWORD}")
        if not User.objects.filter(is_superuser=True).exists():
            password = secrets.token_urlsafe(12)
            admin = User.objects.create_superuser(_find_free_name(), password=password).username
            if self.stdout.isatty():
                self._say(
                    f"Sign in as the admin:   {admin} / {password}   (shown this once; {address}/admin/)"
                )
                return
            # What is no terminal is kept somewhere: a container's log, a service's journal.
            file = _keep_password(password)
            self._say(
                f"Sign in as the admin:   {admin}, with the password in {file} ({address}/admin/)"
            )


def _keep_password(password: str) -> Path:
    """Write the admin's first password where only the site's user reads it; return the file."""
    path = settings.DATA_DIR / "admin-password"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{password}\n")
    return path


def _find_free_name() -> str:
    """Return `admin`, or with a number where a listener, such as one that a file brought, goes by that name."""
    names = chain(["admin"], (f"admin{number}" for number in count(2)))
    return next(name for name in names if not User.objects.with_name(name).exists())


def _build_address(host: str, port: int) -> str:
    """Return how the site is reached from this machine: what links in feeds and mails begin with by default."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"
