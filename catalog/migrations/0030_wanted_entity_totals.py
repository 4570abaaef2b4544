from django.db import migrations
from django.db.models import Count

LISTENERS_AT_ONCE = 1_000
KEPT_FROM = 5_000
OUTDATED = 1


def want_entity_totals(apps, schema_editor):
    """Have the totals of listeners of many songs counted by the next task, some listeners a transaction."""
    alias = schema_editor.connection.alias
    sums = apps.get_model("catalog", "ListeningSums").objects.using(alias)
    totals = apps.get_model("catalog", "SongTotal").objects.using(alias)
    last = 0
    while ids := list(
        sums.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:LISTENERS_AT_ONCE]
    ):
        counts = totals.filter(listener__gte=ids[0], listener__lte=ids[-1]).order_by()
        many = counts.values("listener").annotate(n=Count("pk")).filter(n__gte=KEPT_FROM)
        wanted = [row["listener"] for row in many]
        sums.filter(pk__in=wanted, entities=0).update(entities=OUTDATED)
        last = ids[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0029_entity_totals")]

    operations = [migrations.RunPython(want_entity_totals, migrations.RunPython.noop)]
