"""Mail of a site without a mail server: printed in the log, without the links that open an account."""

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as ConsoleBackend

from musicrec_site.logs.secrets import clean_line


class EmailBackend(ConsoleBackend):
    """Print each mail; who reads the log could otherwise set a new password for its recipient."""

    def write_message(self, message: EmailMessage) -> None:
        message.body = clean_line(str(message.body))
        super().write_message(message)
