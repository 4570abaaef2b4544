"""Mail, sent by a worker so that no page waits for it and no answer takes longer for a known address (T41)."""

from celery import shared_task
from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.utils import translation


@shared_task(ignore_result=True)
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
