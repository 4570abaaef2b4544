"""Forms of the recommendation pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from recommendations.models import ListenerControl
from recommendations.services.preferences.taste import NORMAL, Cluster

MOODS = [
    (NORMAL, _("As it is")),
    (ListenerControl.Kind.BOOST_SONG, _("More of this")),
    (ListenerControl.Kind.MUTE_SONG, _("Mute for now")),
    (ListenerControl.Kind.NOT_ME, _("Not me")),
]


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

    def parts(self) -> list[tuple[Cluster, forms.BoundField]]:
        """Yield every cluster with the field of its mood."""
        return [(cluster, self[self._name(cluster)]) for cluster in self.clusters]

    @property
    def wanted_discovery(self) -> float:
        return float(self.cleaned_data["discovery"] / 100)

    def find_mood(self, cluster: Cluster) -> str:
        return str(self.cleaned_data[self._name(cluster)])

    def moods_by_song(self) -> dict[int, str]:
        return {
            song_id: self.find_mood(cluster)
            for cluster in self.clusters
            if self.find_mood(cluster)
            for song_id in cluster.song_ids
        }

    def changed_moods(self) -> list[tuple[Cluster, str]]:
        return [
            (cluster, self.find_mood(cluster))
            for cluster in self.clusters
            if self.find_mood(cluster) != cluster.mood
        ]
