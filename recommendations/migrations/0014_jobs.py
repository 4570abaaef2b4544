
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommendations', '0013_shorter_lists'),
    ]

    operations = [
        migrations.AlterField(
            model_name='trainingrun',
            name='owner',
            field=models.CharField(blank=True, help_text='The process that holds the lease.', max_length=100),
        ),
    ]
