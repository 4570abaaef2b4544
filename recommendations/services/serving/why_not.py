"""Why a song is not on a listener's list: the first step of making the list at which it falls out."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import User
from catalog.models import Interaction, Song
from common.templatetags.numbers import format_count, format_score
from recommendations.engine import SongTrace
from recommendations.models import ListenerControl, ModelVersion
from recommendations.services.lists import list_query, list_request
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.list_query import ListQuery
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.serving import recommend

LISTED = "listed"


@dataclass(frozen=True)
class WhyNot:
    """The step at which a song falls out, in a word and in a sentence.

    `rank` is its place by score from 1, or on the list where it is listed; `score` and `last_score` are the song's and
    that of the last song of the list, where both were compared: 0 to 1, or below 0 for songs that only rules bring in.
    """

    step: str
    sentence: str
    rank: int | None = None
    score: float | None = None
    last_score: float | None = None


def explain_absence(
    listener: User,
    song: Song,
    n: int | None = None,
    context: ListenerContext | None = None,
    version: ModelVersion | None = None,
) -> WhyNot:
    """Say why a song is not among the first n recommended to a listener, or that it is; by `version` if given.

    The answer comes from the query that makes the list (`list_query.trace_song`), so it can't differ from the list;
    what the listener did themselves is read beside it. `context` is what was read of the listener already. Costs about
    three lists.
    """
    n = list_request.limit_length(n)
    context = context or ListenerContext(listener)
    if not song.is_available:
        return WhyNot("unavailable", _("It is not available any more."))
    if not context.unwanted.allows(song):
        return _describe_control(listener, song, context)
    served = recommend.recommend_songs(
        listener, n, version=version, context=context, may_interleave=version is None
    )
    for item in served:
        if item.song.pk == song.pk:
            return _describe_listed(item.position)
    query = recommend.find_query(listener, n, context, version)
    if query is None:
        return WhyNot("no_model", str(Fallback.NO_MODEL.label))
    row = query.recommender.items.row(song.pk)
    if row < 0:
        return _describe_unknown(listener, song)
    if not listener.personalised:
        return WhyNot("not_personalised", str(Fallback.NOT_PERSONALISED.label))
    trace = list_query.trace_song(query, context, row)
    if served.interleaved is not None and trace.step == LISTED:
        return WhyNot("experiment", _say_experiment(), trace.rank)
    return _describe_trace(trace, song, query)


def _say_experiment() -> str:
    """Return the sentence for a song that another version's song took the place of."""
    return _(
        "It fits you well enough, but gave way to songs of another model version: an experiment compares two of them, "
        "and your list takes turns between them."
    )


def _describe_listed(position: int) -> WhyNot:
    sentence = _("It is on your list, at place %(place)d.") % {"place": position}
    return WhyNot(LISTED, sentence, position)


def _describe_control(listener: User, song: Song, context: ListenerContext) -> WhyNot:
    """Say which of a listener's own choices keeps a song away."""
    kinds = set(
        ListenerControl.objects.filter(listener=listener, song=song).values_list("kind", flat=True)
    )
    if ListenerControl.Kind.HIDE_SONG in kinds:
        return WhyNot("hidden_song", _("You hid this song."))
    if song.artist_id in context.unwanted.artist_ids:
        sentence = _("You hid %(artist)s.") % {"artist": song.artist.name}
        return WhyNot("hidden_artist", sentence)
    if Interaction.objects.for_listener(listener).dislikes().filter(song=song).exists():
        return WhyNot("disliked", _("You dislike this song."))
    if kinds:
        return WhyNot("not_learned_from", _("You asked not to use this song for recommendations."))
    return WhyNot("hidden_artist", _("You hid an artist who is on it."))


def _describe_unknown(listener: User, song: Song) -> WhyNot:
    """Say why a song that the model has not seen does not come."""
    if Interaction.objects.for_listener(listener).filter(song=song).exists():
        return _SENTENCES["heard"](SongTrace("heard"), song)
    sentence = _("It is new here; it can come after the next update.")
    return WhyNot("newer_than_model", sentence)


def _describe_trace(trace: SongTrace, song: Song, query: ListQuery) -> WhyNot:
    if trace.step == LISTED:
        return WhyNot("next_list", _("It comes with your next list."), trace.rank)
    if trace.step == "outranked":
        return _describe_outranked(trace, query)
    return _SENTENCES[trace.step](trace, song)


def _describe_outranked(trace: SongTrace, query: ListQuery) -> WhyNot:
    numbers = {"rank": format_count(trace.rank or 0), "n": format_count(query.n)}
    if trace.score is None or trace.last_score is None:
        sentence = _("It is at place %(rank)s of all songs for you, and the list has %(n)s.")
        return WhyNot("outranked", sentence % numbers, trace.rank)
    sentence = _(
        "It is at place %(rank)s of all songs for you, with a score of %(score)s; the last of the %(n)s songs on your "
        "list has %(last)s."
    )
    numbers |= {"score": format_score(trace.score), "last": format_score(trace.last_score)}
    return WhyNot("outranked", sentence % numbers, trace.rank, trace.score, trace.last_score)


def _say(sentence: Callable[[], str]) -> Callable[[SongTrace, Song], WhyNot]:
    """Return what describes a step by a sentence with the song's rank and artist."""

    def describe(trace: SongTrace, song: Song) -> WhyNot:
        words = {"rank": format_count(trace.rank or 0), "artist": song.artist.name}
        return WhyNot(trace.step, sentence() % words, trace.rank, trace.score, trace.last_score)

    return describe


_SENTENCES: dict[str, Callable[[SongTrace, Song], WhyNot]] = {
    "unavailable": _say(lambda: _("It is not available any more.")),
    "unwanted": _say(lambda: _("You hid it or an artist who is on it, or dislike it.")),
    "forbidden": _say(
        lambda: _(
            "It stands for your own songs: you picked it, or it is the nearest to one that is new here."
        )
    ),
    "heard": _say(lambda: _("You have heard it; your list only has songs you haven't heard.")),
    "other_version_heard": _say(lambda: _("You have heard another version of it.")),
    "outside": _say(lambda: _("It is not like the songs, artists and genres that you picked.")),
    "other_version_listed": _say(lambda: _("Another version of it is on your list.")),
    "no_score": _say(lambda: _("Too little is known of it to say how well it fits you.")),
    "not_proposed": _say(
        lambda: _(
            "It is not among the candidates for your list; by its score it would be at place %(rank)s."
        )
    ),
    "artist_cap": _say(
        lambda: _(
            "It is at place %(rank)s of all songs for you, but your list has as many songs of %(artist)s "
            "as it may have."
        )
    ),
    "contract": _say(
        lambda: _(
            "It is at place %(rank)s of all songs for you, but gave way to what you or the operator ask of your lists."
        )
    ),
    "variety": _say(
        lambda: _(
            "It is at place %(rank)s of all songs for you, but gave way so that your list is varied."
        )
    ),
}
