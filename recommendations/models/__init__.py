from recommendations.models.background_job import BackgroundJob
from recommendations.models.blend import Blend, BlendMember
from recommendations.models.column_copy import ChangedListener, ColumnCopyState
from recommendations.models.contract import SiteContract
from recommendations.models.event import Impression, Outcome
from recommendations.models.experiment import Arm, Experiment, InterleavedDraft
from recommendations.models.forgetting_receipt import ForgettingReceipt
from recommendations.models.model_version import Activation, ModelVersion
from recommendations.models.recommendation_list import ListenerState, RecommendationList
from recommendations.models.served_record import ServedRecord
from recommendations.models.taste import ListenerControl, Taste
from recommendations.models.training_run import TrainingRun
from recommendations.models.trends import Trends
from recommendations.models.worker_heartbeat import WorkerHeartbeat

__all__ = [
    "Activation",
    "Arm",
    "BackgroundJob",
    "Blend",
    "BlendMember",
    "ChangedListener",
    "ColumnCopyState",
    "Experiment",
    "ForgettingReceipt",
    "Impression",
    "InterleavedDraft",
    "ListenerControl",
    "ListenerState",
    "ModelVersion",
    "Outcome",
    "RecommendationList",
    "ServedRecord",
    "SiteContract",
    "Taste",
    "TrainingRun",
    "Trends",
    "WorkerHeartbeat",
]
