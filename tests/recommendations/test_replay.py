"""The flight recorder: what was served comes back byte for byte, and the model makes it again."""

import hashlib
import io
import json
import zlib
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts import tokens
from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction, Song
from recommendations import tasks
from recommendations.models import ModelVersion, ServedRecord, SiteContract
from recommendations.services.lists import list_rules
from recommendations.services.operations import retention
from recommendations.services.preferences import data_export, personalisation
from recommendations.services.serving import precompute, recommend, recorder, replay
from recommendations.services.versions import registry, trends

pytestmark = pytest.mark.django_db

VERDICT = replay.Verdict


def serve(listener, n=10, **options):
    """Serve a list as a request does; return it and its record, None where nothing was recorded."""
    before = set(ServedRecord.objects.values_list("pk", flat=True))
    recorder.begin()
    served = recommend.recommend_songs(listener, n, **options)
    recorder.finish()
    return served, ServedRecord.objects.exclude(pk__in=before).first()


def write_body(record, data):
    body = recorder.encode(data)
    record.data, record.sha256 = zlib.compress(body), hashlib.sha256(body).hexdigest()
    record.save()


def run(*arguments):
    out = io.StringIO()
    call_command("replay_list", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_live_list_is_replayed_with_what_it_was_chosen_from(version, listener):
    served, record = serve(listener)
    replayed = replay.replay(record)
    assert replayed.verdict == VERDICT.SAME
    assert [one.song for one in replayed.songs] == served.songs
    assert [one.item.score for one in replayed.songs] == [item.score for item in served]
    (recorded,) = replayed.made
    candidates = dict(
        zip(*(recorded["from"]["candidates"][name] for name in ("songs", "scores")), strict=True)
    )
    assert {song.pk for song in served.songs} <= set(candidates)
    assert (recorded["version"], record.version, record.n_songs) == (version.name, version, 10)
    assert replayed.body == recorder.encode(replayed.data) == recorder.decode(record)


def test_a_list_that_was_computed_ahead_is_replayed(version, listener):
    precompute.precompute(version)
    served, record = serve(listener)
    assert (served.step, record.step) == ("precomputed", "precomputed")
    replayed = replay.replay(record)
    # lists of many listeners are computed together: the last digits of a sum may differ from one made alone
    assert replayed.verdict in (VERDICT.SAME, VERDICT.SAME_SONGS)
    assert [one.song for one in replayed.songs] == served.songs
    millionths = zip(
        replayed.made[0]["list"]["contributions"], replayed.remade[0]["contributions"], strict=True
    )
    assert all(abs(then - now) <= 2 for then, now in millionths)


def test_a_list_with_rules_is_replayed_by_the_facts_of_then(version, listener):
    SiteContract.objects.create(
        new_artist_share=0.5, artist_cap=1, genre_distance=0.5, tail_share=0.5
    )
    list_rules.forget_site_rules()
    served, record = serve(listener)
    assert [report.term for report in served.contract] == [
        "artist_cap",
        "new_artists",
        "tail",
        "genres",
    ]
    for song in Song.objects.all():
        song.genres.clear()
    assert replay.replay(record).verdict == VERDICT.SAME


def test_the_same_list_is_recorded_once_and_a_cached_one_not_at_all(version, listener):
    serve(listener)
    assert serve(listener)[1] is None
    cache.clear()
    _served, again = serve(listener)
    assert again is None and ServedRecord.objects.count() == 1


def test_a_request_records_after_its_answer_and_a_cached_answer_writes_nothing(
    version, listener, django_assert_max_num_queries
):
    secret = tokens.create_token(listener, "program", ["read"]).secret
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    first = client.get("/api/v1/recommendations/?k=5").json()
    record = ServedRecord.objects.get(listener=listener)
    replayed = replay.replay(record)
    assert [one.song.key for one in replayed.songs] == [
        item["song"]["id"] for item in first["items"]
    ]
    with django_assert_max_num_queries(6) as queries:
        client.get("/api/v1/recommendations/?k=5")
    assert not any("INSERT" in query["sql"] for query in queries)
    assert ServedRecord.objects.count() == 1


def test_without_the_version_the_record_is_shown_and_said_so(version, listener):
    served, record = serve(listener)
    body = recorder.decode(record)
    ModelVersion.objects.update(is_active=False, state=ModelVersion.State.PRUNED)
    replayed = replay.replay(record)
    assert replayed.verdict == VERDICT.VERSION_GONE and replayed.body == body
    ModelVersion.objects.all().delete()
    record.refresh_from_db()
    assert record.version is None and replay.replay(record).verdict == VERDICT.VERSION_GONE
    assert [one.song for one in replay.replay(record).songs] == served.songs


def test_a_song_that_is_gone_stays_in_the_record(version, listener):
    served, record = serve(listener)
    gone = served.songs[2]
    gone.delete()
    replayed = replay.replay(record)
    assert (
        replayed.songs[2].song is None
        and replayed.songs[2].item.item_id == json.loads(replayed.body)["made"][0]["list"]["ids"][2]
    )


def test_what_the_catalog_lost_since_does_not_change_the_replay(version, listener):
    served, record = serve(listener)
    Song.objects.filter(pk=served.songs[0].pk).update(is_available=False)
    assert replay.replay(record).verdict == VERDICT.SAME


def test_a_record_that_says_another_list_is_told_apart(version, listener):
    _served, record = serve(listener)
    data = json.loads(recorder.decode(record))
    data["made"][0]["from"]["history"]["strengths"][0] += 50
    write_body(record, data)
    assert replay.replay(record).verdict == VERDICT.DIFFERENT


def test_damaged_data_is_refused(version, listener):
    _served, record = serve(listener)
    record.data = record.data[:-3]
    with pytest.raises(recorder.RecordBroken, match="damaged"):
        replay.replay(record)


def test_a_format_of_a_later_release_is_refused(version, listener):
    _served, record = serve(listener)
    body = recorder.encode({"format": 99})
    record.data, record.sha256 = zlib.compress(body), hashlib.sha256(body).hexdigest()
    with pytest.raises(recorder.RecordBroken, match="format 99"):
        replay.replay(record)


def test_a_list_with_rules_from_the_cache_of_another_request_is_recorded_whole(version, listener):
    """What was not made now is made again for its record, with the facts that its rules are judged by."""
    SiteContract.objects.create(artist_cap=1)
    list_rules.forget_site_rules()
    recorder.begin()
    recommend.recommend_songs(listener, 10)
    (noted,) = recorder.take_notes()
    without = replace(noted, draft=replace(noted.draft, trail=None))
    recorder.write([without])
    record = ServedRecord.objects.get()
    assert replay.replay(record).verdict == VERDICT.SAME
    assert json.loads(recorder.decode(record))["made"][0]["from"]["rules"]["facts"]


def test_a_record_without_the_facts_of_its_rules_is_only_shown(version, listener, admin_client):
    SiteContract.objects.create(artist_cap=1)
    list_rules.forget_site_rules()
    _served, record = serve(listener)
    data = json.loads(recorder.decode(record))
    data["made"][0]["from"]["rules"]["facts"] = None
    write_body(record, data)
    assert replay.replay(record).verdict == VERDICT.NOT_RECORDED
    page = admin_client.get(f"/admin/recommendations/servedrecord/{record.pk}/replay/")
    assert page.status_code == 200


def test_a_list_that_differs_because_trends_were_counted_anew_says_so(version, listener):
    _served, record = serve(listener)
    data = json.loads(recorder.decode(record))
    other, song = User.objects.exclude(pk=listener.pk).first(), Song.objects.first()
    Interaction.objects.create(listener=other, song=song, kind=Interaction.Kind.PLAY, source="test")
    assert tasks.count_trends() == "succeeded"
    moment = trends.find_moment(registry.load_recommender(version))
    assert moment is not None and data["made"][0]["from"]["trends"] != moment.isoformat()
    # the same songs count the same today, so the list that was recorded is made another one
    data["made"][0]["list"]["ids"].reverse()
    write_body(record, data)
    assert replay.replay(record).verdict == VERDICT.TRENDS_CHANGED


# --- Whose they are ------------------------------------------------------------------------------------------


def test_who_opted_out_is_not_recorded_and_loses_what_was(version, listener):
    serve(listener)
    personalisation.set_personalised(listener, False)
    assert not ServedRecord.objects.exists()
    assert serve(listener)[1] is None


def test_deleting_a_play_deletes_the_records_made_of_it(version, listener):
    serve(listener)
    play = Interaction.objects.for_listener(listener).first()
    assert interactions.delete_interaction(listener, play.pk)
    assert not ServedRecord.objects.filter(listener=listener).exists()


def test_what_is_deleted_while_a_list_is_sent_is_not_written_back(
    version, listener, django_capture_on_commit_callbacks
):
    recorder.begin()
    recommend.recommend_songs(listener, 10)
    play = Interaction.objects.for_listener(listener).first()
    with django_capture_on_commit_callbacks(execute=True):
        assert interactions.delete_interaction(listener, play.pk)
    recorder.finish()
    assert not ServedRecord.objects.exists()


def test_records_go_with_the_account_and_come_with_the_export(version, listener):
    _served, record = serve(listener)
    exported = data_export.export_data(listener)["served_lists"]
    assert exported[0]["id"] == str(record.pk)
    assert exported[0]["data"] == json.loads(recorder.decode(record))
    accounts.delete_account(listener)
    assert not ServedRecord.objects.exists()


# --- How long ------------------------------------------------------------------------------------------------


def test_old_records_and_more_than_are_kept_go(version, listener, settings):
    settings.RECORDED_LISTS_DAYS, settings.RECORDED_LISTS = 7, 2
    ids = [serve(listener, n)[1].pk for n in (4, 5, 6, 7)]
    ages = dict(zip(ids, (8, 3, 2, 1), strict=True))
    for pk, days in ages.items():
        ServedRecord.objects.filter(pk=pk).update(served_at=timezone.now() - timedelta(days=days))
    assert retention.delete_expired()["served lists"] == 4 - 2
    assert set(ServedRecord.objects.values_list("pk", flat=True)) == set(ids[2:])


def test_zero_days_record_nothing(version, listener, settings):
    settings.RECORDED_LISTS_DAYS = 0
    assert serve(listener)[1] is None


# --- The command ---------------------------------------------------------------------------------------------


def test_the_command_prints_the_list_and_the_verdict(version, listener):
    served, record = serve(listener, 3)
    lines = run(record.pk).splitlines()
    assert lines[0].startswith(f"{listener}, ") and lines[-1] == str(VERDICT.SAME.label)
    assert lines[1].startswith(f"  1. {served.songs[0]}")
    assert run(record.pk, "--json").encode() == recorder.decode(record)


def test_the_command_says_what_is_wrong(version):
    with pytest.raises(CommandError, match="There is no served list"):
        run(uuid4())


# --- The dashboard -------------------------------------------------------------------------------------------


def test_the_dashboard_replays_a_list_and_hands_out_its_bytes(version, listener, admin_client):
    served, record = serve(listener)
    folder = f"/admin/recommendations/servedrecord/{record.pk}"
    page = admin_client.get(f"{folder}/replay/").content.decode()
    assert served.songs[0].title in page and str(VERDICT.SAME.label) in page
    assert admin_client.get(f"{folder}/data.json").content == recorder.decode(record)
    ServedRecord.objects.update(data=b"x")
    assert "is damaged" in admin_client.get(f"{folder}/replay/").content.decode()
    assert admin_client.get(f"{folder}/data.json").status_code == 409


def test_nobody_else_reads_a_record_at_the_dashboard(version, listener, client):
    _served, record = serve(listener)
    for user in (listener, User.objects.create_user("clerk", is_staff=True)):
        client.force_login(user)
        for page in ("replay/", "data.json"):
            answer = client.get(f"/admin/recommendations/servedrecord/{record.pk}/{page}")
            assert answer.status_code in (302, 403)
