"""The lines of gunicorn itself (its start, processes that begin and end, faults) in the form of all others."""

import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from gunicorn.glogging import Logger
from structlog.stdlib import ProcessorFormatter

from musicrec_site.logs.config import build_formatter


class ServerLog(Logger):
    """What `gunicorn --logger-class` is given; level and place are gunicorn's own settings."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        formatter = ProcessorFormatter(**build_formatter(_read_log_format()))
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(formatter)


def _read_log_format() -> str:
    """Read LOG_FORMAT as the site does, from .env too; wrong settings end gunicorn in one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")
    try:
        return str(settings.LOG_FORMAT)
    except (ImproperlyConfigured, ValueError) as error:
        raise RuntimeError(str(error)) from error
