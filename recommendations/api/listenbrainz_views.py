"""Answer recommendations in ListenBrainz' shape."""

from django.conf import settings
from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.listenbrainz.base_view import ListenBrainzView, read_number
from recommendations.conf import conf
from recommendations.services.serving import recommend


class RecommendedRecordings(ListenBrainzView):
    """The recordings recommended to a listener, best first, as far as they have a MusicBrainz id; 204 without any.

    To the listener's own token, and to anybody where the listener shares what is made for them.
    """

    permission_classes = []

    def get(self, request: Request, username: str) -> Response:
        listener = self.get_sharing_listener(username)
        most = conf.longest_list
        count, offset = read_number(request, "count", 25, most), read_number(request, "offset", 0)
        served = recommend.recommend_songs(listener, most)
        recordings = [
            {"recording_mbid": str(item.song.mbid), "score": round(item.score, 6)}
            for item in served
            if item.song.mbid
        ]
        if not recordings:
            return Response(status=status.HTTP_204_NO_CONTENT)
        page = recordings[offset : offset + count]
        made_at = served.computed_at or timezone.now()
        payload = {
            "mbids": page,
            "count": len(page),
            "total_mbid_count": len(recordings),
            "offset": offset,
            "entity": "recording",
            "user_name": listener.username,
            "last_updated": int(made_at.timestamp()),
            "model_id": served.version.name if served.version else served.step,
            "model_url": settings.SITE_URL,
        }
        return Response({"payload": payload})
