"""Recompute what names are searched and matched by: й and ї are letters, vowel marks of Arabic are none, notes between dashes, more languages.

The work and its rules are those of 0025.
"""

from importlib import import_module

from django.db import migrations

recompute = import_module("catalog.migrations.0025_recompute_names_again").recompute


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0026_listening_sums_name")]

    operations = [migrations.RunPython(recompute, migrations.RunPython.noop)]
