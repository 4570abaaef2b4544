"""The WSGI entry point of the web server."""

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")

application = get_wsgi_application()

if settings.METRICS:
    from musicrec_site.metrics import keep_totals  # reads models, which exist once the application does

    keep_totals(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
