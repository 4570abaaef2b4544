"""Forms of the catalog pages."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from catalog.models import AUDIO_FEATURES, Genre, ServerAccount
from catalog.songs.genres import select_seen_genres
from catalog.songs.search import MAX_LENGTH, SongSearch
from catalog.templatetags.music import FEATURE_NAMES
from common.generics import ModelForm

TEMPO_RANGE = (40, 220)
EARLIEST, LATEST = 1000, 2999


class BrowseForm(forms.Form):
    """Words, genre, years, and for each audio feature a lowest and a highest value in percent (tempo in BPM)."""

    q = forms.CharField(
        label=_("Title or artist"), required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    genre = forms.ModelChoiceField(
        Genre.objects.none(), label=_("Genre"), required=False, empty_label=_("Any genre")
    )
    year_from = forms.IntegerField(
        label=_("From year"), required=False, min_value=EARLIEST, max_value=LATEST
    )
    year_to = forms.IntegerField(
        label=_("To year"), required=False, min_value=EARLIEST, max_value=LATEST
    )

    def __init__(self, data: QueryDict, *, genres: Iterable[Genre], listener: Any) -> None:
        """`genres` are offered; any other one with songs that `listener` may see can be asked for, too."""
        super().__init__(_fill_edges(data))
        genre = cast("forms.ModelChoiceField[Genre]", self.fields["genre"])
        genre.queryset = select_seen_genres(listener)
        names = {offered.pk: offered.name for offered in genres}
        wanted = data.get("genre", "")
        if wanted.isascii() and wanted.isdecimal() and int(wanted[:18]) not in names:
            names |= {seen.pk: seen.name for seen in genre.queryset.filter(pk=int(wanted[:18]))}
        named = sorted(names.items(), key=lambda item: item[1].casefold())
        genre.choices = [("", genre.empty_label), *named]
        self.fields["q"].widget.attrs["maxlength"] = MAX_LENGTH
        for name in AUDIO_FEATURES:
            low, high = get_slider_edges(name)
            for end, label in (("min", _("%s at least")), ("max", _("%s at most"))):
                self.fields[f"{name}_{end}"] = forms.IntegerField(
                    label=label % FEATURE_NAMES[name],
                    required=False,
                    min_value=low,
                    max_value=high,
                    widget=forms.NumberInput(attrs={"type": "range", "step": 5}),
                )

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"][:MAX_LENGTH])

    def list_sliders(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Yield each feature with its two fields."""
        return [(name, self[f"{name}_min"], self[f"{name}_max"]) for name in AUDIO_FEATURES]

    @property
    def search(self) -> SongSearch:
        data = self.cleaned_data
        return SongSearch(
            words=data.get("q", ""),
            genre_id=data["genre"].pk if data.get("genre") else None,
            year_from=data.get("year_from"),
            year_to=data.get("year_to"),
            features=self._read_wanted_features(),
        )

    def _read_wanted_features(self) -> dict[str, tuple[float, float]]:
        """Return the features whose sliders were moved; a range upside down is turned round."""
        wanted = {}
        for name in AUDIO_FEATURES:
            low, high = get_slider_edges(name)
            chosen = [self.cleaned_data.get(f"{name}_{end}") for end in ("min", "max")]
            values = sorted(
                edge if value is None else value
                for value, edge in zip(chosen, (low, high), strict=True)
            )
            if values != [low, high]:
                scale = 1 if name == "tempo" else 100
                wanted[name] = (values[0] / scale, values[1] / scale)
        return wanted


def get_slider_edges(feature: str) -> tuple[int, int]:
    """Return the ends of a feature's slider."""
    return TEMPO_RANGE if feature == "tempo" else (0, 100)


def _fill_edges(data: QueryDict) -> QueryDict:
    """Set sliders that nobody moved to their ends: browsers draw a range without a value in the middle."""
    filled = data.copy()
    for name in AUDIO_FEATURES:
        for end, value in zip(("min", "max"), get_slider_edges(name), strict=True):
            filled.setdefault(f"{name}_{end}", str(value))
    return filled


class PlaylistForm(forms.Form):
    title = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(
        label=_("Description (optional)"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class HistoryFileForm(forms.Form):
    """A history as Spotify, ListenBrainz or Last.fm hand it out."""

    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".zip,.json,.jsonl,.csv,.tsv,.txt,.gz"}),
        help_text=_("The zip or the file as you downloaded it; its kind is recognised."),
    )


class JoinServerForm(forms.Form):
    """Name and password of an account on a music server, to prove once that it is the listener's."""

    name = forms.CharField(
        label=_("Your name there"),
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Your password there"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class ServerChoicesForm(ModelForm[ServerAccount]):
    """What we may write into a joined account."""

    class Meta:
        model = ServerAccount
        fields = ["star_back", "writes_playlists"]
