"""The living style page: every token and part, shown in DEBUG only."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.models import Song
from common.http import SiteRequest
from recommendations.engine import Evidence, Explanation, FeatureMatch, PopularityNote
from recommendations.services.preferences import feature_chart
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import Facts
from recommendations.views.cards import Card

COLOURS = [
    "paper", "surface", "surface-sunk", "surface-raised", "ink", "ink-soft", "line", "line-strong", "accent",
    "accent-soft", "like", "danger", "good", "why-history", "why-listeners", "why-artist", "why-sound", "why-genre",
    "why-elsewhere", "why-likeness", "why-popular", "why-other",
]  # fmt: skip


@require_safe
def show_style(request: SiteRequest) -> HttpResponse:
    songs = list(Song.objects.for_cards()[:6])
    examples = [
        Card(song, "like" if index == 0 else "", _make_reasons(songs))
        for index, song in enumerate(songs)
    ]
    context = {
        "colours": COLOURS,
        "cards": examples,
        "reasons": _make_reasons(songs),
        "chart": feature_chart.chart_profile(songs[0]) if songs else None,
    }
    return render(request, "recommendations/style.html", context)


def _make_reasons(songs: list[Song]) -> explanation_text.ExplanationText:
    explanation = Explanation(
        contributions={"als": 0.6, "content": 0.3, "popularity": 0.1},
        shares={"als": 0.6, "content": 0.3, "popularity": 0.1},
        because=tuple(Evidence(song.pk, 0.2, "als") for song in songs[:1]),
        goes_with=tuple(Evidence(song.pk, 0.1, "als") for song in songs[1:2]),
        features=(FeatureMatch("energy", 0.7, 0.68),),
        popularity=PopularityNote("trending", 120),
    )
    facts = Facts(named={song.pk: song for song in songs}, content={"audio"})
    return explanation_text.describe(songs[0] if songs else Song(), explanation, facts)
