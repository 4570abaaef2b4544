"""What accounts leave behind when its time is over."""

from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts.conf import account_conf
from accounts.models import ApiToken, AttemptCount, Session
from common.retention import compute_cutoff, delete_in_steps


def delete_expired() -> dict[str, int]:
    """Delete sessions, tokens, counted attempts and admin log lines that are over; return how many of each."""
    return {
        "sessions": delete_in_steps(Session.objects.filter(expire_date__lt=timezone.now())),
        "access tokens": delete_in_steps(
            ApiToken.objects.filter(expiry__lt=compute_cutoff(account_conf.expired_tokens_days))
        ),
        "attempts": delete_in_steps(AttemptCount.objects.filter(until__lt=timezone.now())),
        "admin log": delete_in_steps(
            LogEntry.objects.filter(action_time__lt=compute_cutoff(account_conf.admin_log_days))
        ),
    }
