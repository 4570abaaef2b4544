"""Signing up, in and out, passwords and settings."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services, throttle, tokens
from accounts.forms import (
    ChangePasswordForm,
    DeleteAccountForm,
    PersonalisationForm,
    ResetRequestForm,
    SettingsForm,
    SignInForm,
    SignUpForm,
    TokenForm,
)
from accounts.mail import can_send_mail
from accounts.models import User
from accounts.requests import SignedInRequest
from accounts.tasks import request_password_reset
from accounts.time_zones import read_browser_time_zone
from common.http import SiteRequest


class SignIn(auth_views.LoginView):
    template_name = "accounts/sign_in.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        throttle.remember_device(response, user.get_username())
        if user.language:
            _set_language(response, user.language)
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        blocked = isinstance(form, SignInForm) and form.is_blocked
        context = self.get_context_data(
            form=form, blocked=blocked, minutes=throttle.SIGN_IN_NAME.minutes
        )
        return self.render_to_response(context, status=429 if blocked else 200)


class SignOut(auth_views.LogoutView):
    """Sign out by POST; an opened address asks first, because a link of another site must not sign anybody out."""

    http_method_names = ["get", "head", "post", "options"]
    next_page = "recommendations:home"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect("recommendations:home")
        return render(request, "accounts/sign_out.html")


def redirect_admin_sign_in(request: SiteRequest) -> HttpResponse:
    """The admin uses the site's own sign-in, with its limits."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@sensitive_post_parameters("password")
def sign_up(request: SiteRequest) -> HttpResponse:
    """Make an account and sign in with it. What was picked in the try-out stays in the session."""
    if request.user.is_authenticated:
        return redirect("recommendations:home")
    invitation = request.GET.get("invitation", "")
    if not services.may_sign_up(invitation):
        return _show_sign_up_closed(request, invitation)
    form = SignUpForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/sign_up.html", {"form": form})
    network = throttle.get_client_network(request)
    if throttle.SIGN_UP.is_reached(network):
        return render(request, "429.html", {"minutes": throttle.SIGN_UP.minutes}, status=429)
    throttle.SIGN_UP.count(network)
    wanted = {name: form.cleaned_data[name] for name in ("username", "password", "email")}
    wanted["time_zone"] = read_browser_time_zone(request)
    try:
        user = services.sign_up(**wanted, invitation=invitation)
    except services.NameTaken:
        form.add_error("username", _("This name is taken. Choose another one."))
        return render(request, "accounts/sign_up.html", {"form": form})
    except services.NotInvited:  # somebody else used the link a moment earlier
        return _show_sign_up_closed(request, invitation)
    login(request, user)
    response = redirect("recommendations:welcome")
    throttle.remember_device(response, user.get_username())
    return response


def _show_sign_up_closed(request: SiteRequest, invitation: str) -> HttpResponse:
    context = {"invitation": invitation, "is_closed": settings.SIGN_UP == services.CLOSED}
    return render(request, "accounts/sign_up_closed.html", context, status=403)


class ChangePassword(auth_views.PasswordChangeView):
    """A new password ends all other sessions and all tokens; this browser stays signed in."""

    template_name = "accounts/change_password.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("accounts:settings")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(
            self.request,
            _("Your password is changed. All other devices and tokens are signed out."),
        )
        return response


def reset_password(request: SiteRequest) -> HttpResponse:
    """Ask for a reset link; the answer and the time are the same for every address."""
    if not can_send_mail():
        return render(request, "accounts/reset_password_by_operator.html")
    form = ResetRequestForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/reset_password.html", {"form": form})
    address, email = throttle.get_client_network(request), form.cleaned_data["email"].casefold()
    if throttle.RESET_ADDRESS.is_reached(address):
        return render(request, "429.html", {"minutes": throttle.RESET_ADDRESS.minutes}, status=429)
    throttle.RESET_ADDRESS.count(address)
    if not throttle.RESET_MAIL.is_reached(email):
        if not request_password_reset(email):
            form.add_error(
                None, _("Mail can't be sent at the moment. Please try again in some minutes.")
            )
            return render(request, "accounts/reset_password.html", {"form": form}, status=503)
        throttle.RESET_MAIL.count(email)
    return render(request, "accounts/reset_password_sent.html")


class NewPassword(auth_views.PasswordResetConfirmView):
    template_name = "accounts/new_password.html"
    success_url = reverse_lazy("accounts:login")

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        response = super().form_valid(form)
        # The mail proved whose account it is: this browser may sign in while others guess.
        throttle.remember_device(response, form.user.get_username())
        messages.success(self.request, _("Your new password is set. Sign in with it."))
        return response


@login_required
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
def show_settings(request: SignedInRequest) -> HttpResponse:
    form = SettingsForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        language = request.user.language
        translation.activate(language or translation.get_language())
        messages.success(request, _("Your settings are saved."))
        response = redirect("accounts:settings")
        _set_language(response, language)
        return response
    context = {"form": form, "personalisation_form": PersonalisationForm(instance=request.user)}
    return render(request, "accounts/settings.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_tokens(request: SignedInRequest) -> HttpResponse:
    """List the tokens; POST makes one and shows its secret this once."""
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = tokens.create_token(request.user, **form.cleaned_data).secret
            form = TokenForm()
        except tokens.TooManyTokens as error:
            form.add_error(None, str(error))
    context = {
        "tokens": tokens.list_tokens(request.user),
        "form": form,
        "secret": secret,
        "player_address": settings.SITE_URL,
    }
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def revoke_token(request: SignedInRequest) -> HttpResponse:
    if not tokens.revoke_token(request.user, request.POST.get("token", "")):
        raise Http404
    messages.success(request, _("The token is revoked."))
    return redirect("accounts:tokens")


@login_required
@sensitive_post_parameters("password")
def delete_account(request: SignedInRequest) -> HttpResponse:
    form = DeleteAccountForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = request.user
        logout(request)
        receipts = services.delete_account(user)
        messages.success(request, _("Your account and everything in it is deleted."))
        for address in receipts:
            link = format_html(
                '<a href="{0}">{1}</a>', address, request.build_absolute_uri(address)
            )
            text = _("This page says when no model knows it any more: %(link)s")
            messages.success(request, format_html(text.replace("%(link)s", "{}"), link))
        return redirect("recommendations:home")
    return render(request, "accounts/delete_account.html", {"form": form})


def _set_language(response: HttpResponse, language: str) -> None:
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=throttle.DEVICE_SECONDS, samesite="Lax"
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
