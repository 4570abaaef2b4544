"""Version 1 of ListenBrainz' addresses, each with and without a slash at the end.

The last pattern takes every other address; `musicrec_site.urls` puts what needs recommendations before.
"""

from django.urls import re_path

from catalog.listenbrainz import base_view, reading_views, writing_views

_USER = r"^user/(?P<username>[^/]+)"

app_name = "listenbrainz"

urlpatterns = [
    re_path(r"^validate-token/?$", writing_views.ValidateToken.as_view(), name="validate_token"),
    re_path(r"^submit-listens/?$", writing_views.SubmitListens.as_view(), name="submit_listens"),
    re_path(r"^delete-listen/?$", writing_views.DeleteListen.as_view(), name="delete_listen"),
    re_path(
        r"^feedback/recording-feedback/?$",
        writing_views.RecordingFeedback.as_view(),
        name="feedback",
    ),
    re_path(
        r"^feedback/user/(?P<username>[^/]+)/get-feedback/?$",
        reading_views.UserFeedback.as_view(),
        name="user_feedback",
    ),
    re_path(
        r"^feedback/user/(?P<username>[^/]+)/get-feedback-for-recordings/?$",
        reading_views.FeedbackForRecordings.as_view(),
        name="feedback_for_recordings",
    ),
    re_path(r"^latest-import/?$", writing_views.LatestImport.as_view(), name="latest_import"),
    re_path(r"^search/users/?$", reading_views.SearchUsers.as_view(), name="search_users"),
    re_path(r"^metadata/lookup/?$", reading_views.MetadataLookup.as_view(), name="metadata_lookup"),
    re_path(
        r"^stats/user/(?P<username>[^/]+)/(?P<entity>artists|recordings|releases)/?$",
        reading_views.UserStats.as_view(),
        name="stats",
    ),
    re_path(
        r"^stats/user/(?P<username>[^/]+)/listening-activity/?$",
        reading_views.ListeningActivity.as_view(),
        name="listening_activity",
    ),
    *(
        re_path(
            rf"{_USER}/{relation}/?$",
            reading_views.Followers.as_view(),
            {"relation": relation},
            name=relation,
        )
        for relation in ("following", "followers")
    ),
    re_path(rf"{_USER}/playlists/?$", reading_views.OwnPlaylists.as_view(), name="own_playlists"),
    re_path(rf"{_USER}/listens/?$", reading_views.UserListens.as_view(), name="listens"),
    re_path(
        rf"{_USER}/similar-users/?$", reading_views.SimilarUsers.as_view(), name="similar_users"
    ),
    re_path(rf"{_USER}/playing-now/?$", reading_views.PlayingNow.as_view(), name="playing_now"),
    re_path(rf"{_USER}/listen-count/?$", reading_views.ListenCount.as_view(), name="listen_count"),
    re_path(
        rf"{_USER}/playlists/createdfor/?$", reading_views.CreatedFor.as_view(), name="created_for"
    ),
    re_path(
        rf"{_USER}/playlists/collaborator/?$",
        reading_views.SharedPlaylists.as_view(),
        name="shared_playlists",
    ),
    re_path(
        r"^playlist/(?P<playlist_id>[0-9a-fA-F-]{36})/?$",
        reading_views.OnePlaylist.as_view(),
        name="playlist",
    ),
    re_path(r"", base_view.UnknownAddress.as_view(), name="unknown"),
]
