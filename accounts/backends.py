"""Checking passwords, wherever one is asked for."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts import throttle
from accounts.models import User


class ThrottledBackend(ModelBackend):
    """Django's password check behind the sign-in limits, for the site, the admin and the API alike.

    Blocked attempts look like wrong passwords and cost no hashing. Calls without a request (commands) aren't counted.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if request is None or username is None:
            return super().authenticate(request, username=username, password=password, **kwargs)
        if throttle.is_sign_in_blocked(request, username):
            raise PermissionDenied
        user = super().authenticate(request, username=username, password=password, **kwargs)
        (throttle.clear_failed_sign_ins if user else throttle.count_failed_sign_in)(
            request, username
        )
        return user
