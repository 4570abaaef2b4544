from django.conf import settings
from django.urls import path

from recommendations.views import (
    blends,
    connect,
    home,
    library,
    mixes,
    music,
    privacy,
    repeats,
    songs,
    sonic_paths,
    style,
    taste,
    training,
    tryout,
)

app_name = "recommendations"

urlpatterns = [
    path("", home.show_home, name="home"),
    path("home/<slug:section>/", home.show_section, name="home_section"),
    path("home/<slug:section>/keep/", home.keep_section, name="keep_section"),
    path("try/", tryout.try_out, name="try"),
    path("try/why/<int:song_id>/", tryout.show_why, name="try_why"),
    path("try/keep/", tryout.keep_picks, name="keep_picks"),
    path("welcome/", tryout.show_welcome, name="welcome"),
    path("songs/<int:song_id>/", songs.show_song, name="song"),
    path("songs/<int:song_id>/why/", songs.show_why, name="why"),
    path("songs/<int:song_id>/control/", songs.control_song, name="control_song"),
    path("albums/<int:album_id>/", music.show_album, name="album"),
    path("artists/<int:artist_id>/", music.show_artist, name="artist"),
    path("artists/<int:artist_id>/control/", songs.control_artist, name="control_artist"),
    path("mixes/<int:number>/", mixes.show_mix, name="mix"),
    path("mixes/<int:number>/keep/", mixes.keep_mix, name="keep_mix"),
    path("next-up/", repeats.show_next_up, name="next_up"),
    path("next-up/keep/", repeats.keep_next_up, name="keep_next_up"),
    path("rediscover/", repeats.show_rediscoveries, name="rediscover"),
    path("rediscover/keep/", repeats.keep_rediscoveries, name="keep_rediscoveries"),
    path("connect/", connect.choose_player, name="connect"),
    path("connect/<slug:player>/", connect.connect_player, name="connect_player"),
    path("connect/<slug:player>/arrived/", connect.show_arrival, name="connect_arrived"),
    path("path/", sonic_paths.show_path, name="path"),
    path("path/keep/", sonic_paths.keep_path, name="keep_path"),
    path("blends/", blends.list_blends, name="blends"),
    path("blends/new/", blends.create_blend, name="create_blend"),
    path("blends/<uuid:blend_id>/", blends.show_blend, name="blend"),
    path("blends/<uuid:blend_id>/invite/", blends.invite_listener, name="invite_to_blend"),
    path("blends/<uuid:blend_id>/answer/", blends.answer_invitation, name="answer_blend"),
    path("blends/<uuid:blend_id>/keep/", blends.keep_blend, name="keep_blend"),
    path("library/hidden/", library.show_hidden, name="hidden"),
    path("library/beyond/", library.show_beyond, name="beyond"),
    path(
        "playlists/<uuid:playlist_id>/continue/",
        library.continue_playlist,
        name="continue_playlist",
    ),
    path("settings/deletions/", privacy.show_deletions, name="deletions"),
    path("forgotten/<uuid:receipt_id>/", privacy.show_forgotten, name="forgotten"),
    path("training/<int:run_id>/", training.show_training, name="training"),
    path("taste/", taste.show_taste, name="taste"),
    path("taste/preview/", taste.preview_taste, name="preview_taste"),
    path("taste/save/", taste.save_taste, name="save_taste"),
    path("taste/rules/", taste.save_rules, name="save_rules"),
    path("taste/undo/", taste.undo_taste, name="undo_taste"),
    path("settings/my-data.json", privacy.show_my_data, name="my_data"),
    path("settings/personalisation/", privacy.set_personalisation, name="set_personalisation"),
]

if settings.DEBUG:
    urlpatterns.append(path("style/", style.show_style, name="style"))
