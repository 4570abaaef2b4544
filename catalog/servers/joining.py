"""A listener's account on a server joined to theirs here: proved by its password once, left at any time."""

import logging
from functools import partial

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.throttle import Limit
from catalog.servers import playlist_out
from catalog.servers.clients import ServerClient, ServerError, open_client, sign_in
from catalog.servers.credentials import encrypt_secret
from catalog.servers.models import MusicServer, ServerAccount
from common.transactions import delete_row

log = logging.getLogger(__name__)

JOIN_TRIES = Limit("join-server", attempts=8, seconds=15 * 60)
"""Passwords that one listener tries on a server: nobody may guess other people's passwords there through us.

Right ones count as well: with an account of their own there, somebody could else begin the count anew at will.
"""
JOIN_TRIES_OF_NAME = Limit("join-server-name", attempts=30, seconds=15 * 60)
"""Passwords that all listeners together try for one account there."""


class JoinRefused(Exception):
    """The account can't be joined; the message is a sentence for the page."""


def join_account(
    user: User, server: MusicServer, account_name: str, password: str
) -> ServerAccount:
    """Join an account of a server to a listener here, after the server accepted its password.

    Joined again, the password is renewed. Raises JoinRefused.
    """
    counts = [
        (JOIN_TRIES, (str(user.pk), str(server.pk))),
        (JOIN_TRIES_OF_NAME, (str(server.pk), account_name.casefold())),
    ]
    if any(limit.is_reached(*who) for limit, who in counts):
        raise JoinRefused(
            _("Too many wrong passwords. Try again in %(minutes)d minutes.")
            % {"minutes": JOIN_TRIES.minutes}
        )
    if not account_name or not password:
        raise JoinRefused(_("Enter the name and the password of your account there."))
    for limit, who in counts:
        limit.count(*who)
    try:
        secret = sign_in(server, account_name, password)
    except ServerError as error:
        raise JoinRefused(str(error)) from None
    return _store_account(user, server, account_name, secret)


def _store_account(
    user: User, server: MusicServer, account_name: str, secret: str
) -> ServerAccount:
    same_account = ServerAccount.objects.filter(server=server, account_name__iexact=account_name)
    refusal = JoinRefused(_("Another listener here has joined this account already."))
    if same_account.exclude(user=user).exists():
        raise refusal
    try:
        with transaction.atomic():
            present = ServerAccount.objects.filter(server=server, user=user).first()
            if present is not None and present.account_name.lower() != account_name.lower():
                # another account there: nothing of the old one is to be compared with the new one
                delete_row(present)
            return ServerAccount.objects.update_or_create(
                server=server,
                user=user,
                defaults={
                    "account_name": account_name,
                    "secret": encrypt_secret(secret),
                    "last_error": "",
                },
            )[0]
    except IntegrityError:
        raise refusal from None


def leave_account(account: ServerAccount, *, deletes_playlists: bool = False) -> str:
    """Delete a joined account and its secret at once; return a sentence about what the server did not do, or "".

    Likes and plays that came from there stay. The server is asked after our row is gone: it may be slow.
    """
    client = None
    problem = ""
    try:
        client = open_client(account.server, account)
        if deletes_playlists:
            playlist_out.delete_playlists(account, client)
    except ServerError as error:
        problem = str(error)
    delete_row(account)
    if client is not None:
        end_session(client)
    return problem


def leave_servers(user: User) -> None:
    """End what a closing account's secrets open on servers, once its rows are gone: no key is left behind.

    Belongs in the transaction that deletes the account. Playlists that were written there stay.
    """
    for account in ServerAccount.objects.filter(user=user).select_related("server"):
        try:
            client = open_client(account.server, account)
        except ServerError:  # the secret can't be read any more, by us neither
            continue
        transaction.on_commit(partial(end_session, client), robust=True)


def end_session(client: ServerClient) -> bool:
    """End a client's session on its server; return whether the server did it."""
    try:
        client.sign_out()
    except ServerError as error:
        log.info("A server did not end a session: %s", error)
        return False
    return True
