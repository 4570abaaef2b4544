from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from accounts.models import User


@admin.register(User)
class ListenerAdmin(UserAdmin):
    list_display = ["username", "email", "is_active", "is_staff", "personalised", "last_login", "date_joined"]
    list_filter = ["is_active", "is_staff", "personalised", "groups"]
    search_fields = ["username", "email"]
    show_full_result_count = False
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (_("Listening"), {"fields": ["personalised", "shares_playlists", "theme", "language"]}),
    )
