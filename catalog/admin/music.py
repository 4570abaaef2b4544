"""Songs, artists, albums and genres in the admin: search, edit, merge, withdraw, export."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.requests import get_signed_in_user
from catalog.curation import availability, export, merge, renaming
from catalog.models import AUDIO_FEATURES, Album, Artist, Genre, Song
from catalog.songs.search import shorten_query
from common.admin.forms import LabelledRows
from common.admin.large_tables import MOST_FOUND, LargeTable, NewestValues
from common.generics import ModelAdmin, ModelForm, StrOrPromise

if TYPE_CHECKING:
    from django.contrib.admin.filters import _ListFilterChoices

BY_HAND = "by hand"

Row = TypeVar("Row", bound=Model)


class NamedRows(LargeTable, ModelAdmin[Row]):
    """Rows that are searched by the kept index of names."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find names by the kept index of names, where the table has one."""
        rows = self.model._default_manager.all()
        if not search_term.strip() or not hasattr(rows, "matching"):
            return super().get_search_results(request, queryset, search_term)
        matching_ids = list(
            rows.matching(shorten_query(search_term)).values_list("pk", flat=True)[:MOST_FOUND]
        )
        return queryset.filter(
            self.find_exactly(search_term) | models.Q(pk__in=matching_ids)
        ), False

    def find_exactly(self, words: str) -> models.Q:
        """Return the condition that a row is meant by one of its ids."""
        return models.Q(pk__in=[])


