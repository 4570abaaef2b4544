"""What the recommendations ask of, or tell to, what is above them, which they can't import."""

from django.dispatch import Signal

backup_wanted = Signal()
"""Make a backup now; whoever can't raises `JobFailed` with a sentence."""

demo_removed = Signal()
"""The demo is gone: figures of the site that are kept for a while are wrong."""
