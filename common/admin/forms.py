"""Forms of the admin with fields in table rows, where the column header is no label."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest

from common.generics import ModelAdmin, ModelForm

Row = TypeVar("Row", bound=Model)


class LabelledForm(ModelForm[Row]):
    """Label every field by itself, for screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # A choice from another table is wrapped, and the wrapper keeps its attributes to itself.
            shown = getattr(field.widget, "widget", None) or field.widget
            shown.attrs.setdefault("aria-label", str(field.label))


if TYPE_CHECKING:
    # What it is mixed into.
    _Page = ModelAdmin[Any]
else:
    _Page = object


class LabelledRows(_Page):
    """A list in the admin with fields to edit in its rows."""

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[ModelForm[Any]]:
        return super().get_changelist_form(request, form=LabelledForm, **kwargs)
