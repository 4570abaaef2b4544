"""How the API describes itself: the settings of docs/openapi.yaml."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Musicrec",
    "DESCRIPTION": "Personalised, explained music recommendations.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # What a PATCH needs is said by its own serializer; a copy without required fields would hide it.
    "COMPONENT_SPLIT_PATCH": False,
    "SERVERS": [
        {"url": "/", "description": "The site that this description comes from"},
        {
            "url": "{site}",
            "description": "Any other site",
            "variables": {"site": {"default": "http://127.0.0.1:8000"}},
        },
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "musicrec_site.api.schema.complete_schema",
    ],
    "ENUM_NAME_OVERRIDES": {
        "PlaylistKindEnum": "catalog.playlists.models.Playlist.Kind",
        "ImportStatusEnum": "catalog.imports.models.ImportRun.Status",
        "RunStatusEnum": "recommendations.models.training_run.TrainingRun.Status",
        "VersionStateEnum": "recommendations.models.model_version.ModelVersion.State",
        "ExperimentKindEnum": "recommendations.models.experiment.Experiment.Kind",
        "ExperimentStateEnum": "recommendations.models.experiment.Experiment.State",
        "FactKindEnum": ["play", "like", "dislike", "skip"],
    },
}
