"""What a request may do: signed in on the site everything its user may, with a token what its scopes allow."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken, Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """Signed in, and a token has the scope: `read` to look, `write` to change.

    A view names other scopes for changes with `write_scopes`; any one of them will do.
    """

    message = "This token may not do that. Make one with the scope it needs on your account page."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        return _may_use_token(request, view)


class HasScopeOrIsAnonymous(HasScope):
    """Anybody; but a token, when there is one, needs its scope."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return _may_use_token(request, view)


class HasScopeAndIsStaff(HasScope):
    message = "Only the operators of this site may do that."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return super().has_permission(request, view) and request.user.is_staff


def _may_use_token(request: Request, view: "APIView") -> bool:
    if not isinstance(request.auth, ApiToken):
        return True
    if request.method in SAFE_METHODS:
        return request.auth.allows(Scope.READ)
    return any(
        request.auth.allows(scope) for scope in getattr(view, "write_scopes", (Scope.WRITE,))
    )
