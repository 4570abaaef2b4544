from django.db import migrations


class Migration(migrations.Migration):
    """Wish becomes ListenerControl; its table keeps its name, so nothing is copied."""

    dependencies = [
        ("recommendations", "0017_picked_songs"),
    ]

    operations = [
        migrations.AlterModelTable(name="wish", table="recommendations_wish"),
        migrations.RenameModel(old_name="Wish", new_name="ListenerControl"),
    ]
