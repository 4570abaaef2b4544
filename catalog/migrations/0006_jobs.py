
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0005_other_sources_of_features'),
    ]

    operations = [
        migrations.AddField(
            model_name='importrun',
            name='attempt',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='attempt'),
        ),
        migrations.AddField(
            model_name='importrun',
            name='cancel_requested',
            field=models.BooleanField(default=False, verbose_name='cancel requested'),
        ),
        migrations.AddField(
            model_name='importrun',
            name='n_bytes',
            field=models.PositiveBigIntegerField(default=0, help_text='Size of an uploaded file.', verbose_name='bytes'),
        ),
        migrations.AddField(
            model_name='importrun',
            name='n_rejected_in_row',
            field=models.PositiveBigIntegerField(default=0, help_text='Rows rejected since the last one that could be read.'),
        ),
        migrations.AddField(
            model_name='importrun',
            name='turn_at',
            field=models.DateTimeField(blank=True, help_text='When a worker last took it up; who waited longest is next.', null=True),
        ),
        migrations.AlterField(
            model_name='importrun',
            name='format',
            field=models.CharField(blank=True, max_length=32, verbose_name='format'),
        ),
        migrations.AlterField(
            model_name='importrun',
            name='progress',
            field=models.FloatField(default=0.0, help_text='0 to 1.', verbose_name='progress'),
        ),
    ]
