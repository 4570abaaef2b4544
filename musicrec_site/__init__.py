import gc

gc.disable()  # until the apps are ready: nothing of what a start imports is garbage

from musicrec_site.ops.sqlite_build import use_newer_sqlite  # noqa: E402

use_newer_sqlite()  # before Django, which celery's settings load

from musicrec_site.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
