"""Who was active lately: lists and playlists are made ahead of time for them only."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from recommendations.conf import conf


def select_active_listeners() -> QuerySet[User]:
    """Return who signed in, signed up, or changed history, opinions or taste within `lists_active_days`.

    With 0 days everybody. Others get what they ask for made live, and are active from then on.
    """
    listeners: QuerySet[User] = User.objects.filter(is_active=True)
    if not conf.lists_active_days:
        return listeners
    since = timezone.now() - timedelta(days=conf.lists_active_days)
    rows: QuerySet[User] = listeners.filter(
        Q(listener_state__changed_at__gte=since)
        | Q(last_login__gte=since)
        | Q(date_joined__gte=since)
    )
    return rows
