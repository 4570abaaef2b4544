"""What the catalog does when something happens to accounts."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import account_closing
from catalog.imports import import_jobs


@receiver(account_closing)
def delete_imports(sender: Any, user: User, **_: Any) -> None:
    """Delete the imports and uploads of a closing account, and the songs that only they brought."""
    import_jobs.delete_imports(user)
