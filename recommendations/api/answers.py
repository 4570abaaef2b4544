"""From a served list to its JSON, and the answers kept ready for who asks again."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from rest_framework.renderers import JSONRenderer

from accounts.models import User
from catalog.api.serializers import SongSerializer
from catalog.models import Song
from recommendations import telemetry
from recommendations.conf import conf
from recommendations.engine import TermReport
from recommendations.models import ModelVersion
from recommendations.services.lists import list_rules
from recommendations.services.lists.served_list import Served
from recommendations.services.reasons import rule_text
from recommendations.services.reasons.explanation_text import ExplanationText, describe_served
from recommendations.services.serving import feedback, list_cache


def serialize_list(
    served: Served, listener: User | None, *, with_reasons: bool = True
) -> dict[str, Any]:
    """Return the JSON of a list; one query for the songs its reasons name."""
    reasons = describe_served(served, listener) if with_reasons else []
    songs = SongSerializer()  # one for all: making its fields takes longer than filling them
    items = []
    for index, item in enumerate(served):
        row = {
            "position": item.position,
            "score": round(item.score, 6),
            "song": songs.to_representation(item.song),
        }
        if with_reasons:
            row["explanation"] = describe_reasons(reasons[index])
        items.append(row)
    return {
        "items": items,
        "step": served.step,
        "segment": served.segment,
        "version": served.version_name,
        "fallback": served.fallback.value,
        "note": served.reason,
        "computed_at": served.computed_at,
        "rules": [_load_rule(report) for report in served.contract],
        "receipt": feedback.sign_receipt(listener, served) if listener else "",
    }


def _load_rule(report: TermReport) -> dict[str, Any]:
    return {
        "term": report.term,
        "wanted": report.wanted,
        "listed": report.listed,
        "possible": report.possible,
        "kept": report.is_kept,
        "sentence": "" if report.is_kept else rule_text.describe_term(report),
    }


def describe_reasons(why: ExplanationText) -> dict[str, Any]:
    """Return the JSON of one song's reasons."""
    return {
        "line": why.line,
        "sentence": why.sentence,
        "shares": [{"kind": s.kind, "percent": s.percent, "text": s.text} for s in why.shares],
        "because": [_load_named(song) for song in why.because],
        "goes_with": [_load_named(song) for song in why.goes_with],
        "features": [
            {"name": name, "song": song, "yours": yours} for name, song, yours in why.features
        ],
        "contributions": dict(why.explanation.contributions) if why.explanation else {},
    }


def _load_named(song: Song) -> dict[str, Any]:
    return {
        "id": song.key,
        "title": song.title,
        "artist": {"id": song.artist_id, "name": song.artist.name},
    }


def are_ready(
    request: HttpRequest,
    listener: User,
    options: dict[str, Any],
    make: Callable[[], dict[str, Any]],
) -> HttpResponse:
    """Answer with what was answered before, while it is still true; two queries then.

    True means: the same model version is active and the listener has done and changed nothing since. What others
    change about songs shows after `catalog_mask_seconds`.
    """
    key = _make_key(listener, options)
    kept = list_cache.get(key)
    if kept is None:
        data = make()
        body = JSONRenderer().render(data)
        kept = (body, f'"{hashlib.sha256(body).hexdigest()[:24]}"', data["step"])
        list_cache.put(key, kept, conf.catalog_mask_seconds)
    else:
        telemetry.count_recommendation(kept[2], 0.0)
    return _answer_from_cache(request, kept)


def _answer_from_cache(request: HttpRequest, kept: tuple[bytes, str, str]) -> HttpResponse:
    body, etag, _step = kept
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)


def _make_key(listener: User, options: dict[str, Any]) -> str:
    version = ModelVersion.objects.filter(is_active=True).values_list("pk", flat=True).first()
    state = {
        **options,
        "answer": 3,
        "rules": list_rules.read_site_rules(),
        "version": version,
        "language": get_language(),
        "personalised": listener.personalised,
    }
    return list_cache.make_key(listener.pk, list_cache.read_generation(listener.pk), state)
