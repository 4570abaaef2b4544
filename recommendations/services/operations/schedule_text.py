"""When the schedule does what, in words."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from common.stored_text import register_sentences

NAMES = (
    "Compute everybody's list anew",
    "Count anew what is trending",
    "Count new plays into the statistics",
    "Count the site's figures",
    "Delete what is over",
    "Look after imports whose worker is gone",
    "Look after music servers",
    "Look after trainings whose worker is gone",
    "Make everybody's playlists",
    "Scan the music folders that are due",
    "Stop arms of the experiment that do harm",
    "Train anew and refresh what is trending",
    "Train when enough was heard",
)
register_sentences(NAMES)


def describe_schedule(task: PeriodicTask) -> str:
    """Return when a task is done; what is no plain time of day or interval, as Celery's scheduler writes it."""
    if task.crontab is not None:
        return _describe_crontab(task.crontab)
    return _describe_interval(task.interval) if task.interval is not None else str(task.scheduler)


def _describe_crontab(crontab: CrontabSchedule) -> str:
    days = (crontab.day_of_week, crontab.day_of_month, crontab.month_of_year)
    if not (crontab.hour.isdecimal() and crontab.minute.isdecimal() and days == ("*", "*", "*")):
        return str(crontab.human_readable)
    time = f"{int(crontab.hour):02d}:{int(crontab.minute):02d}"
    return _("daily at %(time)s (%(zone)s)") % {"time": time, "zone": crontab.timezone}


def _describe_interval(interval: IntervalSchedule) -> str:
    n = interval.every
    seconds = IntervalSchedule.SECONDS
    period, n = (
        (IntervalSchedule.MINUTES, n // 60)
        if interval.period == seconds and n % 60 == 0
        else (interval.period, n)
    )
    words = {
        seconds: ngettext("every second", "every %(n)d seconds", n),
        IntervalSchedule.MINUTES: ngettext("every minute", "every %(n)d minutes", n),
        IntervalSchedule.HOURS: ngettext("every hour", "every %(n)d hours", n),
        IntervalSchedule.DAYS: ngettext("every day", "every %(n)d days", n),
    }
    return words[period] % {"n": n} if period in words else str(interval)
