"""Lists are stored in a shorter form: the old ones are dropped, and made anew when they are asked for or trained."""

from django.db import migrations


def drop_lists(apps, schema_editor):
    apps.get_model("recommendations", "RecommendationList").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0012_trends_by_name")]
    operations = [migrations.RunPython(drop_lists, migrations.RunPython.noop)]
