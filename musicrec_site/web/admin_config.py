"""Django's admin with the dashboard of this project in its place."""

from django.contrib.admin.apps import AdminConfig


class DashboardConfig(AdminConfig):
    default_site = "musicrec_site.web.dashboard_site.DashboardSite"

    def ready(self) -> None:
        from common.admin.counts import group_counts
        from common.admin.field_names import name_fields

        name_fields()
        super().ready()
        group_counts()
