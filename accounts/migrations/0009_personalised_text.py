from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_name_keys")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="personalised",
            field=models.BooleanField(
                default=True,
                help_text="Off: the same lists as everybody, and this history is left out of training.",
                verbose_name="personalised",
            ),
        ),
    ]
