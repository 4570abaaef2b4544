"""A listener's own account, taste and data, as JSON."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services as accounts
from accounts.models import User
from accounts.requests import SignedInApiRequest
from catalog.api.lookups import validate_body
from catalog.models import Song
from recommendations.api.serializers.beyond_library import BeyondSerializer
from recommendations.api.serializers.me import (
    MOODS,
    MeChange,
    MeSerializer,
    MyPassword,
    TasteChange,
    TasteSerializer,
)
from recommendations.services.preferences import data_export, personalisation, taste, taste_clusters
from recommendations.services.surfaces import beyond_library


@extend_schema(tags=["Me"])
class Me(APIView):
    @extend_schema(responses=MeSerializer)
    def get(self, request: SignedInApiRequest) -> Response:
        """My account and its settings."""
        return Response(MeSerializer(request.user).data)

    @extend_schema(request=MeChange(partial=True), responses=MeSerializer)
    def patch(self, request: SignedInApiRequest) -> Response:
        """Change settings. `personalised: false` means the same lists as everybody, and my history is not learned from.

        Another `email` needs my `password`, whatever the token may do.
        """
        bound = MeChange(request.user, data=request.data, partial=True)
        bound.is_valid(raise_exception=True)
        wanted = dict(bound.validated_data)
        password = wanted.pop("password", "")
        personalised = wanted.pop("personalised", request.user.personalised)
        email = wanted.pop("email", request.user.email)
        is_new_email = email != request.user.email
        if is_new_email:
            # outside the transaction: a wrong password is counted whatever becomes of the rest
            _confirm_password(request, password)
        with transaction.atomic():
            if is_new_email:
                accounts.change_email(request.user, email)
            accounts.save_settings(request.user, **wanted)
            if personalised != request.user.personalised:
                personalisation.set_personalised(request.user, personalised)
        return Response(MeSerializer(request.user).data)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "confirm",
                str,
                required=True,
                description="My user name.",
                examples=[OpenApiExample("Example", "alice")],
            )
        ],
        request=MyPassword,
        responses={204: None},
    )
    def delete(self, request: SignedInApiRequest) -> Response:
        """Delete my account with everything that belongs to it, at once and for good. Needs my password.

        `Location` is the page that says when no model contains it any more.
        """
        if request.query_params.get("confirm") != request.user.username:
            raise ValidationError(
                {"confirm": ["Say ?confirm=<your user name> to delete your account."]}
            )
        _confirm_password(request, validate_body(MyPassword, request)["password"])
        receipts = accounts.delete_account(request.user)
        headers = {"Location": request.build_absolute_uri(receipts[0])} if receipts else None
        return Response(status=status.HTTP_204_NO_CONTENT, headers=headers)


def _confirm_password(request: SignedInApiRequest, password: str) -> None:
    """Raise the 400 that says what is wrong unless `password` is the account's own."""
    try:
        accounts.confirm_password(request, request.user, password)
    except accounts.PasswordNotConfirmed as error:
        raise ValidationError({"password": [str(error)]}) from None


class MyData(APIView):
    """Everything that is stored about me, as one JSON file."""

    throttle_scope = "write"

    @extend_schema(
        tags=["Me"],
        responses=OpenApiResponse(
            OpenApiTypes.OBJECT,
            examples=[OpenApiExample("Example", {"format": "musicrec-my-data-1", "history": []})],
        ),
    )
    def get(self, request: SignedInApiRequest) -> HttpResponse:
        body = JSONRenderer().render(data_export.export_data(request.user))
        headers = {"Content-Disposition": 'attachment; filename="musicrec-my-data.json"'}
        return HttpResponse(body, content_type="application/json", headers=headers)


@extend_schema(tags=["Me"], responses=TasteSerializer)
class MyTaste(APIView):
    def get(self, request: SignedInApiRequest) -> Response:
        """What the recommender goes by: my settings, and the parts of my history with my mood about each."""
        return Response(_describe_taste(request.user))

    @extend_schema(request=TasteChange)
    def patch(self, request: SignedInApiRequest) -> Response:
        """Be more adventurous or less; set rules for lists; mute a part of the history, count it more, or disown it."""
        wanted = validate_body(TasteChange, request)
        chosen = [
            (_find_part(request.user, one["part"]), MOODS[one["mood"]])
            for one in wanted.get("moods", [])
        ]
        with transaction.atomic():
            for cluster, mood in chosen:
                taste.set_mood(request.user, cluster.song_ids, mood)
            if wanted.get("rules"):
                taste.set_rules(request.user, wanted["rules"])
            if "discovery" in wanted:
                taste.set_discovery(request.user, wanted["discovery"])
        return Response(_describe_taste(request.user))


def _find_part(listener: User, key: str) -> taste_clusters.Cluster:
    song_id = Song.objects.filter(key=key).values_list("pk", flat=True).first()
    cluster = next(
        (one for one in taste_clusters.find_clusters(listener) if one.key == song_id), None
    )
    if cluster is None:
        raise ValidationError({"moods": [f"There is no part {key!r} of your history."]})
    return cluster


def _describe_taste(listener: User) -> dict[str, Any]:
    settings, clusters = taste.load_taste(listener), taste_clusters.find_clusters(listener)
    keys = dict(
        Song.objects.filter(pk__in=[cluster.key for cluster in clusters]).values_list("pk", "key")
    )
    is_stored = not settings._state.adding
    return TasteSerializer(
        {
            "discovery": settings.discovery,
            "artists": settings.artists.all() if is_stored else [],
            "genres": [genre.name for genre in settings.genres.all()] if is_stored else [],
            "parts": [_describe_part(cluster, keys[cluster.key]) for cluster in clusters],
            "rules": {name: getattr(settings, name) for name in settings.TERMS},
        }
    ).data


def _describe_part(cluster: taste_clusters.Cluster, key: str) -> dict[str, Any]:
    names = {kind: name for name, kind in MOODS.items()}
    return {
        "id": key,
        "name": cluster.name,
        "percent": cluster.percent,
        "n_songs": len(cluster.song_ids),
        "artists": cluster.artists,
        "genres": cluster.genres,
        "mean_features": {name: mean and round(mean, 4) for name, mean in cluster.means.items()},
        "mood": names.get(cluster.mood, cluster.mood),
    }


@extend_schema(tags=["Me"])
class BeyondLibrary(APIView):
    @extend_schema(responses=BeyondSerializer)
    def get(self, request: SignedInApiRequest) -> Response:
        """Songs, albums and artists I could look for: not in this library, played elsewhere together with my songs.

        All lists are empty where the site has no seed pack; that of albums, where the pack names none.
        """
        beyond = beyond_library.find_beyond_library(request.user)
        return Response(BeyondSerializer(beyond).data)
