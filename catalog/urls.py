from django.urls import path

from catalog.views import browse, imports, library, playlists, songs

app_name = "catalog"

urlpatterns = [
    path("covers/<slug:code>.svg", songs.cover, name="cover"),
    path("browse/", browse.browse, name="browse"),
    path("songs/<int:song_id>/opinion/", songs.set_opinion, name="opinion"),
    path("songs/<int:song_id>/heard/", songs.record_heard, name="heard"),
    path("songs/<int:song_id>/add/", playlists.add, name="add_to_playlist"),
    path("library/", library.likes, name="library"),
    path("library/dislikes/", library.dislikes, name="dislikes"),
    path("library/history/", library.history, name="history"),
    path("library/history/<int:interaction_id>/forget/", library.forget, name="forget"),
    path("library/history/forget-day/", library.forget_day, name="forget_day"),
    path("library/history/undo/", library.undo_forget, name="undo_forget"),
    path("library/imports/", imports.index, name="imports"),
    path("library/imports/<int:run_id>/", imports.one, name="import"),
    path("library/imports/<int:run_id>/cancel/", imports.cancel, name="cancel_import"),
    path("library/imports/<int:run_id>/undo/", imports.undo, name="undo_import"),
    path("playlists/", playlists.index, name="playlists"),
    path("playlists/<uuid:playlist_id>/", playlists.playlist, name="playlist"),
    path("playlists/<uuid:playlist_id>/change/", playlists.change, name="change_playlist"),
    path("playlists/<uuid:playlist_id>/move/", playlists.move, name="move_item"),
    path("playlists/<uuid:playlist_id>/export.<slug:form>", playlists.export, name="export_playlist"),
]
