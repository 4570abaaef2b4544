"""Addresses of the music, opinions, history and playlists. A song's id may hold slashes."""

from django.urls import path

from catalog.api import import_views, playlist_views, statistics_views, views

urlpatterns = [
    path("songs/", views.SongList.as_view(), name="songs"),
    path("songs/<path:key>/like/", views.SongLike.as_view(), name="like"),
    path("songs/<path:key>/dislike/", views.SongDislike.as_view(), name="dislike"),
    path("artists/", views.ArtistList.as_view(), name="artists"),
    path("artists/<int:pk>/", views.ArtistDetail.as_view(), name="artist"),
    path("genres/", views.GenreList.as_view(), name="genres"),
    path("genres/<int:pk>/", views.GenreDetail.as_view(), name="genre"),
    path("interactions/", views.InteractionCreate.as_view(), name="interactions"),
    path("interactions/batch/", views.InteractionBatch.as_view(), name="interactions_batch"),
    path("me/opinions/", views.OpinionList.as_view(), name="opinions"),
    path("me/history/", views.History.as_view(), name="history"),
    path("me/history/<int:pk>/", views.HistoryEntry.as_view(), name="history_entry"),
    path("me/statistics/", statistics_views.MyStatistics.as_view(), name="statistics"),
    path("me/statistics/<slug:entity>/", statistics_views.MyRanking.as_view(), name="ranking"),
    path("me/imports/", import_views.Imports.as_view(), name="imports"),
    path("me/imports/<int:pk>/", import_views.OneImport.as_view(), name="import"),
    path("playlists/", playlist_views.PlaylistList.as_view(), name="playlists"),
    path("playlists/<uuid:pk>/", playlist_views.PlaylistDetail.as_view(), name="playlist"),
    path(
        "playlists/<uuid:pk>/items/", playlist_views.PlaylistSongs.as_view(), name="playlist_items"
    ),
    path(
        "playlists/<uuid:pk>/items/<int:item>/",
        playlist_views.PlaylistEntry.as_view(),
        name="playlist_item",
    ),
    path(
        "playlists/<uuid:pk>/export/",
        playlist_views.PlaylistExport.as_view(),
        name="playlist_export",
    ),
]

# After everything that ends on a song's address: its own pattern takes all that is left.
song_urlpatterns = [path("songs/<path:key>/", views.SongDetail.as_view(), name="song")]
