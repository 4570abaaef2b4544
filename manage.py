#!/usr/bin/env python
"""Musicrec's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # the settings say in a sentence what is wrong with them
        sys.exit(str(error))


if __name__ == "__main__":
    main()
