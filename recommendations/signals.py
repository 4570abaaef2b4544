"""What the recommendations ask of the site above them, which they can't import."""

from django.dispatch import Signal

backup_wanted = Signal()
"""Make a backup now; whoever can't raises `JobFailed` with a sentence."""
