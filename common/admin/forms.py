"""Forms of the admin with fields in table rows, where the column header is no label."""

from django import forms


class LabelledForm(forms.ModelForm):
    """Label every field by itself, for screen readers."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # A choice from another table is wrapped, and the wrapper keeps its attributes to itself.
            shown = getattr(field.widget, "widget", None) or field.widget
            shown.attrs.setdefault("aria-label", str(field.label))


class LabelledRows:
    """A list in the admin with fields to edit in its rows."""

    def get_changelist_form(self, request, **kwargs):
        return super().get_changelist_form(  # type: ignore[misc]
            request, form=LabelledForm, **kwargs
        )
