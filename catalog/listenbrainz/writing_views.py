"""The addresses by which players write: listens, hearts, how far an import came; and the test of a token."""

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import (
    require_usable_token,
)
from accounts.models import Scope
from accounts.requests import SignedInApiRequest
from catalog.listenbrainz import payloads, service
from catalog.listenbrainz.base_view import ListenBrainzView, MayListen


class ValidateToken(ListenBrainzView):
    """The one address where old clients may send the token as `?token=`."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        secret = request.query_params.get("token") or _read_header_secret(request)
        if not secret:
            raise exceptions.ValidationError("You need to provide an Authorization token.")
        try:
            token = require_usable_token(secret)
        except exceptions.AuthenticationFailed:
            return Response({"code": 200, "message": "Token invalid.", "valid": False})
        if not token.allows(
            Scope.LISTEN
        ):  # told while the player is set up, not at its first listen
            return Response({"code": 200, "message": MayListen.message, "valid": False})
        username = token.user.username
        return Response(
            {"code": 200, "message": "Token valid.", "valid": True, "user_name": username}
        )


class SubmitListens(ListenBrainzView):
    def post(self, request: SignedInApiRequest) -> Response:
        submission = payloads.read_submission(request.data)
        service.store_submission(request.user, submission)
        answer = {"status": "ok"}
        if (
            payloads.read_flag(request.query_params.get("return_msid"))
            and submission.listen_type != "import"
        ):
            answer["recording_msid"] = str(submission.listens[0].msid)
        return Response(answer)


class DeleteListen(ListenBrainzView):
    def post(self, request: SignedInApiRequest) -> Response:
        service.delete_listen(request.user, *payloads.read_deletion(request.data))
        return Response({"status": "ok"})


class RecordingFeedback(ListenBrainzView):
    def post(self, request: SignedInApiRequest) -> Response:
        service.give_feedback(request.user, payloads.read_feedback(request.data))
        return Response({"status": "ok"})


class LatestImport(ListenBrainzView):
    """How far a program brought the history of another service, as it said itself."""

    def get(self, request: SignedInApiRequest) -> Response:
        listener = self.get_own_listener(
            request.query_params.get("user_name") or request.user.username
        )
        service_name = payloads.read_service(request.query_params.get("service"))
        moment = service.read_latest_import(listener, service_name)
        return Response({"musicbrainz_id": listener.username, "latest_import": moment})

    def post(self, request: SignedInApiRequest) -> Response:
        service.set_latest_import(request.user, *payloads.read_latest_import(request.data))
        return Response({"status": "ok"})


def _read_header_secret(request: Request) -> str:
    header = request.headers.get("Authorization", "")
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() in ("token", "bearer") else ""
