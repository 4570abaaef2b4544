"""Forms of the recommendation pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from recommendations.models import ListenerControl, Taste
from recommendations.services.preferences.taste_clusters import NORMAL, Cluster

MOODS = [
    (NORMAL, _("As it is")),
    (ListenerControl.Kind.BOOST_SONG, _("More of this")),
    (ListenerControl.Kind.MUTE_SONG, _("Mute for now")),
    (ListenerControl.Kind.NOT_ME, _("Not me")),
]


class RulesForm(forms.Form):
    """What a listener's lists have to keep; an empty field is as the operator sets it, 0 % and "any" are no rule."""

    MIXES = [
        ("", _("As the site sets it")),
        ("0.2", _("Very near to mine")),
        ("0.35", _("Near to mine")),
        ("0.5", _("Roughly like mine")),
        ("1", _("Any")),
    ]

    new_artists = forms.IntegerField(
        label=_("Artists I never heard: at least so many percent of a list"),
        min_value=0,
        max_value=100,
        required=False,
    )
    tail = forms.IntegerField(
        label=_("Less known songs: at least so many percent of a list"),
        min_value=0,
        max_value=100,
        required=False,
        help_text=_("Songs outside the most popular fifth."),
    )
    artist_cap = forms.IntegerField(
        label=_("Songs of one artist: at most"), min_value=1, max_value=200, required=False
    )
    genres = forms.ChoiceField(label=_("Mix of genres"), choices=MIXES, required=False)

    @classmethod
    def read_initial(cls, taste: Taste) -> dict[str, Any]:
        """Return the stored rules as the form shows them; a distance without a word here is shown as the next one."""
        shares = {"new_artists": taste.new_artist_share, "tail": taste.tail_share}
        distances = [value for value, _label in cls.MIXES if value]
        distance = taste.genre_distance
        mix = "" if distance is None else next(v for v in distances if distance <= float(v))
        percents = {name: None if v is None else round(100 * v) for name, v in shares.items()}
        return percents | {"artist_cap": taste.artist_cap, "genres": mix}

    @property
    def rules(self) -> dict[str, Any]:
        """The rules as they are stored."""
        data = self.cleaned_data
        shares = {"new_artist_share": data["new_artists"], "tail_share": data["tail"]}
        return {name: None if v is None else v / 100 for name, v in shares.items()} | {
            "artist_cap": data["artist_cap"],
            "genre_distance": float(data["genres"]) if data["genres"] else None,
        }


class TasteForm(forms.Form):
    """The discovery slider and one mood for each part of the history."""

    discovery = forms.IntegerField(
        label=_("From familiar to adventurous"),
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"type": "range", "step": 5}),
    )

    def __init__(self, clusters: Sequence[Cluster], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clusters = list(clusters)
        for cluster in self.clusters:
            self.fields[self._name(cluster)] = forms.ChoiceField(
                label=cluster.name,
                choices=MOODS,
                required=False,
                initial=cluster.mood,
                widget=forms.RadioSelect,
            )

    @staticmethod
    def _name(cluster: Cluster) -> str:
        return f"mood-{cluster.key}"

    def list_parts(self) -> list[tuple[Cluster, forms.BoundField]]:
        """Yield every cluster with the field of its mood."""
        return [(cluster, self[self._name(cluster)]) for cluster in self.clusters]

    @property
    def wanted_discovery(self) -> float:
        return float(self.cleaned_data["discovery"] / 100)

    def find_mood(self, cluster: Cluster) -> str:
        return str(self.cleaned_data[self._name(cluster)])

    def read_moods_by_song(self) -> dict[int, str]:
        return {
            song_id: self.find_mood(cluster)
            for cluster in self.clusters
            if self.find_mood(cluster)
            for song_id in cluster.song_ids
        }

    def find_changed_moods(self) -> list[tuple[Cluster, str]]:
        return [
            (cluster, self.find_mood(cluster))
            for cluster in self.clusters
            if self.find_mood(cluster) != cluster.mood
        ]
