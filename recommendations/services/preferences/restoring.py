"""Settings that come back from an export: what the listener set here already stays as it is."""

from collections.abc import Iterable, Sequence

from accounts.models import User
from catalog.listening.preference_writer import ImportedPreference
from recommendations.models import ListenerControl, Taste
from recommendations.services.serving import list_cache

Kind = ListenerControl.Kind
_PICKS = {"pick-song": "songs", "pick-artist": "artists", "pick-genre": "genres"}


def restore_preferences(listener: User, preferences: Sequence[ImportedPreference]) -> int:
    """Add hidden, muted and boosted songs, hidden artists, picks, the slider and rules; return how many are new.

    A song that counts more or less here keeps that, and a slider that was moved or a rule that was set stays. Belongs
    in a transaction.
    """
    if not preferences:
        return 0
    list_cache.invalidate_lists([listener.pk])
    n_new = _add_controls(listener, [one for one in preferences if one.kind in Kind.values])
    for_taste = [one for one in preferences if one.kind not in Kind.values]
    return n_new + (_add_to_taste(listener, for_taste) if for_taste else 0)


def _add_controls(listener: User, wanted: Iterable[ImportedPreference]) -> int:
    stored = ListenerControl.objects.filter(listener=listener)
    rows = stored.values_list("kind", "song_id", "artist_id")
    existing = {(kind, song or artist) for kind, song, artist in rows}
    with_mood = {named for kind, named in existing if kind in ListenerControl.MOODS}
    new: dict[tuple[str, int | None], ListenerControl] = {}
    for one in wanted:
        is_mood = one.kind in ListenerControl.MOODS
        if (one.kind, one.named_id) in existing or (is_mood and one.named_id in with_mood):
            continue
        column = "artist_id" if one.kind == Kind.HIDE_ARTIST else "song_id"
        new[one.kind, one.named_id] = ListenerControl(
            listener=listener, kind=one.kind, **{column: one.named_id}
        )
        if is_mood and one.named_id is not None:
            with_mood.add(one.named_id)
    ListenerControl.objects.bulk_create(new.values(), ignore_conflicts=True, batch_size=300)
    return len(new)


def _add_rules(taste: Taste, rules: Iterable[ImportedPreference]) -> int:
    """Set the rules for lists that are not set here; return how many."""
    unset = {one.name: one.value for one in rules if getattr(taste, one.name, 0) is None}
    for name, value in unset.items():
        setattr(taste, name, value)
    if unset:
        taste.save(update_fields=list(unset))
    return len(unset)


def _add_to_taste(listener: User, wanted: Sequence[ImportedPreference]) -> int:
    taste, _is_new = Taste.objects.get_or_create(listener=listener)
    n_new = 0
    for one in wanted:
        if one.kind == "discovery" and one.value is not None:
            is_unset = taste.discovery == Taste._meta.get_field("discovery").default
            if is_unset and one.value != taste.discovery:
                taste.discovery = one.value
                taste.save(update_fields=["discovery"])
                n_new += 1
    n_new += _add_rules(taste, [one for one in wanted if one.kind == "rule"])
    for kind, name in _PICKS.items():
        picked = getattr(taste, name)
        ids = {one.named_id for one in wanted if one.kind == kind}
        ids -= set(picked.filter(pk__in=ids).values_list("pk", flat=True))
        picked.add(*ids)
        n_new += len(ids)
    return n_new
