"""Mail, sent by a worker so that no page waits for it and no answer takes longer for a known address."""

import logging

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation
from kombu.exceptions import KombuError

from common.jobs.messages import short_task

log = logging.getLogger(__name__)


def request_password_reset(email: str) -> bool:
    """Have a worker mail a reset link; return False when the queue is unreachable, for every address alike."""
    # never the Host header: a forged one would get the link
    domain = settings.SITE_URL.split("://", 1)[1]
    try:
        send_password_reset.delay(email, domain, settings.HTTPS, translation.get_language())
    except (OSError, KombuError) as error:
        log.warning("The message queue can't be reached, a password reset was not sent: %s", error)
        return False
    return True


@short_task
def send_password_reset(email: str, domain: str, use_https: bool, language: str) -> None:
    """Mail a reset link to every account with this address; to nobody when there is none."""
    form = PasswordResetForm({"email": email})
    if form.is_valid():
        with translation.override(language):
            form.save(
                domain_override=domain,
                use_https=use_https,
                from_email=settings.DEFAULT_FROM_EMAIL,
                email_template_name="accounts/mail/password_reset.txt",
                subject_template_name="accounts/mail/password_reset_subject.txt",
            )


def request_email_notice(old_email: str, username: str, language: str) -> bool:
    """Have a worker notify the replaced address; return False when the queue is unreachable."""
    try:
        send_email_notice.delay(old_email, username, language or translation.get_language())
    except (OSError, KombuError) as error:
        log.warning("The message queue can't be reached, an e-mail notice was not sent: %s", error)
        return False
    return True


@short_task
def send_email_notice(old_email: str, username: str, language: str) -> None:
    """Mail the address that an account had until now that the account has another one."""
    with translation.override(language):
        context = {"username": username, "site": settings.SITE_URL}
        subject = render_to_string("accounts/mail/email_changed_subject.txt", context)
        body = render_to_string("accounts/mail/email_changed.txt", context)
        send_mail("".join(subject.splitlines()), body, settings.DEFAULT_FROM_EMAIL, [old_email])
