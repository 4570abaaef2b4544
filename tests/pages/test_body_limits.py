"""Bodies that are too large are refused by the site itself, whichever web server is in front of it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver

from accounts.models import User
from accounts.uploads import MAX_BODY_BYTES, MAX_UPLOAD_BYTES
from musicrec_site.server.body_limits import find_limit, get_view_limit

pytestmark = pytest.mark.django_db
TOO_LARGE = b"x" * (MAX_BODY_BYTES + 1)


def all_views(patterns=None):
    for pattern in patterns or get_resolver().url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.callback
        else:
            yield from all_views(pattern.url_patterns)


def test_only_three_addresses_take_large_files():
    large = {view for view in all_views() if get_view_limit(view).takes_uploads}
    assert large == {
        get_resolver().resolve(path).func
        for path in ("/library/imports/", "/api/v1/me/imports/", "/admin/catalog/importrun/upload/")
    }
    assert find_limit("/library/imports/").uploader > MAX_UPLOAD_BYTES
    assert find_limit("/nowhere/").anybody == MAX_BODY_BYTES


@pytest.mark.parametrize("path", ["/login/", "/try/keep/", "/library/imports/", "/admin/login/"])
def test_a_strangers_form_may_not_be_large(client, path):
    """T70"""
    answer = client.post(path, TOO_LARGE, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert "1 MB at most" in answer.content.decode()


def test_a_refusal_is_worded_as_the_address_words_its_others(client):
    api = client.post("/api/v1/playlists/", TOO_LARGE, content_type="application/json")
    assert (api.status_code, api.json()["error"]["code"]) == (413, "too_large")
    player = client.post("/1/submit-listens", b"x" * 10_240_001, content_type="application/json")
    assert (player.status_code, player.json()["code"]) == (413, 413)


def test_a_listener_uploads_files_but_no_large_forms(client):
    anna = User.objects.create_user("anna", password="a long one here")
    client.force_login(anna)
    file = SimpleUploadedFile("mine.csv", b"a,b\n" + TOO_LARGE)
    assert client.post("/library/imports/", {"file": file}).status_code == 302
    assert client.post("/taste/save/", TOO_LARGE, content_type="text/plain").status_code == 413
    file = SimpleUploadedFile("songs.csv", b"a,b\n" + TOO_LARGE)
    upload = client.post("/admin/catalog/importrun/upload/", {"content": "songs", "file": file})
    assert upload.status_code == 413  # staff only


def test_uploads_wait_on_the_disk_of_the_data(settings):
    from django.core.files.uploadedfile import TemporaryUploadedFile

    assert settings.DATA_DIR in settings.INCOMING_DIR.parents
    with TemporaryUploadedFile("a.csv", "text/csv", 1, None) as file:
        assert file.temporary_file_path().startswith(str(settings.INCOMING_DIR))


def test_a_length_that_is_no_number_is_left_to_the_parsers():
    from musicrec_site.server.body_limits import BodyLimitMiddleware

    for text in ("", "-1", "1e9", "9" * 5000, "٣"):
        request = RequestFactory().post("/login/", CONTENT_LENGTH=text)
        assert (
            BodyLimitMiddleware(lambda r: None).process_view(request, lambda r: None, (), {})
            is None
        )
