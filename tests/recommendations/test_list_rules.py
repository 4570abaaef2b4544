"""Rules for lists: a listener's own before the operator's, kept or said why not, and everywhere the same."""

import pytest

from catalog.models import Interaction, Song
from recommendations.models import ListenerState, RecommendationList, SiteContract, Taste
from recommendations.services.lists import list_rules
from recommendations.services.preferences import taste
from recommendations.services.reasons import rule_text
from recommendations.services.serving import precompute, recommend, why_not

pytestmark = pytest.mark.django_db


def set_site(**values):
    SiteContract.objects.update_or_create(pk=SiteContract.ONLY, defaults=values)
    list_rules.forget_site_rules()


def find_report(served, term):
    return next(report for report in served.contract if report.term == term)


def list_heard_artists(listener):
    rows = Interaction.objects.for_listener(listener)
    return set(rows.values_list("song__artist_id", flat=True))


def test_without_rules_nothing_is_reported(version, listener):
    assert recommend.recommend_songs(listener, 10).contract == ()


def test_a_list_has_as_many_artists_never_heard_as_was_asked_or_as_there_are(version, listener):
    taste.set_rules(listener, {"new_artist_share": 1.0})
    served = recommend.recommend_songs(listener, 10)
    heard = list_heard_artists(listener)
    n_new = sum(song.artist_id not in heard for song in served.songs)
    report = find_report(served, "new_artists")
    assert (report.wanted, report.listed, report.possible) == (10, 10, 10)
    assert n_new == 10
    assert rule_text.describe_broken(served.contract, len(served), 10) == []


def test_no_artist_has_more_songs_than_the_rule_says(version, listener):
    taste.set_rules(listener, {"artist_cap": 1})
    served = recommend.recommend_songs(listener, 10)
    artists = [song.artist_id for song in served.songs]
    assert len(set(artists)) == len(artists)


def test_what_is_popular_is_left_to_the_share_that_was_asked(version, listener):
    taste.set_rules(listener, {"tail_share": 0.8})
    served = recommend.recommend_songs(listener, 10)
    report = find_report(served, "tail")
    assert report.wanted == 8 and (report.listed >= 8 or report.listed == report.possible)


def test_the_listeners_word_comes_before_the_operators_term_by_term(version, listener):
    set_site(artist_cap=1, tail_share=0.5)
    stored = taste.load_taste(listener)
    assert list_rules.find_terms(stored).artist_cap == 1
    taste.set_rules(listener, {"artist_cap": 4, "tail_share": 0.0})
    terms = list_rules.find_terms(Taste.objects.get(listener=listener))
    assert (terms.artist_cap, terms.tail_share) == (4, 0.0)
    taste.set_rules(listener, {"artist_cap": None})
    assert list_rules.find_terms(Taste.objects.get(listener=listener)).artist_cap == 1


def test_saying_any_mix_takes_the_operators_rule_away(version, listener):
    set_site(genre_distance=0.2)
    assert list_rules.find_terms(taste.load_taste(listener)).genre_distance == 0.2
    taste.set_rules(listener, {"genre_distance": 1.0})
    assert list_rules.find_terms(Taste.objects.get(listener=listener)) is None


def test_new_rules_outdate_the_lists(version, listener):
    taste.set_rules(listener, {"artist_cap": 2})
    before = ListenerState.objects.get(listener=listener).generation
    taste.set_rules(listener, {"artist_cap": 3})
    assert ListenerState.objects.get(listener=listener).generation == before + 1


def test_lists_with_rules_are_not_computed_ahead(version, listener):
    n_all = precompute.precompute(version)
    RecommendationList.objects.all().delete()
    taste.set_rules(listener, {"artist_cap": 2})
    assert precompute.precompute(version) == n_all - 1
    set_site(artist_cap=2)
    assert precompute.precompute(version) == 0
    assert recommend.recommend_songs(listener, 10).step == "live"


