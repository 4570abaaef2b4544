"""A listener's own history files: uploaded, watched, undone."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.requests import SignedInApiRequest, get_signed_in_user
from accounts.uploads import accepts_upload
from catalog import tasks
from catalog.api.serializers import document_example
from catalog.imports import import_jobs, import_requests, import_undo
from catalog.imports.importers import list_importers
from catalog.models import ImportRun, RejectedImportRow
from catalog.records import WrongFile
from common.api.stored_text import StoredTextField
from common.stored_text import translate_stored

N_REJECTED = 100
_EXAMPLE = {
    "id": 5,
    "file_name": "my_spotify_data.zip",
    "format": "spotify-extended",
    "status": "running",
    "progress": 0.4,
    "n_read": 20_000,
    "n_added": 19_000,
    "n_known": 900,
    "n_rejected": 100,
    "kinds": {"play": 19_400, "skip": 500},
    "left_out": {"podcast": 12},
    "error": "",
    "created_at": "2026-08-24T18:30:00Z",
    "finished_at": None,
}


@document_example(_EXAMPLE)
class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    kinds = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="What the file holds: play, skip, like, dislike, playlist, playlist_song.",
    )
    left_out = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="How many rows a rule left out, by reason, such as podcast or private.",
    )
    error = StoredTextField()

    class Meta:
        model = ImportRun
        fields = [
            "id",
            "file_name",
            "format",
            "status",
            "progress",
            "n_read",
            "n_added",
            "n_known",
            "n_rejected",
            "kinds",
            "left_out",
        ]
        fields += ["error", "created_at", "finished_at"]


class RejectedRowSerializer(serializers.ModelSerializer[RejectedImportRow]):
    reason = StoredTextField()

    class Meta:
        model = RejectedImportRow
        fields = ["line", "reason"]


@document_example(_EXAMPLE | {"rejected_rows": [{"line": 17, "reason": "no time"}]})
class ImportDetailSerializer(ImportSerializer):
    rejected_rows = serializers.SerializerMethodField(help_text=f"The first {N_REJECTED} of them.")

    class Meta(ImportSerializer.Meta):
        fields = [*ImportSerializer.Meta.fields, "rejected_rows"]

    @extend_schema_field(RejectedRowSerializer(many=True))
    def get_rejected_rows(self, run: ImportRun) -> Any:
        return RejectedRowSerializer(run.rejected_rows.all()[:N_REJECTED], many=True).data


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Example",
            {"file": "my_spotify_data.zip", "format": "spotify-extended"},
            media_type="multipart/form-data",
            request_only=True,
        )
    ]
)
class ImportIn(serializers.Serializer[Any]):
    file = serializers.FileField(
        help_text="A history, likes or a playlist, as they were downloaded; docs/importing.md lists the sources."
    )
    format = serializers.ChoiceField(
        choices=[importer.name for importer in list_importers("history")],
        required=False,
        help_text="Found out from the file if it is left out.",
    )


@accepts_upload()
@extend_schema(tags=["History"])
class Imports(generics.ListAPIView[ImportRun]):
    """My history files, newest first."""

    serializer_class = ImportSerializer
    queryset = ImportRun.objects.none()
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> QuerySet[ImportRun]:
        return import_requests.list_imports(get_signed_in_user(self.request))

    @extend_schema(
        request={"multipart/form-data": ImportIn},
        responses={202: ImportSerializer},
        operation_id="me_imports_create",
    )
    def post(self, request: SignedInApiRequest) -> Response:
        """Bring a history: a worker reads it in the background. Files that overlap add nothing twice."""
        checked = ImportIn(data=request.data)
        checked.is_valid(raise_exception=True)
        wanted = checked.validated_data
        try:
            run = import_requests.request_import(
                request.user,
                wanted["file"],
                format=wanted.get("format", ""),
                requested_by=request.user,
            )
        except (WrongFile, import_requests.ImportRefused) as error:
            raise ValidationError({"file": [translate_stored(str(error))]}) from None
        tasks.enqueue(run)
        return Response(ImportSerializer(run).data, status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["History"])
class OneImport(APIView):
    @extend_schema(responses=ImportDetailSerializer)
    def get(self, request: SignedInApiRequest, pk: int) -> Response:
        """One import with its progress and the rows that could not be read."""
        return Response(ImportDetailSerializer(_get_own_import(request.user, pk)).data)

    @extend_schema(responses={200: ImportDetailSerializer})
    def delete(self, request: SignedInApiRequest, pk: int) -> Response:
        """Stop an import that runs; take back what it added when it is over."""
        run = _get_own_import(request.user, pk)
        if not import_jobs.cancel_import(run):
            _undo_import(run)
        return Response(ImportDetailSerializer(_get_own_import(request.user, pk)).data)


def _undo_import(run: ImportRun) -> None:
    try:
        import_undo.undo_import(run)
    except import_requests.ImportRefused as error:
        raise ValidationError(str(error)) from None


def _get_own_import(user: User, pk: int) -> ImportRun:
    run: ImportRun | None = ImportRun.objects.filter(listener=user, pk=pk).first()
    if run is None:
        raise NotFound("You have no such import.")
    return run
