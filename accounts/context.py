"""What every page may need of the accounts: whether somebody can sign up by themselves."""

from django.conf import settings
from django.http import HttpRequest

from accounts.services import OPEN


def describe_sign_up(request: HttpRequest) -> dict[str, bool]:
    """Return whether the site takes new accounts from everybody; with invitations there is no button for it."""
    return {"sign_up_is_open": settings.SIGN_UP == OPEN}
