"""Who uses the site: one table for people who sign in and for listeners that an import brought."""

import sys
import unicodedata
from importlib import import_module
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from accounts import signals

NAME_LENGTH = 150
NAME_KEY_LENGTH = 600
"""A folded name may have three letters for one, and compatibility forms some more."""


def make_name_key(name: str) -> str:
    """Return a user name as it is compared, on every database: without case, one form for each accent.

    Databases fold other letters than each other: SQLite's LOWER only A to Z.
    """
    folded = unicodedata.normalize("NFKC", name.strip()[:NAME_LENGTH]).casefold()
    return unicodedata.normalize("NFKC", folded)[:NAME_KEY_LENGTH]


class Theme(models.TextChoices):
    SYSTEM = "system", _("Like my device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class UserQuerySet(models.QuerySet["User"]):
    def with_training_consent(self) -> "UserQuerySet":
        """Listeners whose history may be learned from."""
        return self.filter(is_active=True, personalised=True)

    def without_training_consent(self) -> "UserQuerySet":
        """Return everybody else: who opted out, and closed accounts."""
        return self.exclude(is_active=True, personalised=True)

    def with_name(self, name: str) -> "UserQuerySet":
        """Return the account of this name in whatever case and spelling of accents, by an index."""
        return self.filter(name_key=make_name_key(name))

    def with_name_like(self, words: str, *, is_small_site: bool) -> "UserQuerySet":
        """Return the accounts whose name holds `words`; on a large site those whose name begins with them.

        No index finds what is inside a name.
        """
        if is_small_site:
            return self.filter(name_key__contains=make_name_key(words))
        return self.with_name_beginning(words)

    def with_name_beginning(self, words: str) -> "UserQuerySet":
        """Return the accounts whose name begins with `words` in whatever case, by an index."""
        beginning = make_name_key(words)
        if connection.vendor != "sqlite":
            return self.filter(name_key__startswith=beginning)
        return self.filter(name_key__gte=beginning, name_key__lt=beginning + chr(sys.maxunicode))

    def with_email(self, address: str) -> "UserQuerySet":
        """Return the accounts with this e-mail address in whatever case, by an index."""
        lower = Lower(Value(address, output_field=models.CharField()))
        return self.alias(lower_email=Lower("email")).filter(lower_email=lower)


class AccountManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # made by Django
    """`create_user` and friends, with the named filters above."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the account that signs in by this name: the one written so, else the one of another case.

        Names that differed in the case of letters like Ä only, from before they were one name, each find their own.
        """
        name = User.normalize_username(username or "")
        rows = list(self.filter(name_key__in={name, make_name_key(name)}))
        if not rows:
            raise User.DoesNotExist
        return cast(User, next((row for row in rows if row.username == name), rows[0]))


class NameKeyField(models.CharField):  # type: ignore[type-arg]  # a column like any other
    """The key of `username`, computed whenever a row is written; no code sets it."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Return the key; that of an account whose name another had in another case stays what it is."""
        key = make_name_key(model_instance.username)  # type: ignore[attr-defined]  # the user's
        present_key: str = getattr(model_instance, self.attname)
        if add or make_name_key(present_key) != key:
            setattr(model_instance, self.attname, key)
        return cast(str, getattr(model_instance, self.attname))


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox makes its own
    """An account. Its `username` is also the listener's id in files, commands and the API.

    A listener that came with an import has an unusable password until an operator sets one.
    """

    name_key = NameKeyField(max_length=NAME_KEY_LENGTH, unique=True, editable=False)

    personalised = models.BooleanField(
        _("personalised"),
        default=True,
        help_text=_("Off: the same lists as everybody, and this history is left out of training."),
    )
    theme = models.CharField(_("theme"), max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    language = models.CharField(
        _("language"), max_length=10, blank=True, help_text=_("Empty: the browser's.")
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("Empty: the site's, until a browser names its own."),
    )
    shares_playlists = models.BooleanField(
        _("shares playlists"),
        default=False,
        help_text=_("Lets players fetch the playlists made for this listener without a token."),
    )

    objects = AccountManager()  # type: ignore[misc]  # AbstractUser has another one

    class Meta(AbstractUser.Meta):
        indexes = [models.Index(Lower("email"), name="user_email_without_case")]

    _password_removed = False

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self._password_removed = True

    def clean(self) -> None:
        """Refuse a name that somebody has in another case; forms show it at the name."""
        super().clean()
        # a form that refused the name leaves none
        if self.username and User.objects.with_name(self.username).exclude(pk=self.pk).exists():
            field = cast("models.CharField[str, str]", self._meta.get_field("username"))
            raise ValidationError({"username": field.error_messages["unique"]})

    def save(self, **options: Any) -> None:
        """Store the account. With a password set or removed, or closed, its sessions and tokens end.

        Every way to a new password passes here: the pages, the admin, `changepassword`. A password
        hashed anew while it is checked is no new one, and Django leaves `_password` empty then.
        """
        password = self._password  # type: ignore[attr-defined]  # Django's, without a type
        is_new_password = password is not None or self._password_removed
        is_closed = not self.is_active and "is_active" in (
            options.get("update_fields") or ["is_active"]
        )
        is_known = not self._state.adding
        if "username" in (options.get("update_fields") or ()):
            options["update_fields"] = {*options["update_fields"], "name_key"}
        with transaction.atomic():
            super().save(**options)
            if is_known and (is_new_password or is_closed):
                signals.access_ended.send(sender=User, user=self)
        self._password_removed = False


class Scope(models.TextChoices):
    READ = "read", _("Read: recommendations, history, playlists and settings")
    WRITE = "write", _("Change: likes, history, playlists and settings")
    LISTEN = "listen", _("Listen: send plays and likes from a player")
    PLAYLISTS = "playlists", _("Make playlists, and change nothing else")
    LIDARR = "lidarr", _("Only the list of artists to look for, by its address")


class ApiToken(AbstractAuthToken):
    """A key that lets a program act for a user. Only its hash is stored, so it can be shown once."""

    name = models.CharField(
        _("name"), max_length=80, help_text=_("What uses it, such as a player.")
    )
    scopes = models.CharField(_("may"), max_length=40, help_text=_("Scopes, a space between two."))
    last_used_on = models.DateField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()

    @property
    def has_expired(self) -> bool:
        return self.expiry is not None and self.expiry <= timezone.now()

    @property
    def scope_labels(self) -> list[Any]:
        return [Scope(scope).label for scope in self.scopes.split()]


class Session(AbstractBaseSession):
    """One browser's session, and whose it is; `accounts.sessions` stores it.

    The database does not check the user: a request may store its session while the account is being deleted, and
    such a row signs nobody in.
    """

    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="sessions",
    )

    def __str__(self) -> str:
        """Say when it ends; its key would let a reader act for the user."""
        return f"until {self.expire_date:%Y-%m-%d}"

    @classmethod
    def get_session_store_class(cls) -> type:
        """Return the class that reads and writes these rows."""
        return cast(type, import_module(settings.SESSION_ENGINE).SessionStore)


class AttemptCount(models.Model):
    """How often something was tried that is limited, such as a password for a name; see accounts.throttle.

    `key` is a digest. Rows that ran out go when the next attempt of anybody is counted.
    """

    key = models.CharField(max_length=40, primary_key=True)
    n = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("attempt count")
        verbose_name_plural = _("attempt counts")

    def __str__(self) -> str:
        return f"{self.n} until {self.until}"
