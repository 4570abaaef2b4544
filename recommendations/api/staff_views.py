"""Trainings and model versions, for the operators of the site."""

from collections.abc import Callable

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScopeAndIsStaff
from accounts.requests import SignedInApiRequest
from catalog.api.lookups import validate_body
from recommendations import tasks
from recommendations.api.conflict import Conflict
from recommendations.api.serializers.experiments import (
    ExperimentDetailSerializer,
    ExperimentSerializer,
    NewExperiment,
    PromoteIn,
)
from recommendations.api.serializers.training import (
    RunDetailSerializer,
    RunIn,
    RunSerializer,
    VersionDetailSerializer,
    VersionSerializer,
)
from recommendations.models import Experiment, ModelVersion, TrainingRun
from recommendations.services.experiments import lifecycle
from recommendations.services.experiments.lifecycle import ExperimentRefused
from recommendations.services.training import training_requests
from recommendations.services.versions import registry


class _ForOperators(APIView):
    """Staff may look; who changes needs the permission `needed` as well."""

    permission_classes = [HasScopeAndIsStaff]
    throttle_scope = "staff"
    needed = ""

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if request.method not in SAFE_METHODS and not request.user.has_perm(self.needed):
            raise PermissionDenied("An administrator has to give you the permission for that.")


@extend_schema(tags=["Operators"])
class TrainingRuns(_ForOperators, generics.ListAPIView[TrainingRun]):
    """Trainings, newest first."""

    serializer_class = RunSerializer
    queryset = TrainingRun.objects.select_related("requested_by", "version")
    needed = "recommendations.train"

    @extend_schema(request=RunIn, responses={202: RunSerializer})
    def post(self, request: SignedInApiRequest) -> Response:
        """Start a training; 409 while another one is queued or running."""
        wanted = validate_body(RunIn, request)
        try:
            run = tasks.start_training(
                preset=wanted.get("preset"),
                requested_by=request.user,
                trigger=TrainingRun.Trigger.API,
            )
        except training_requests.TrainingAlreadyActive as error:
            raise Conflict(str(error)) from None
        except training_requests.TrainingRefused as error:
            raise ValidationError({"preset": [str(error)]}) from None
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["Operators"])
class OneTrainingRun(_ForOperators, generics.RetrieveAPIView[TrainingRun]):
    """One training with its progress and log."""

    serializer_class = RunDetailSerializer
    queryset = TrainingRun.objects.select_related("requested_by", "version")


@extend_schema(tags=["Operators"])
class CancelTraining(_ForOperators):
    """Stop a training: at once while it waits, within one iteration while it runs."""

    needed = "recommendations.train"

    @extend_schema(request=None, responses=RunSerializer)
    def post(self, request: Request, pk: int) -> Response:
        run = get_object_or_404(
            TrainingRun.objects.select_related("requested_by", "version"), pk=pk
        )
        return Response(RunSerializer(training_requests.cancel(run)).data)


def _list_versions() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.order_by("-pk")


@extend_schema(tags=["Operators"])
class ModelVersions(_ForOperators, generics.ListAPIView[ModelVersion]):
    """Model versions with their metrics, newest first."""

    serializer_class = VersionSerializer
    queryset = _list_versions()


@extend_schema(tags=["Operators"])
class OneModelVersion(_ForOperators, generics.RetrieveAPIView[ModelVersion]):
    """One model version with its configuration and what is known about its training."""

    serializer_class = VersionDetailSerializer
    queryset = _list_versions()


@extend_schema(tags=["Operators"])
class ActivateVersion(_ForOperators):
    """Make a version the one that serves; its files are checked first."""

    needed = "recommendations.activate"

    @extend_schema(request=None, responses=VersionSerializer)
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        version = get_object_or_404(ModelVersion, pk=pk)
        return _respond_changed(lambda: registry.activate(version, by=request.user))


@extend_schema(tags=["Operators"])
class RollBack(_ForOperators):
    """Activate the version that was active before."""

    needed = "recommendations.activate"

    @extend_schema(request=None, responses=VersionSerializer)
    def post(self, request: SignedInApiRequest) -> Response:
        return _respond_changed(lambda: registry.roll_back(by=request.user))


def _respond_changed(act: Callable[[], ModelVersion]) -> Response:
    try:
        return Response(VersionSerializer(act()).data)
    except registry.RegistryError as error:
        raise Conflict(str(error)) from None


def _list_experiments() -> QuerySet[Experiment]:
    return Experiment.objects.prefetch_related("arms__version")


@extend_schema(tags=["Operators"])
class Experiments(_ForOperators, generics.ListAPIView[Experiment]):
    """Experiments, newest first."""

    serializer_class = ExperimentSerializer
    queryset = _list_experiments()
    needed = "recommendations.add_experiment"

    @extend_schema(request=NewExperiment, responses={201: ExperimentSerializer})
    def post(self, request: SignedInApiRequest) -> Response:
        """Set up an experiment as a draft; start it when it is to begin."""
        values = dict(validate_body(NewExperiment, request))
        arms = values.pop("arms")
        draft = lifecycle.create(**values, arms=arms, by=request.user)
        body = ExperimentSerializer(_list_experiments().get(pk=draft.pk)).data
        return Response(body, status=status.HTTP_201_CREATED)


@extend_schema(tags=["Operators"])
class StartExperiment(_ForOperators):
    """Let a draft run; 409 says what has to be changed first."""

    needed = "recommendations.run_experiment"

    @extend_schema(request=None, responses=ExperimentSerializer)
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        experiment = get_object_or_404(_list_experiments(), pk=pk)
        return _respond_moved(lambda: lifecycle.start(experiment, by=request.user))


@extend_schema(tags=["Operators"])
class OneExperiment(_ForOperators, generics.RetrieveAPIView[Experiment]):
    """One experiment, and how it stands once it was started."""

    serializer_class = ExperimentDetailSerializer
    queryset = _list_experiments()


@extend_schema(tags=["Operators"])
class StopExperiment(_ForOperators):
    """End a running experiment; everybody is served as usual again."""

    needed = "recommendations.run_experiment"

    @extend_schema(request=None, responses=ExperimentSerializer)
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        experiment = get_object_or_404(_list_experiments(), pk=pk)
        return _respond_moved(lambda: lifecycle.stop(experiment, by=request.user))


@extend_schema(tags=["Operators"])
class PromoteArm(_ForOperators):
    """Make an arm what everybody gets: its version is activated. A running experiment ends with it."""

    needed = "recommendations.run_experiment"

    @extend_schema(request=PromoteIn, responses=ExperimentSerializer)
    def post(self, request: SignedInApiRequest, pk: int) -> Response:
        experiment = get_object_or_404(_list_experiments(), pk=pk)
        wanted = validate_body(PromoteIn, request)["arm"]
        arm = experiment.arms.filter(pk=wanted).first()
        if arm is None:
            raise ValidationError({"arm": ["That is no arm of this experiment."]})
        return _respond_moved(lambda: lifecycle.promote(experiment, arm, by=request.user))


def _respond_moved(act: Callable[[], Experiment]) -> Response:
    try:
        ended = act()
    except ExperimentRefused as error:
        raise Conflict(str(error)) from None
    return Response(ExperimentSerializer(_list_experiments().get(pk=ended.pk)).data)
