from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("admin/login/", views.redirect_admin_sign_in),
    path("signup/", views.sign_up, name="sign_up"),
    path("password/change/", views.ChangePassword.as_view(), name="change_password"),
    path("password/reset/", views.reset_password, name="reset_password"),
    path("password/reset/<uidb64>/<token>/", views.NewPassword.as_view(), name="new_password"),
    path("settings/", views.show_settings, name="settings"),
    path("settings/tokens/", views.show_tokens, name="tokens"),
    path("settings/tokens/revoke/", views.revoke_token, name="revoke_token"),
    path("settings/delete/", views.delete_account, name="delete_account"),
]
