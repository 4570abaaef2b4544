"""What the catalog does when something happens to accounts."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import account_closing
from catalog.imports import import_jobs


@receiver(account_closing)
def delete_imports(sender: Any, user: User, **_: Any) -> None:
    """An account takes its imports, uploads and the songs that only it brought along."""
    import_jobs.delete_imports(user)
