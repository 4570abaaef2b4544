import gc

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "musicrec_site"

    def ready(self) -> None:
        from musicrec_site import receivers  # noqa: F401  (they register themselves)
        from musicrec_site.ops import checks  # noqa: F401

        # What was imported lives as long as the process; looking through it again finds nothing.
        gc.freeze()
        gc.enable()
