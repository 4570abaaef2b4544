from musicrec_site.ops.sqlite_build import use_newer_sqlite

use_newer_sqlite()  # before Django, which celery's settings load

from musicrec_site.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
