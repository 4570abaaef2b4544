"""The site's settings with one more address: a view that does nothing."""

from musicrec_site.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.api_server"
WSGI_APPLICATION = "benchmarks.api_server.application"
