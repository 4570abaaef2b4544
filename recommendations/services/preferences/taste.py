"""What a listener sets of their taste, what that would change, and how much there is to learn from."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from accounts.models import User
from catalog.models import Artist, Genre, Interaction, Song
from recommendations.models import ListenerControl, Taste
from recommendations.services.lists import list_request
from recommendations.services.lists.list_query import ListQuery, serve_list
from recommendations.services.lists.listener_context import ListenerContext, Moods, Picks
from recommendations.services.lists.served_list import Served
from recommendations.services.preferences.taste_clusters import NORMAL
from recommendations.services.serving import history_loader, list_cache, recommend

N_PREVIEW = 12


def load_taste(listener: User) -> Taste:
    """Return the listener's taste; unsaved when they never set one."""
    return Taste.objects.filter(listener=listener).first() or Taste(listener=listener)


def set_mood(listener: User, song_ids: Iterable[int], mood: str) -> None:
    """Mute or boost these songs of the history, say they weren't mine, or (with "") take either back."""
    if mood not in (NORMAL, *ListenerControl.MOODS):
        raise ValueError(f"{mood!r} is not a mood; they are {', '.join(ListenerControl.MOODS)}.")
    ids = list(song_ids)
    with transaction.atomic():
        list_cache.invalidate_lists([listener.pk])
        ListenerControl.objects.filter(
            listener=listener, song_id__in=ids, kind__in=ListenerControl.MOODS
        ).delete()
        if mood:
            ListenerControl.objects.bulk_create(
                [ListenerControl(listener=listener, song_id=pk, kind=mood) for pk in ids]
            )


def set_discovery(listener: User, discovery: float) -> float:
    """Store how adventurous lists shall be, 0 to 1; return what it was before."""
    if not 0 <= discovery <= 1:
        raise ValueError(f"Discovery is from 0 (familiar) to 1 (adventurous), not {discovery}.")
    with transaction.atomic():
        list_cache.invalidate_lists([listener.pk])
        taste, _is_new = Taste.objects.get_or_create(listener=listener)
        before, taste.discovery = taste.discovery, discovery
        taste.save(update_fields=["discovery"])
    return before


def set_rules(listener: User, values: Mapping[str, float | int | None]) -> None:
    """Store what the listener's lists have to keep; terms that are left out stay, None is as the operator sets it.

    Raises ValidationError of Django for a value out of range.
    """
    with transaction.atomic():
        list_cache.invalidate_lists([listener.pk])
        taste, _is_new = Taste.objects.get_or_create(listener=listener)
        for name, value in values.items():
            setattr(taste, name, value)
        taste.clean_fields(exclude=["listener"])
        taste.save(update_fields=list(values))


def set_picks(
    listener: User,
    *,
    songs: Iterable[Song] = (),
    artists: Iterable[Artist] = (),
    genres: Iterable[Genre] = (),
) -> Taste:
    """Store what somebody says they like, in place of what they said before. They are picks and no likes."""
    with transaction.atomic():
        taste = _mark_onboarded(listener)
        taste.songs.set(songs)
        taste.artists.set(artists)
        taste.genres.set(genres)
        list_cache.invalidate_lists([listener.pk])
    return taste


def like_artist(listener: User, artist: Artist) -> None:
    """Add an artist to what the listener says they like."""
    with transaction.atomic():
        Taste.objects.get_or_create(listener=listener)[0].artists.add(artist)
        list_cache.invalidate_lists([listener.pk])


def unlike_artist(listener: User, artist: Artist) -> None:
    """Take an artist out of what the listener says they like."""
    with transaction.atomic():
        Taste.objects.get_or_create(listener=listener)[0].artists.remove(artist)
        list_cache.invalidate_lists([listener.pk])


def likes_artist(listener: User, artist: Artist) -> bool:
    """Return whether the listener says they like an artist; one query."""
    return Taste.artists.through.objects.filter(taste_id=listener.pk, artist=artist).exists()


def skip_onboarding(listener: User) -> None:
    """Don't ask for picks again; those there are stay."""
    _mark_onboarded(listener)


def _mark_onboarded(listener: User) -> Taste:
    taste, _is_new = Taste.objects.get_or_create(listener=listener)
    taste.onboarded_at = timezone.now()
    taste.save(update_fields=["onboarded_at"])
    return taste


def preview(
    listener: User, discovery: float, moods: Mapping[int, str], picks: Picks | None = None
) -> Served:
    """Return the list as it would be; nothing is changed.

    `moods` by song id and `picks` replace all stored ones; without `picks` the stored ones count.
    """
    context = ListenerContext(listener)
    if picks is not None:
        context.picks = picks
        context.picked_song_ids = [song.pk for song in picks.songs]
    if context.serving is None:
        return recommend.recommend_songs(listener, discovery=discovery, context=context)
    version, recommender = context.serving
    n = list_request.limit_length(
        None
    )  # as on the home page: a shorter list is chosen for variety in another way
    history = history_loader.load_history(
        listener, recommender, _convert_moods(listener, moods), context
    )
    varied = list_request.convert_discovery(discovery, recommender)
    query = ListQuery(
        version,
        recommender,
        n,
        lambda mask: recommender.recommend(history, n, exclude=mask, discovery=varied),
        exclude=list(moods),
    )
    return serve_list(query, context)


def _convert_moods(listener: User, moods: Mapping[int, str]) -> Moods:
    ignored = ListenerControl.objects.filter(
        listener=listener, kind=ListenerControl.Kind.IGNORE_SONG
    )
    left_out = {
        song_id for song_id, mood in moods.items() if mood in ListenerControl.NOT_LEARNED_FROM
    }
    left_out |= set(ignored.values_list("song_id", flat=True))
    return frozenset(left_out), frozenset(
        s for s, mood in moods.items() if mood == ListenerControl.Kind.BOOST_SONG
    )


def count_knowledge(listener: User) -> dict[str, Any]:
    """Count what the recommender has to go by; one query."""
    kinds = Interaction.Kind
    return Interaction.objects.for_listener(listener).aggregate(
        plays=Sum("plays", filter=Q(kind=kinds.PLAY), default=0),
        likes=Count("pk", filter=Q(kind=kinds.LIKE)),
        dislikes=Count("pk", filter=Q(kind=kinds.DISLIKE)),
        skips=Count("pk", filter=Q(kind=kinds.SKIP)),
        songs=Count("song_id", distinct=True),
        latest=Max("occurred_at"),
    )
