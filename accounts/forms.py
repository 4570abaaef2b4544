"""Forms of the account pages."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UsernameField
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from accounts import services, throttle
from accounts.models import Scope, Theme, User
from accounts.requests import SignedInRequest
from accounts.time_zones import list_time_zones
from accounts.tokens import DEFAULT_DAYS, MAX_DAYS
from common.generics import ModelForm


class SignInForm(AuthenticationForm):
    error_messages = dict.fromkeys(("invalid_login", "inactive"), _("Wrong username or password."))

    @property
    def is_blocked(self) -> bool:
        return self.request is not None and throttle.is_sign_in_blocked(
            self.request, self.data.get("username", "")
        )


class SignUpForm(forms.Form):
    """A name and a password. Whether the name is free is asked last, behind the limit on sign-ups."""

    username = UsernameField(
        label=_("Name"),
        max_length=150,
        validators=[User.username_validator],
        help_text=_("Letters, digits and @ . + - _"),
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    email = forms.EmailField(
        label=_("E-mail (optional)"),
        required=False,
        help_text=_("Only used to set a new password when you forget yours."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 8 characters, not one of the common ones."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if data.get("password"):
            draft = User(username=data.get("username", ""), email=data.get("email", ""))
            try:
                password_validation.validate_password(data["password"], draft)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


class ChangePasswordForm(PasswordChangeForm):
    """The old password is checked behind the sign-in limits: a stolen session must not guess it."""

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        try:
            services.confirm_password(self.request, self.user, password)
        except services.PasswordNotConfirmed as error:
            raise forms.ValidationError(str(error)) from None
        return password


class ResetRequestForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class SettingsForm(ModelForm[User]):
    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("", _("Like my browser")), *settings.LANGUAGES],
        required=False,
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        help_text=_(
            "Days and times on all pages, in your statistics and feeds are in this time zone."
        ),
    )
    theme = forms.ChoiceField(
        label=_("Appearance"), choices=Theme.choices, widget=forms.RadioSelect
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("Only used to set a new password when you forget yours."),
    )
    password = forms.CharField(
        label=_("Your password"),
        required=False,
        strip=False,
        help_text=_("Only needed to change the e-mail address."),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    field_order = ["language", "time_zone", "theme", "shares_playlists", "email", "password"]

    class Meta:
        model = User
        fields = ["language", "time_zone", "theme", "email", "shares_playlists"]
        labels = {"shares_playlists": _("Let players fetch the playlists made for me")}
        help_texts = {
            "shares_playlists": _(
                "Without a token: anyone who knows your name can see them then, and what is recommended "
                "to you. Other listeners here can find your name. Your own playlists stay as they are."
            )
        }

    def __init__(self, request: SignedInRequest, data: QueryDict | None = None) -> None:
        # A copy: a refused form must not change the account that the rest of the page shows.
        self.user = User.objects.get(pk=request.user.pk)
        super().__init__(data, instance=self.user)
        self.request = request
        time_zone = cast(forms.ChoiceField, self.fields["time_zone"])
        time_zone.choices = _list_zone_choices(self.user.time_zone)

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if data.get("email", self.request.user.email) != self.request.user.email:
            _confirm_password(self, data.get("password", ""))
        return data

    def save(self, commit: bool = True) -> User:
        wanted = {name: self.cleaned_data[name] for name in self.Meta.fields}
        with transaction.atomic():
            services.change_email(self.request.user, wanted.pop("email"))
            services.save_settings(self.request.user, **wanted)
        return self.request.user


def _list_zone_choices(chosen: str) -> list[tuple[str, str]]:
    """Return the zones to choose from; the site's by its name while the listener has none."""
    names = list_time_zones()
    if not chosen:
        unknown = _("The site's (%(zone)s)") % {"zone": settings.TIME_ZONE}
        return [("", unknown), *((name, name.replace("_", " ")) for name in names)]
    extra = [] if chosen in names else [chosen]
    return [(name, name.replace("_", " ")) for name in [*extra, *names]]


def _confirm_password(form: "SettingsForm | DeleteAccountForm", password: str) -> None:
    """Put the reason on the password field unless it is the account's own password."""
    try:
        services.confirm_password(form.request, form.request.user, password)
    except services.PasswordNotConfirmed as error:
        form.add_error("password", str(error))


class PersonalisationForm(ModelForm[User]):
    class Meta:
        model = User
        fields = ["personalised"]


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("What uses it"), max_length=80, help_text=_("Such as the name of your player.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=Scope.choices,
        initial=[Scope.LISTEN],  # what most tokens are for
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=[
            (30, _("one month")),
            (90, _("three months")),
            (DEFAULT_DAYS, _("one year")),
            (MAX_DAYS, _("ten years")),
        ],
        initial=DEFAULT_DAYS,
    )


class DeleteAccountForm(forms.Form):
    """The password again: a borrowed session must not delete anything."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: SignedInRequest, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.request = request

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if "password" in data:
            _confirm_password(self, data["password"])
        return data
