"""A sign-up hashes its password before it takes the lock that every other write waits for."""

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, check_password
from django.db import connection

from accounts import services
from accounts.invitations import make_invitation_link
from accounts.models import User

PASSWORD = "a-good-long-pw-9"


class WatchedHasher(MD5PasswordHasher):
    """A hasher that notes whether a transaction was open while it worked."""

    seen: list[bool] = []

    def encode(self, password: str, salt: str) -> str:
        self.seen.append(connection.in_atomic_block)
        return super().encode(password, salt)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sign_up", ["open", "invited"])
def test_a_password_is_hashed_before_a_transaction_opens(settings, sign_up):
    """Twenty sign-ups at once held SQLite's only write lock for the time of twenty hashes."""
    settings.PASSWORD_HASHERS = [f"{__name__}.WatchedHasher"]
    settings.SIGN_UP = sign_up
    WatchedHasher.seen.clear()
    invitation = make_invitation_link().split("invitation=")[1]

    services.sign_up("lola", PASSWORD, "Lola@EXAMPLE.org", invitation)

    assert WatchedHasher.seen == [False]
    lola = User.objects.get()
    assert (lola.username, lola.email, lola.is_active) == ("lola", "Lola@example.org", True)
    assert check_password(PASSWORD, lola.password)


@pytest.mark.django_db
def test_a_name_that_is_taken_uses_no_invitation_up(settings):
    settings.SIGN_UP = "invited"
    User.objects.create_user("lola")
    invitation = make_invitation_link().split("invitation=")[1]
    with pytest.raises(services.NameTaken):
        services.sign_up("Lola", PASSWORD, invitation=invitation)
    assert services.sign_up("bo", PASSWORD, invitation=invitation).pk
    with pytest.raises(services.NotInvited):
        services.sign_up("cy", PASSWORD, invitation=invitation)
