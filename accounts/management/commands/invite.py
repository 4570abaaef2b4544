"""A link for one person to sign up with."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import invitations, services


class Command(BaseCommand):
    help = "Print a link that lets one person sign up where SIGN_UP is `invited`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=invitations.DEFAULT_DAYS, help="How long it is valid."
        )

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        try:
            self.stdout.write(invitations.make_invitation_link(days))
        except ValueError as error:
            raise CommandError(str(error)) from None
        if invitations.is_link_local():
            self.stderr.write(
                f"The link opens on this machine only: replace {settings.SITE_URL} in it by the address "
                "at which others reach the site, or set SITE_URL."
            )
        if settings.SIGN_UP == services.CLOSED:
            self.stderr.write("SIGN_UP is closed: nobody may sign up, with a link either.")
