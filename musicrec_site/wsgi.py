"""The WSGI entry point of the web server."""

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")

django_application = get_wsgi_application()

from musicrec_site.server.chunked_body import wrap_with_length  # noqa: E402  # behind what it imports
from musicrec_site.server.content_type import wrap_with_clean_content_type  # noqa: E402

application = wrap_with_clean_content_type(wrap_with_length(django_application))

if settings.METRICS:
    from musicrec_site.ops.metrics import (
        keep_totals,
    )  # reads models, which exist once the application does

    keep_totals(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
