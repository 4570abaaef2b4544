"""Whether this site can send mail at all."""

from django.conf import settings

CONSOLE = "musicrec_site.logs.console_mail.EmailBackend"
"""Where mail goes while EMAIL_URL is not set: into the log, which nobody who forgot a password can read."""


def can_send_mail() -> bool:
    """Return whether mail leaves this machine."""
    return settings.EMAIL_BACKEND != CONSOLE
