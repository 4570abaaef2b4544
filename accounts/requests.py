"""What a request is to a view that only somebody signed in reaches.

For the type checker: Django's and DRF's requests say that their user may be anonymous. What lets nobody
else in is the view's `login_required` or its permissions.
"""

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User
from common.http import SiteRequest


class SignedInRequest(SiteRequest):
    """A request for a page, of an account."""

    user: User


class SignedInApiRequest(Request):
    """A request to the API, of an account."""

    if TYPE_CHECKING:

        @property
        def user(self) -> User: ...

        @user.setter
        def user(self, value: User) -> None: ...


def get_signed_in_user(request: HttpRequest) -> User:
    """Return the account of a request that the view's permissions let in for accounts only."""
    return cast(User, request.user)
