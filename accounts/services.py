"""What people do with their account."""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import invitations, sessions, throttle
from accounts.models import User
from accounts.signals import account_closing, account_deleted, account_leaving
from accounts.tasks import request_email_notice
from common.transactions import is_transient

OPEN, INVITED, CLOSED = "open", "invited", "closed"
_DELETE_ATTEMPTS = 3


class NameTaken(Exception):
    """Somebody has the name already, in whatever case."""


class NotInvited(Exception):
    """The site takes new accounts by invitation only, and the invitation is missing, used or too old."""


def sign_up(
    username: str, password: str, email: str = "", invitation: str = "", time_zone: str = ""
) -> User:
    """Create the account. Raises NameTaken, and NotInvited where sign-up is not open."""
    if not may_sign_up(invitation):
        raise NotInvited
    if User.objects.with_name(username).exists():
        raise NameTaken
    user = User(
        username=User.normalize_username(username),
        email=User.objects.normalize_email(email),
        password=make_password(password),  # takes its time, which no lock is to be held for
        time_zone=time_zone,
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            if settings.SIGN_UP != OPEN and not invitations.use_invitation(invitation):
                raise NotInvited
    except IntegrityError:  # the same name a moment earlier
        raise NameTaken from None
    return user


def may_sign_up(invitation: str = "") -> bool:
    """Whether somebody may make an account, with this invitation or without one."""
    return settings.SIGN_UP == OPEN or (
        settings.SIGN_UP == INVITED and invitations.is_invitation_valid(invitation)
    )


class PasswordNotConfirmed(Exception):
    """The password that was to confirm a change is not the account's; the message is for its owner."""


def confirm_password(request: HttpRequest, user: User, password: str) -> None:
    """Raise PasswordNotConfirmed unless `password` is the one of `user`.

    Wrong passwords count as failed sign-ins, so that a stolen session or token cannot guess on here.
    """
    if throttle.is_sign_in_blocked(request, user.get_username()):
        minutes = throttle.SIGN_IN_NAME.minutes
        raise PasswordNotConfirmed(
            _("Too many wrong passwords. Try again in %(minutes)d minutes.") % {"minutes": minutes}
        )
    if authenticate(request, username=user.get_username(), password=password) != user:
        raise PasswordNotConfirmed(_("That is not your password."))


def change_email(user: User, email: str) -> None:
    """Store another e-mail address, and mail the old one that it was replaced."""
    before = user.email
    if email == before:
        return
    user.email = email
    user.save(update_fields=["email"])
    if before:
        transaction.on_commit(
            partial(request_email_notice, before, user.get_username(), user.language)
        )


def save_settings(user: User, **changes: Any) -> list[str]:
    """Store the given settings and return the names of those that changed."""
    changed = [name for name, value in changes.items() if getattr(user, name) != value]
    for name in changed:
        setattr(user, name, changes[name])
    if changed:
        user.save(update_fields=changed)
    return changed


def delete_account(user: User) -> list[str]:
    """Delete the account with everything that belongs to it, in every app, and end its sessions.

    One transaction, tried again when a player or a worker wrote for the listener meanwhile. The apps
    above delete what they keep outside of the account's rows when `account_closing` is sent. Returns the addresses
    of receipts.
    """
    sessions.end_sessions(user)
    listener_id = user.pk
    for attempt in range(1, _DELETE_ATTEMPTS + 1):
        try:
            return _delete_rows(listener_id)
        except (IntegrityError, OperationalError) as error:
            is_passing = isinstance(error, IntegrityError) or is_transient(error)
            if attempt == _DELETE_ATTEMPTS or not is_passing:
                raise
    return []


def _delete_rows(listener_id: int) -> list[str]:
    with transaction.atomic():
        user = User.objects.filter(pk=listener_id).first()
        if user is None:
            return []
        answers = account_leaving.send(sender=User, user=user)
        account_closing.send(sender=User, user=user)
        # What is written for this account from now on waits for the commit, and then finds no account.
        User.objects.select_for_update().filter(pk=listener_id).first()
        _delete_log_entries(user)
        user.delete()
        transaction.on_commit(
            partial(account_deleted.send_robust, sender=User, listener_id=listener_id)
        )
    return [answer for _receiver, answer in answers if isinstance(answer, str)]


def _delete_log_entries(user: User) -> None:
    """Delete what the admin's log says about the account; that an operator deleted it stays there."""
    about = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
    )
    about.exclude(action_flag=DELETION).delete()