def test_the_mix_of_genres_is_measured_against_what_was_heard(version, listener):
    taste.set_rules(listener, {"genre_distance": 0.9})
    report = find_report(recommend.recommend_songs(listener, 10), "genres")
    assert report.is_kept and 0 <= report.listed <= 0.9
    for song in Song.objects.all():
        song.genres.clear()
    taste.set_rules(listener, {"genre_distance": 0.9})
    report = find_report(recommend.recommend_songs(listener, 10), "genres")
    assert not report.is_kept and report.possible is None
    assert "Nothing is known of the genres" in rule_text.describe_term(report)


def test_a_song_that_gave_way_to_the_rules_is_told_so(version, listener):
    usual = recommend.recommend_songs(listener, 5).songs
    taste.set_rules(listener, {"artist_cap": 1, "new_artist_share": 1.0, "tail_share": 1.0})
    served = recommend.recommend_songs(listener, 5).songs
    gone = [song for song in usual if song not in served]
    assert gone
    steps = {why_not.explain_absence(listener, song, 5).step for song in gone}
    assert steps == {"contract"}


def test_who_is_not_personalised_has_no_rules(version, listener):
    set_site(artist_cap=1)
    listener.personalised = False
    listener.save()
    assert recommend.recommend_songs(listener, 10).contract == ()


# --- Pages and the dashboard ---------------------------------------------------------------------------------


def test_the_page_saves_rules_and_says_how_the_list_keeps_them(version, listener, client):
    client.force_login(listener)
    values = {"new_artists": "100", "tail": "", "artist_cap": "2", "genres": "0.35"}
    assert client.post("/taste/rules/", values).status_code == 302
    stored = Taste.objects.get(listener=listener)
    assert [getattr(stored, name) for name in Taste.TERMS] == [1.0, 2, 0.35, None]
    page = client.get("/taste/").content.decode()
    served = recommend.recommend_songs(listener)
    for sentence in rule_text.describe_broken(served.contract, len(served), 20):
        assert sentence in page
    assert 'value="100"' in page


def test_a_value_out_of_range_is_named_and_nothing_saved(version, listener, client):
    client.force_login(listener)
    page = client.post("/taste/rules/", {"new_artists": "101"}, follow=True).content.decode()
    assert "less than or equal to 100" in page
    assert not Taste.objects.filter(listener=listener, new_artist_share__isnull=False).exists()


def test_the_operator_sets_one_row_of_rules_at_the_dashboard(version, listener, admin_client):
    add = "/admin/recommendations/sitecontract/add/"
    values = {"new_artist_share": "", "artist_cap": "1", "genre_distance": "", "tail_share": ""}
    assert admin_client.post(add, values).status_code == 302
    assert find_report(recommend.recommend_songs(listener, 10), "artist_cap").wanted == 1
    assert admin_client.get(add).status_code == 403


def test_the_api_takes_rules_and_says_how_a_list_keeps_them(version, listener, client):
    from accounts import tokens

    secret = tokens.create_token(listener, "program", ["read", "write"]).secret
    headers = {"Authorization": f"Bearer {secret}"}
    values = client.patch(
        "/api/v1/me/taste/",
        {"rules": {"artist_cap": 1}},
        content_type="application/json",
        headers=headers,
    )
    assert values.json()["rules"] == {
        "new_artist_share": None,
        "artist_cap": 1,
        "genre_distance": None,
        "tail_share": None,
    }
    (rule,) = client.get("/api/v1/recommendations/?k=5", headers=headers).json()["rules"]
    assert (rule["term"], rule["wanted"], rule["listed"], rule["kept"]) == (
        "artist_cap",
        1,
        1,
        True,
    )
    wrong = client.patch(
        "/api/v1/me/taste/",
        {"rules": {"tail_share": 2}},
        content_type="application/json",
        headers=headers,
    )
    assert wrong.status_code == 400
