from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0011_trends")]

    operations = [
        migrations.AlterModelOptions(
            name="trends", options={"verbose_name": "trends", "verbose_name_plural": "trends"}
        ),
    ]
