"""Recompute what names are searched and matched by: languages of versions, dates of concerts, more labels and pairs.

The work and its rules are those of 0009, which has albums and genres, and of 0025, which has credits.
"""

from importlib import import_module

from django.db import migrations

recompute_albums = import_module("catalog.migrations.0009_recompute_names").recompute_albums_and_genres
recompute_songs = import_module("catalog.migrations.0025_recompute_names_again").recompute


def recompute(apps, schema_editor):
    recompute_albums(apps, schema_editor)
    recompute_songs(apps, schema_editor)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0037_former_names")]

    operations = [migrations.RunPython(recompute, migrations.RunPython.noop)]
