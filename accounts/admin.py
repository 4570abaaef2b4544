"""Accounts and their tokens in the admin."""

from collections.abc import Sequence

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import ApiToken, AttemptCount, Session, User
from common.admin import LargeTable, RecordAdmin
from common.generics import ModelAdmin


@admin.register(User)
class ListenerAdmin(LargeTable, UserAdmin):  # type: ignore[type-arg]  # Django's class takes no table
    list_display = [
        "username",
        "email",
        "is_active",
        "is_staff",
        "personalised",
        "last_login",
        "date_joined",
    ]
    list_filter = ["is_active", "is_staff", "personalised", "groups"]
    search_fields = ["username", "email"]
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (
            _("Listening"),
            {"fields": ["personalised", "shares_playlists", "theme", "language", "time_zone"]},
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find names by their beginning and e-mail addresses as a whole, each by its index."""
        words = search_term.strip()[:150]
        if not words:
            return queryset, False
        by_email = list(User.objects.with_email(words).values_list("pk", flat=True)[:100])
        by_name = User.objects.with_name_beginning(words).order_by("username")
        matching_ids = [*by_name.values_list("pk", flat=True)[:1000], *by_email]
        return queryset.filter(pk__in=matching_ids), False

    def get_deleted_objects(
        self, objs: Sequence[User] | QuerySet[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the accounts only: everything of theirs goes along, whatever the rights on its tables are."""
        names = [str(user) for user in objs]
        return names, {str(User._meta.verbose_name_plural): len(names)}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.delete_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            services.delete_account(user)


@admin.register(ApiToken)
class TokenAdmin(LargeTable, ModelAdmin[ApiToken]):
    """To look at and to take back; a token is made by its owner, who alone sees its secret."""

    list_display = ["name", "user", "scopes", "created", "expiry", "last_used_on"]
    list_select_related = ["user"]
    search_fields = ["=user__username", "name"]
    fields = ["name", "user", "scopes", "created", "expiry", "last_used_on"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False


@admin.register(AttemptCount)
class AttemptCountAdmin(RecordAdmin[AttemptCount]):
    """Counts of limited attempts, to look at and to delete; the key is a digest of a name or network."""

    list_display = ["key", "n", "until"]
    ordering = ["-until"]


@admin.register(Session)
class SessionAdmin(RecordAdmin[Session]):
    """Who is signed in until when. No link and no box to tick: both would show the key, which lets a reader in."""

    list_display = ["user", "expire_date"]
    list_display_links = None
    list_select_related = ["user"]
    ordering = ["-expire_date"]
    actions = None
