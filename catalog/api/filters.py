"""What lists of songs and artists can be narrowed down by."""

from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet

from catalog.models import AUDIO_FEATURES, Artist, ArtistAlias, Song
from catalog.names.text import normalise
from catalog.songs.models import ArtistQuerySet, SongQuerySet
from catalog.songs.search import shorten_query

_ORDERS = ("title", "year", "added_at", *AUDIO_FEATURES)


class _SearchField(django_filters.CharFilter):
    """Words that all must occur, whatever their case and accents."""

    def __init__(self) -> None:
        super().__init__(
            method="filter_words",
            help_text="Words that must all occur; case and accents don't matter.",
        )


class SongFilter(django_filters.FilterSet):
    search = _SearchField()
    artist = django_filters.NumberFilter(
        method="filter_artist", help_text="Id of an artist whom the song's credit names."
    )
    genre = django_filters.CharFilter(method="filter_genre", help_text="Name of the genre.")
    year_min = django_filters.NumberFilter(field_name="year", lookup_expr="gte")
    year_max = django_filters.NumberFilter(field_name="year", lookup_expr="lte")
    ordering = django_filters.OrderingFilter(fields=[(name, name) for name in _ORDERS])

    class Meta:
        model = Song
        fields: list[str] = []

    def filter_words(self, queryset: SongQuerySet, name: str, value: str) -> SongQuerySet:
        return queryset.matching(shorten_query(value))

    def filter_artist(self, queryset: SongQuerySet, name: str, value: Decimal) -> SongQuerySet:
        if not 0 < value < 2**63 or value != int(value):
            return queryset.none()
        merged_into = ArtistAlias.objects.filter(number=int(value)).values_list("artist", flat=True)
        return queryset.by_artists([int(value), *merged_into])

    def filter_genre(self, queryset: SongQuerySet, name: str, value: str) -> SongQuerySet:
        return queryset.filter(genres__search_text=normalise(value))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Break ties of the order by id, so that pages never overlap."""
        filtered = super().filter_queryset(queryset)
        ordered: QuerySet[Any] = filtered.order_by(*(filtered.query.order_by or ("title",)), "pk")
        return ordered


for _feature in AUDIO_FEATURES:
    for _end, _lookup in (("min", "gte"), ("max", "lte")):
        SongFilter.base_filters[f"{_feature}_{_end}"] = django_filters.NumberFilter(
            field_name=_feature, lookup_expr=_lookup
        )


class ArtistFilter(django_filters.FilterSet):
    search = _SearchField()

    class Meta:
        model = Artist
        fields: list[str] = []

    def filter_words(self, queryset: ArtistQuerySet, name: str, value: str) -> ArtistQuerySet:
        return queryset.matching(shorten_query(value))
