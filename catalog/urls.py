from django.urls import path, register_converter

from catalog.views import (
    browse,
    imports,
    library,
    playback,
    playlists,
    servers,
    songs,
    statistics,
    year_reviews,
)

app_name = "catalog"


class ReviewForm:
    """The forms of a year's picture."""

    regex = "svg|png"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ReviewForm, "review_form")

urlpatterns = [
    path("covers/<slug:tag>/<int:size>.webp", playback.serve_real_cover, name="real_cover"),
    path("covers/<slug:code>.svg", songs.serve_cover, name="cover"),
    path("browse/", browse.browse, name="browse"),
    path("search/suggestions/", browse.suggest, name="suggest"),
    path("songs/<int:song_id>/opinion/", songs.set_opinion, name="opinion"),
    path("songs/<int:song_id>/audio/", playback.serve_audio, name="audio"),
    path("songs/<int:song_id>/heard/", songs.record_play, name="heard"),
    path("songs/<int:song_id>/add/", playlists.choose_playlist, name="add_to_playlist"),
    path("library/", library.show_likes, name="library"),
    path("library/dislikes/", library.show_dislikes, name="dislikes"),
    path("library/listening/", statistics.show_statistics, name="statistics"),
    path("library/listening/<int:year>/", year_reviews.show_review, name="year_review"),
    path(
        "library/listening/<int:year>/picture.<review_form:form>",
        year_reviews.serve_picture,
        name="review_picture",
    ),
    path("library/listening/<int:year>/link/", year_reviews.change_link, name="review_link"),
    path(
        "reviews/<uuid:review_id>.<review_form:form>",
        year_reviews.serve_shared,
        name="shared_review",
    ),
    path("library/history/", library.show_history, name="history"),
    path("library/history/<int:interaction_id>/forget/", library.remove_listen, name="forget"),
    path("library/history/forget-day/", library.remove_day, name="forget_day"),
    path("library/history/undo/", library.undo_removal, name="undo_forget"),
    path("library/imports/", imports.list_imports, name="imports"),
    path("library/imports/<int:run_id>/", imports.show_import, name="import"),
    path("library/imports/<int:run_id>/cancel/", imports.cancel_import, name="cancel_import"),
    path("library/imports/<int:run_id>/undo/", imports.undo_import, name="undo_import"),
    path("playlists/", playlists.list_playlists, name="playlists"),
    path("playlists/<uuid:playlist_id>/", playlists.show_playlist, name="playlist"),
    path("playlists/<uuid:playlist_id>/change/", playlists.change_playlist, name="change_playlist"),
    path("playlists/<uuid:playlist_id>/move/", playlists.move_entry, name="move_item"),
    path(
        "playlists/<uuid:playlist_id>/export.<slug:form>",
        playlists.export_playlist,
        name="export_playlist",
    ),
    path("settings/servers/", servers.show_servers, name="servers"),
    path("settings/servers/<int:server_id>/join/", servers.join_server, name="join_server"),
    path(
        "settings/servers/<int:server_id>/choices/", servers.change_choices, name="server_choices"
    ),
    path("settings/servers/<int:server_id>/read/", servers.read_now, name="read_server"),
    path("settings/servers/<int:server_id>/leave/", servers.leave_server, name="leave_server"),
    path(
        "playlists/<uuid:playlist_id>/servers/<int:server_id>/send/",
        servers.send_playlist,
        name="send_playlist",
    ),
    path(
        "playlists/<uuid:playlist_id>/servers/<int:server_id>/paths.m3u8",
        servers.export_server_playlist,
        name="server_playlist_file",
    ),
]
