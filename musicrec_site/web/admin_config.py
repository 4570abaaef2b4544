"""Django's admin with the desk of this project in its place."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    default_site = "musicrec_site.web.desk_site.DeskSite"

    def ready(self) -> None:
        from common.admin.counts import group_counts
        from common.admin.field_names import name_fields

        name_fields()
        super().ready()
        group_counts()
