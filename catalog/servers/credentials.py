"""Encrypts what music servers take as proof of an account, with a key that is not in the database.

The key is `CREDENTIALS_KEY` of the environment, else the file `credentials.key` in the data folder, which is made when
it is first needed and which only this user may read. Without the key nobody can read the secrets, we neither: then
the accounts are entered again.
"""

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

# cryptography is loaded where it is needed: 8 MB of every process that asks no server
if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_FILE = "credentials.key"


class SecretLost(Exception):
    """A secret can't be decrypted with the present key; the message is a sentence for a page."""


def encrypt_secret(secret: str) -> str:
    """Return `secret` encrypted, as text for a column; make the key file if there is no key yet."""
    return _load_cipher(makes_key=True).encrypt(secret.encode()).decode()


def decrypt_secret(encrypted: str) -> str:
    """Return the secret; raise SecretLost when the key is missing or is another one."""
    from cryptography.fernet import InvalidToken

    try:
        return _load_cipher(makes_key=False).decrypt(encrypted.encode()).decode()
    except (InvalidToken, FileNotFoundError):
        raise SecretLost(
            _(
                "The key for stored passwords is not the one they were stored with: enter the password again."
            )
        ) from None


def get_key_path() -> Path:
    """Return where the key is unless the environment has it."""
    return Path(settings.DATA_DIR) / KEY_FILE


def _load_cipher(*, makes_key: bool) -> "Fernet":
    from cryptography.fernet import Fernet

    key = settings.CREDENTIALS_KEY.encode() or _read_key_file(makes_key=makes_key)
    try:
        return Fernet(key)
    except ValueError:
        where = "CREDENTIALS_KEY" if settings.CREDENTIALS_KEY else str(get_key_path())
        raise ImproperlyConfigured(
            f"{where} holds no key: it must be 32 bytes in URL-safe base64, as "
            "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'` prints."
        ) from None


def _read_key_file(*, makes_key: bool) -> bytes:
    path = get_key_path()
    if makes_key and not path.exists():
        _make_key_file(path)
    return path.read_bytes().strip()


def _make_key_file(path: Path) -> None:
    """Write a new key; of two processes at once the first one's stays."""
    from cryptography.fernet import Fernet

    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where the file exists; nobody ever reads half a key
    except FileExistsError:
        pass
    finally:
        draft.unlink()
