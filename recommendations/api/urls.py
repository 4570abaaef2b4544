"""Addresses of recommendations, a listener's own account, and the operator's dashboard."""

from django.urls import path

from recommendations.api import blend_views, me_views, repeat_views, staff_views, views

urlpatterns = [
    path("recommendations/", views.Recommendations.as_view(), name="recommendations"),
    path("impressions/", views.Impressions.as_view(), name="impressions"),
    path("impressions/<uuid:pk>/outcomes/", views.Outcomes.as_view(), name="outcomes"),
    path("songs/<path:key>/similar/", views.SimilarSongs.as_view(), name="similar"),
    path("songs/<path:key>/path/", views.SongPath.as_view(), name="song_path"),
    path("songs/<path:key>/explanation/", views.SongExplanation.as_view(), name="explanation"),
    path("songs/<path:key>/why-not/", views.SongAbsence.as_view(), name="why_not"),
    path("songs/<path:key>/hidden/", views.HiddenSong.as_view(), name="hidden_song"),
    path("songs/<path:key>/ignored/", views.IgnoredSong.as_view(), name="ignored_song"),
    path("artists/<int:pk>/hidden/", views.HiddenArtist.as_view(), name="hidden_artist"),
    path(
        "playlists/<uuid:pk>/continue/", views.ContinuePlaylist.as_view(), name="continue_playlist"
    ),
    path("me/", me_views.Me.as_view(), name="me"),
    path("me/export/", me_views.MyData.as_view(), name="my_data"),
    path("me/taste/", me_views.MyTaste.as_view(), name="my_taste"),
    path("me/next-up/", repeat_views.NextUp.as_view(), name="next_up"),
    path("me/rediscover/", repeat_views.Rediscover.as_view(), name="rediscover"),
    path("me/blends/", blend_views.Blends.as_view(), name="blends"),
    path("me/blends/<uuid:pk>/", blend_views.OneBlend.as_view(), name="blend"),
    path(
        "me/blends/<uuid:pk>/invitations/",
        blend_views.BlendInvitations.as_view(),
        name="blend_invitations",
    ),
    path("me/blends/<uuid:pk>/join/", blend_views.JoinBlend.as_view(), name="join_blend"),
    path("me/hidden/", views.Hidden.as_view(), name="hidden"),
    path("me/beyond-library/", me_views.BeyondLibrary.as_view(), name="beyond_library"),
    path("me/generated-playlists/", views.GeneratedPlaylists.as_view(), name="generated_playlists"),
    # what programs that were written for 0.5 ask; it is not in the API's description
    path("me/made-playlists/", views.GeneratedPlaylists.as_view(schema=None)),
    path("training-runs/", staff_views.TrainingRuns.as_view(), name="training_runs"),
    path("training-runs/<int:pk>/", staff_views.OneTrainingRun.as_view(), name="training_run"),
    path(
        "training-runs/<int:pk>/cancel/",
        staff_views.CancelTraining.as_view(),
        name="cancel_training",
    ),
    path("model-versions/", staff_views.ModelVersions.as_view(), name="model_versions"),
    path("model-versions/<int:pk>/", staff_views.OneModelVersion.as_view(), name="model_version"),
    path(
        "model-versions/<int:pk>/activate/", staff_views.ActivateVersion.as_view(), name="activate"
    ),
    path("model-versions/roll-back/", staff_views.RollBack.as_view(), name="roll_back"),
    path("experiments/", staff_views.Experiments.as_view(), name="experiments"),
    path("experiments/<int:pk>/", staff_views.OneExperiment.as_view(), name="experiment"),
    path(
        "experiments/<int:pk>/start/",
        staff_views.StartExperiment.as_view(),
        name="start_experiment",
    ),
    path(
        "experiments/<int:pk>/stop/", staff_views.StopExperiment.as_view(), name="stop_experiment"
    ),
    path("experiments/<int:pk>/promote/", staff_views.PromoteArm.as_view(), name="promote_arm"),
]
