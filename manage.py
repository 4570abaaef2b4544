#!/usr/bin/env python
"""Musicrec's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # the settings say in a sentence what is wrong with them
        sys.exit(str(error))
    except OperationalError as error:
        # Django's own commands, such as migrate, know no sentence for a database that is away or full.
        if "--traceback" in sys.argv:
            raise
        from common.commands.sentences import describe_unusable_database

        sys.exit(describe_unusable_database(error))


if __name__ == "__main__":
    main()
