"""Django's classes of forms and admin pages, written with their table: `ModelForm[Song]`.

The type checker's stubs ask for the table and Django takes none, so at runtime it is left out.
`StrOrPromise` is a text, or one that is translated when it is shown.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.forms import ModelForm
    from django_stubs_ext import StrOrPromise
else:
    from django import forms
    from django.contrib import admin
    from django.utils.functional import Promise

    StrOrPromise = str | Promise

    class _WithoutTable:
        def __class_getitem__(cls, table):
            return cls

    class ModelForm(_WithoutTable, forms.ModelForm):
        pass

    class ModelAdmin(_WithoutTable, admin.ModelAdmin):
        pass

    class TabularInline(_WithoutTable, admin.TabularInline):
        pass


__all__ = ["ModelAdmin", "ModelForm", "StrOrPromise", "TabularInline"]