class MergingAdmin(NamedRows[Row]):
    """Rows of which two may mean the same: an action asks which one stays and merges them by `merge_rows`."""

    actions = ["merge"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    @admin.action(description=_("Merge duplicates …"), permissions=["delete"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Row]) -> HttpResponse | None:
        rows = list(queryset[:20])
        keeper = next((row for row in rows if str(row.pk) == request.POST.get("keeper")), None)
        if len(rows) < 2:
            messages.warning(request, _("Choose at least two that are the same."))
            return None
        if keeper is None:
            context = self.admin_site.each_context(request) | {
                "title": _("Merge duplicates"),
                "opts": self.opts,
                "rows": rows,
                "changelist": reverse(f"admin:catalog_{self.opts.model_name}_changelist"),
            }
            return TemplateResponse(request, "admin/catalog/merge.html", context)
        self.log_change(
            request, keeper, "Merged: " + ", ".join(str(row) for row in rows if row != keeper)
        )
        messages.success(request, self.merge_rows(keeper, rows))
        return None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "merge_rows" not in vars(cls):
            raise TypeError(f"{cls.__name__} must say in `merge_rows` how its rows become one.")

    if TYPE_CHECKING:

        def merge_rows(self, keeper: Row, rows: list[Row]) -> str:
            """Make rows one, and return a sentence that says what became of them."""


class UsedFilter(admin.SimpleListFilter):
    """Rows with songs, or those that no song has any more."""

    title = _("songs")
    parameter_name = "used"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, StrOrPromise]]:
        return [("yes", _("with songs")), ("no", _("without songs"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        field = "genres" if queryset.model is Genre else queryset.model._meta.model_name
        has_songs = models.Exists(Song.objects.filter(**{field: models.OuterRef("pk")}))
        return queryset.filter(has_songs if self.value() == "yes" else ~has_songs)


@admin.register(Artist)
class ArtistAdmin(LabelledRows, MergingAdmin[Artist]):
    list_display = ["id", "name", "mbid"]
    list_display_links = ["id"]
    list_editable = ["name"]
    list_filter = [UsedFilter]
    search_fields = ["search_text"]

    def save_model(
        self, request: HttpRequest, obj: Artist, form: ModelForm[Artist], change: bool
    ) -> None:
        renaming.save_artist(obj)

    def merge_rows(self, keeper: Artist, rows: list[Artist]) -> str:
        n_songs = merge.merge_artists(keeper, rows)
        message = ngettext(
            "%(n)d song is now by %(artist)s.", "%(n)d songs are now by %(artist)s.", n_songs
        )
        return message % {"n": n_songs, "artist": keeper}


@admin.register(Album)
class AlbumAdmin(LabelledRows, NamedRows[Album]):
    list_display = ["title", "artist", "year"]
    list_editable = ["year"]
    list_filter = [UsedFilter]
    list_select_related = ["artist"]
    search_fields = ["search_text", "artist__search_text"]
    autocomplete_fields = ["artist"]


@admin.register(Genre)
class GenreAdmin(LabelledRows, MergingAdmin[Genre]):
    list_display = ["id", "name"]
    list_display_links = ["id"]
    list_editable = ["name"]
    list_filter = [UsedFilter]
    search_fields = ["search_text"]

    def merge_rows(self, keeper: Genre, rows: list[Genre]) -> str:
        n_songs = merge.merge_genres(keeper, rows)
        message = ngettext(
            "%(n)d song is now %(genre)s.", "%(n)d songs are now %(genre)s.", n_songs
        )
        return message % {"n": n_songs, "genre": keeper}


class NamedValues(NewestValues):
    """The values to filter by; the empty one has a name, too."""

    def choices(self, changelist: ChangeList) -> "Iterator[_ListFilterChoices]":
        for choice in super().choices(changelist):
            yield choice | {"display": choice["display"] or _("none")}


@admin.register(Song)
class SongAdmin(LabelledRows, MergingAdmin[Song]):
    list_display = ["key", "title", "artist", "year", "is_available"]
    list_display_links = ["key"]
    list_editable = ["title", "year"]
    list_filter = ["is_available", "genres", ("features_source", NamedValues)]
    list_select_related = ["artist"]
    search_fields = ["search_text", "=key", "=isrc"]
    autocomplete_fields = ["artist", "album", "genres"]
    readonly_fields = ["other_sources", "search_text", "match_key", "added_at"]
    actions = ["withdraw", "offer", "merge", "export_chosen"]
    change_list_template = "admin/catalog/song/change_list.html"

    def find_exactly(self, words: str) -> models.Q:
        return models.Q(key=words.strip()) | models.Q(isrc=words.strip().upper() or None)

    def get_urls(self) -> list[URLPattern]:
        export_all = path(
            "export/", self.admin_site.admin_view(self.export_all), name="catalog_song_export"
        )
        return [export_all, *super().get_urls()]

    def save_model(
        self, request: HttpRequest, obj: Song, form: ModelForm[Song], change: bool
    ) -> None:
        typed = {
            name: form.cleaned_data[name] for name in AUDIO_FEATURES if name in form.changed_data
        }
        if change and "features_source" not in form.changed_data:
            obj.learn_features(typed, BY_HAND)
        renaming.save_song(obj)
        if "is_available" in form.changed_data:
            availability.announce_availability([obj.pk])

    def merge_rows(self, keeper: Song, rows: list[Song]) -> str:
        merged = merge.merge_songs(keeper, rows)
        text = _("One song now. %(moved)d likes and plays moved, %(known)d were there already.")
        return text % {"moved": merged.n_moved, "known": merged.n_known}

    @admin.action(description=_("Withdraw: gone from every list at once"), permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Song]) -> None:
        songs = list(queryset.filter(is_available=True).select_related("artist"))
        n = availability.withdraw_songs(queryset)
        _log_changes(request, songs, "Withdrawn.")
        messages.success(
            request, ngettext("%(n)d song withdrawn.", "%(n)d songs withdrawn.", n) % {"n": n}
        )

    @admin.action(description=_("Offer again"), permissions=["change"])
    def offer(self, request: HttpRequest, queryset: QuerySet[Song]) -> None:
        songs = list(queryset.filter(is_available=False).select_related("artist"))
        n = availability.offer_songs(queryset)
        _log_changes(request, songs, "Offered again.")
        messages.success(
            request, ngettext("%(n)d song offered.", "%(n)d songs offered.", n) % {"n": n}
        )

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export_chosen(
        self, request: HttpRequest, queryset: QuerySet[Song]
    ) -> StreamingHttpResponse:
        return _answer_csv(queryset)

    def export_all(self, request: HttpRequest) -> StreamingHttpResponse:
        """Download the whole catalog."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _answer_csv(Song.objects.all())


def _log_changes(request: HttpRequest, songs: list[Song], message: str) -> None:
    """Write what was done with each song where "Who did what" reads it."""
    LogEntry.objects.log_actions(
        get_signed_in_user(request).pk, songs, CHANGE, change_message=message
    )


def _answer_csv(songs: QuerySet[Song]) -> StreamingHttpResponse:
    headers = {
        "Content-Disposition": 'attachment; filename="songs.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingHttpResponse(
        export.write_songs_csv(songs), content_type="text/csv; charset=utf-8", headers=headers
    )
