"""Two versions compared on the same listeners: their lists take turns, and each listener's day is one vote."""

import math
from collections import Counter
from datetime import timedelta
from html import unescape

import pytest
from django.core.cache import cache
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Artist, ArtistCredit, Interaction, PlaylistItem, Song
from catalog.playlists import edit
from recommendations.models import (
    Arm,
    Experiment,
    Impression,
    InterleavedDraft,
    ListenerControl,
    ModelVersion,
    Outcome,
    ServedRecord,
)
from recommendations.services.experiments import (
    interleaving,
    interleaving_baseline,
    lifecycle,
    responses,
    results,
)
from recommendations.services.experiments.lifecycle import ExperimentRefused
from recommendations.services.lists.joint_list import TeamList, join_lists
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import read_list
from recommendations.services.preferences import controls, taste
from recommendations.services.reasons import explanation_text
from recommendations.services.serving import feedback, recommend, recorder, replay
from recommendations.services.surfaces import home
from recommendations.services.surfaces.artist_variety import limit_artists
from recommendations.services.version_reports import version_feedback
from recommendations.services.versions import registry
from tests.recommendations.conftest import train

pytestmark = pytest.mark.django_db


@pytest.fixture
def newer(version) -> ModelVersion:
    """Another version of the same world, by another preset; it is not active."""
    run = train(activate=False, preset="classic")
    return ModelVersion.objects.get(training_run=run)


@pytest.fixture
def experiment(version, newer) -> Experiment:
    draft = Experiment.objects.create(name="Is the new one better?", kind="interleaving")
    Arm.objects.create(experiment=draft, name="active")
    Arm.objects.create(experiment=draft, name="new", version=newer)
    return lifecycle.start(draft)


def show(listener, n=10):
    """Serve the listener's own list and say that all of it was seen; return the list and its draft."""
    served = recommend.recommend_songs(listener, n, may_interleave=True)
    receipt = feedback.sign_receipt(listener, served)
    feedback.record_impression(listener, receipt, served.songs, "home")
    return served, InterleavedDraft.objects.get(listener=listener)


def list_team(served, team):
    return [song for song in served.songs if served.interleaved.teams[song.pk] == team]


def let_the_window_end(draft):
    """Move the draft and all that its listener did since a day back, and count it."""
    day = responses.WINDOW
    for rows, moment in (
        (Interaction.objects.filter(listener=draft.listener), "occurred_at"),
        (PlaylistItem.objects.filter(playlist__owner=draft.listener), "added_at"),
        (ListenerControl.objects.filter(listener=draft.listener), "created_at"),
    ):
        rows.filter(**{f"{moment}__gte": draft.shown_at}).update(**{moment: F(moment) - day})
    InterleavedDraft.objects.filter(pk=draft.pk).update(shown_at=draft.shown_at - day)
    assert interleaving.close_drafts() == 1
    draft.refresh_from_db()
    return draft


class TestServing:
    def test_a_personal_list_takes_turns_between_the_versions(self, experiment, listener):
        served = recommend.recommend_songs(listener, 10, may_interleave=True)

        assert Counter(served.interleaved.teams.values()) == {0: 5, 1: 5}
        assert len({song.pk for song in served.songs}) == len(served.songs) == 10
        for start in range(0, 10, 2):
            pair = served.songs[start : start + 2]
            assert {served.interleaved.teams[song.pk] for song in pair} == {0, 1}

    def test_each_song_is_from_the_list_of_its_version_with_its_reasons(
        self, experiment, version, newer, listener
    ):
        served = recommend.recommend_songs(listener, 10, may_interleave=True)

        assert set(served.interleaved.teams.values()) >= {0, 1}
        for team, proposer in enumerate((version, newer)):
            alone = {
                item.song.pk: item.explanation
                for item in recommend.recommend_songs(listener, 10, version=proposer)
            }
            for item in served:
                if served.interleaved.teams[item.song.pk] == team:
                    assert item.explanation == alone[item.song.pk]
        texts = explanation_text.describe_served(served, listener)
        assert all(why.sentence for why in texts)

    def test_a_joint_list_is_replayed_with_its_coins(self, experiment, listener):
        recorder.begin()
        served = recommend.recommend_songs(listener, 10, may_interleave=True)
        recorder.finish()
        replayed = replay.replay(ServedRecord.objects.get(arm=f"interleaving-{experiment.pk}"))
        assert replayed.verdict in (replay.Verdict.SAME, replay.Verdict.SAME_SONGS)
        assert [one.song for one in replayed.songs] == served.songs
        names = dict(enumerate(served.interleaved.names))
        for one in replayed.songs:
            assert one.version == names[served.interleaved.teams[one.song.pk]]

    def test_a_joint_list_keeps_the_listeners_rules_or_is_not_served(self, experiment, listener):
        taste.set_rules(listener, {"artist_cap": 1})
        served = recommend.recommend_songs(listener, 8, may_interleave=True)
        artists = [song.artist_id for song in served.songs]
        assert len(set(artists)) == len(artists)
        assert all(report.is_kept for report in served.contract) and served.contract
        taste.set_rules(listener, {"artist_cap": None, "genre_distance": 0.0})
        served = recommend.recommend_songs(listener, 8, may_interleave=True)
        assert served.interleaved is None and not served.contract[0].is_kept
        assert recommend.recommend_songs(listener, 8, may_interleave=True).interleaved is None

    def test_the_list_stays_for_the_day(self, experiment, listener):
        first = recommend.recommend_songs(listener, 10, may_interleave=True)
        cache.clear()
        again = recommend.recommend_songs(listener, 10, may_interleave=True)

        assert again.songs == first.songs and again.interleaved == first.interleaved

    def test_a_version_against_itself_gives_its_own_list_and_new_coins_every_day(
        self, version, listener
    ):
        context = ListenerContext(listener)
        _version, alone, _arm = recommend.draft_songs(listener, 12, context)
        team = TeamList(version, registry.load_recommender(version), alone)
        today = timezone.localdate()
        days = [today + timedelta(days=n) for n in range(8)]

        lists = [join_lists(1, (team, team), 12, context, day) for day in days]

        own = read_list(alone, version, context.unwanted, 12).items
        for joint in lists:
            ids = [item.item_id for item in joint.unpack().items]
            assert ids == [item.song.pk for item in limit_artists(own, 12)]
        assert len({tuple(joint.interleaved.teams.items()) for joint in lists}) > 1

    def test_what_is_hidden_unavailable_or_disliked_is_in_neither_team(self, experiment, listener):
        hidden, gone, disliked = recommend.recommend_songs(listener, 10, may_interleave=True).songs[
            :3
        ]
        controls.hide_song(listener, hidden)
        interactions.dislike_song(listener, disliked, source="test")
        Song.objects.filter(pk=gone.pk).update(is_available=False)
        cache.clear()

        served = recommend.recommend_songs(listener, 10, may_interleave=True)

        assert not {hidden.pk, gone.pk, disliked.pk} & {song.pk for song in served.songs}
        teams = Counter(served.interleaved.teams.values())
        assert abs(teams[0] - teams[1]) <= 1 and teams[0] >= 3

    def test_an_artist_has_three_songs_over_both_teams(self, experiment, listener):
        served = recommend.recommend_songs(listener, 20, may_interleave=True)

        first = served.songs[:10]
        assert max(Counter(song.artist_id for song in first).values()) <= 3

    def test_other_lists_stay_as_they_are(self, experiment, version, listener):
        assert recommend.recommend_songs(listener, 10).interleaved is None
        assert recommend.recommend_songs(listener, 10).version == version
        assert recommend.recommend_songs(listener, 10, discovery=0.9, may_interleave=True).arm == ""

    def test_who_opted_out_or_is_new_gets_what_they_always_get(self, experiment, listener):
        stranger = User.objects.create(username="stranger")
        listener.personalised = False
        listener.save()

        for one in (stranger, listener):
            served = recommend.recommend_songs(one, 10, may_interleave=True)
            assert served.interleaved is None and served.step == "popular"

    def test_the_home_page_shows_it(self, experiment, listener):
        page = home.load_home(ListenerContext(listener))

        for_you = next(section for section in page.sections if section.name == home.MADE)
        teams = [page.served.interleaved.teams[song.pk] for song in for_you.songs]
        assert page.served.arm == f"interleaving-{experiment.pk}"
        assert Counter(teams) == {0: 6, 1: 6}

    def test_a_version_whose_files_are_gone_ends_the_turns_not_the_list(
        self, experiment, newer, listener
    ):
        ModelVersion.objects.filter(pk=newer.pk).update(state=ModelVersion.State.BROKEN)
        cache.clear()

        served = recommend.recommend_songs(listener, 10, may_interleave=True)

        assert served.interleaved is None and len(served) == 10


class TestStart:
    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ({"version": None}, "Both arms mean"),
            ({"relevance": 0.3}, "leave discovery and the MMR weight empty"),
        ],
    )
    def test_what_is_not_two_versions_is_refused(self, version, newer, change, refusal):
        draft = Experiment.objects.create(name="E", kind="interleaving")
        Arm.objects.create(experiment=draft, name="a")
        Arm.objects.create(experiment=draft, name="b", **{"version": newer} | change)

        with pytest.raises(ExperimentRefused, match=refusal):
            lifecycle.start(draft)
        draft.refresh_from_db()
        assert draft.state == "draft"

    def test_three_arms_are_refused(self, version, newer):
        draft = Experiment.objects.create(name="E", kind="interleaving")
        for name in "abc":
            Arm.objects.create(experiment=draft, name=name, version=newer)

        with pytest.raises(ExperimentRefused, match="exactly two"):
            lifecycle.start(draft)

    def test_an_arm_without_a_version_is_the_one_that_is_active_at_the_start(
        self, experiment, version, newer
    ):
        registry.activate(newer)

        assert experiment.arms.get(name="active").version == version


class TestVotes:
    def test_the_team_with_more_wanted_songs_wins_the_day(self, experiment, listener):
        served, draft = show(listener)
        (liked, kept, heard, *_), (other, *_) = list_team(served, 1), list_team(served, 0)
        interactions.like_song(listener, liked, source="test")
        edit.create_playlist(listener, "Mine", songs=[kept])
        half = -(-(heard.duration_ms or 200_000) // 2)
        interactions.record_play(
            listener, heard, occurred_at=timezone.now(), played_ms=half, source="test"
        )
        interactions.like_song(listener, other, source="test")

        draft = let_the_window_end(draft)

        assert (draft.n_first, draft.n_second) == (1, 3)

    def test_less_than_half_a_skip_and_what_is_hidden_later_are_no_wins(self, experiment, listener):
        served, draft = show(listener)
        little, skipped, hidden = list_team(served, 0)[:3]
        Song.objects.filter(pk__in=[little.pk, skipped.pk]).update(duration_ms=240_000)
        now = timezone.now()
        for song, kind, ms in ((little, 0, 100_000), (skipped, 3, 5_000)):
            Interaction.objects.create(
                listener=listener, song=song, kind=kind, played_ms=ms, occurred_at=now, source="t"
            )
        interactions.like_song(listener, hidden, source="test")
        controls.hide_song(listener, hidden)

        draft = let_the_window_end(draft)

        assert (draft.n_first, draft.n_second) == (0, 0)
        assert (draft.n_heard, draft.n_skipped, draft.n_unwanted) == (1, 1, 1)

    def test_a_hidden_artist_takes_the_songs_where_they_are_a_guest_along(
        self, experiment, listener
    ):
        served, draft = show(listener)
        as_guest = list_team(served, 0)[0]
        guest = Artist.objects.create(name="Somebody else")
        ArtistCredit.objects.create(song=as_guest, artist=guest)
        interactions.like_song(listener, as_guest, source="test")
        controls.hide_artist(listener, guest)

        draft = let_the_window_end(draft)

        assert (draft.n_first, draft.n_second, draft.n_unwanted) == (0, 0, 1)

    def test_a_listener_has_one_vote_a_day_however_often_they_look(self, experiment, listener):
        _served, draft = show(listener, n=6)
        show(listener, n=12)

        draft.refresh_from_db()
        assert InterleavedDraft.objects.count() == 1
        assert len(draft.teams) >= 12

    def test_a_draft_is_counted_once_and_only_when_its_window_is_over(self, experiment, listener):
        show(listener)

        assert interleaving.close_drafts() == 0
        InterleavedDraft.objects.update(shown_at=timezone.now() - responses.WINDOW)
        assert interleaving.close_drafts() == 1
        assert interleaving.close_drafts() == 0

    def test_nothing_is_recorded_of_who_opted_out_meanwhile_or_after_the_end(
        self, experiment, listener
    ):
        served = recommend.recommend_songs(listener, 10, may_interleave=True)
        receipt = feedback.sign_receipt(listener, served)
        lifecycle.stop(experiment)
        feedback.record_impression(listener, receipt, served.songs, "home")

        assert not InterleavedDraft.objects.exists()


# --- What it comes to -------------------------------------------------------------------------------------------------


def vote(experiment, listeners, winners, **counts):
    """Write closed drafts, one a listener and day in turns: who won each, None for a tie."""
    begin = timezone.now() - timedelta(days=60)
    InterleavedDraft.objects.bulk_create(
        [
            InterleavedDraft(
                experiment=experiment,
                listener=listeners[i % len(listeners)],
                day=(begin + timedelta(days=i // len(listeners))).date(),
                shown_at=begin + timedelta(days=i // len(listeners), minutes=i % len(listeners)),
                closed_at=timezone.now(),
                n_first=int(winner == 0),
                n_second=int(winner == 1),
                **counts,
            )
            for i, winner in enumerate(winners)
        ]
    )


@pytest.fixture
def household():
    return User.objects.bulk_create([User(username=f"u{i}") for i in range(5)])


class TestResult:
    def test_ties_are_dropped_and_the_better_one_is_named(self, experiment, household):
        vote(experiment, household, [1, None, 1, 1, 0] * 6)

        comparison = interleaving.compare(experiment)

        standing = comparison.standing
        assert (standing.n_first, standing.n_second, comparison.n_ties) == (6, 18, 6)
        # Beta(3, 3) against a fair coin: B(3 + 18, 3 + 6) / B(3, 3) * 2 ** 24
        assert standing.e_value == pytest.approx(
            math.exp(
                math.lgamma(21) + math.lgamma(9) - math.lgamma(30) + math.log(30) + 24 * math.log(2)
            )
        )
        assert comparison.winner is None
        assert comparison.n_listeners == 5

        vote_more = [1] * 20
        experiment.drafts.all().delete()
        vote(experiment, household, vote_more)
        assert interleaving.compare(experiment).winner.name == "new"

    def test_the_winner_is_promoted_through_the_activation(self, experiment, newer, household):
        vote(experiment, household, [1] * 20)

        lifecycle.promote(experiment, interleaving.compare(experiment).winner)

        assert registry.get_active_version() == newer
        assert newer.activations.first().reason == "experiment"

    def test_a_version_of_which_more_is_skipped_than_usual_is_stopped(
        self, experiment, household, song
    ):
        show_before(experiment, household, song, n_days=5)
        vote(experiment, household, [None] * 40, n_heard=0, n_skipped=3)

        stopped = results.watch_running()

        experiment.refresh_from_db()
        assert len(stopped) == 2 and experiment.state == "stopped"
        assert "Skips of the songs on interleaved lists: 100%, usually 0%" in experiment.log

    def test_as_many_skips_as_usual_stop_nothing(self, experiment, household, song):
        show_before(experiment, household, song, n_days=5, kind=Interaction.Kind.SKIP)
        vote(experiment, household, [None] * 40, n_heard=0, n_skipped=3)

        assert results.watch_running() == []

    def test_without_lists_before_there_is_no_guardrail_and_it_says_so(self, experiment, household):
        vote(experiment, household, [None] * 40, n_heard=0, n_skipped=3)

        assert [one.bound for one in interleaving.compare(experiment).guardrails] == [None, None]
        assert results.watch_running() == []


def show_before(experiment, listeners, song, *, n_days, kind=Interaction.Kind.PLAY):
    """Show each listener the song on some days before the experiment; they play or skip it each time."""
    for back in range(1, n_days + 1):
        moment = experiment.started_at - timedelta(days=back)
        for listener in listeners:
            shown = Impression.objects.create(
                listener=listener, surface="home", step="live", song_ids=[song.pk]
            )
            Impression.objects.filter(pk=shown.pk).update(shown_at=moment)
            Interaction.objects.create(
                listener=listener,
                song=song,
                kind=kind,
                occurred_at=moment + timedelta(minutes=1),
                source="test",
            )


class TestPower:
    def test_it_says_what_is_needed_from_what_was_before(self, experiment, household, song):
        show_before(experiment, household, song, n_days=14)

        power = interleaving_baseline.estimate_needs()

        # one song a day and all of it wanted: never a tie; 5 listeners on 14 of 28 days
        assert (power.n_drafts, power.n_listeners, power.decided_share) == (70, 5, 1.0)
        strong = power.needs[-1]
        assert strong.win_share == 0.8 and strong.n_drafts == strong.n_listener_days
        assert strong.n_plays == strong.n_drafts
        assert strong.n_days == round(strong.n_drafts / (70 / 28))

    def test_without_lists_only_the_drafts_are_known(self, experiment):
        need = interleaving_baseline.estimate_needs().needs[0]

        assert need.n_drafts > 100 and need.n_days is None


class TestDesk:
    def read(self, client, experiment):
        address = reverse("admin:recommendations_experiment_results", args=[experiment.pk])
        answer = client.get(address)
        assert answer.status_code == 200
        return answer.content.decode()

    def test_it_is_made_with_its_kind_and_says_what_it_needs(self, admin_client, version, newer):
        arms = {
            "arms-TOTAL_FORMS": 2,
            "arms-INITIAL_FORMS": 0,
            "arms-MIN_NUM_FORMS": 2,
            "arms-MAX_NUM_FORMS": 9,
        }
        for i, chosen in enumerate(("", newer.pk)):
            arms |= {
                f"arms-{i}-name": f"arm {i}",
                f"arms-{i}-share": "0.5",
                f"arms-{i}-version": chosen,
            }
        admin_client.post(
            reverse("admin:recommendations_experiment_add"),
            {"name": "Is it better?", "kind": "interleaving"} | arms,
        )
        created = Experiment.objects.get()

        html = self.read(admin_client, created)
        assert created.is_interleaving and "What it needs" in html
        assert "Share" not in html and ">34<" in html  # drafts for a win share of 80 %

        start = reverse("admin:recommendations_experiment_step", args=[created.pk, "start"])
        question = admin_client.get(start).content.decode()
        assert "takes turns between the two versions" in question
        admin_client.post(start)
        created.refresh_from_db()
        assert created.state == "running"

    def test_wins_ties_and_evidence_are_shown_with_a_chart_and_its_numbers(
        self, admin_client, experiment, household
    ):
        vote(experiment, household, [1, 1, None, 1, 0] * 2)

        html = self.read(admin_client, experiment)

        assert "Not decided yet" in html and "Ties, which don't count: 2." in unescape(html)
        assert html.count("<circle") == 2 and 'class="bound"' in html
        assert "too little was shown before" in html

    def test_a_decision_is_named_and_chosen_for_promoting(
        self, admin_client, experiment, newer, household
    ):
        vote(experiment, household, [1] * 20)

        html = self.read(admin_client, experiment)

        new = experiment.arms.get(name="new")
        assert f"new ({newer.name}) is better" in html
        assert f'<option value="{new.pk}" selected>' in html

    def test_before_the_first_vote_there_is_no_chart(self, admin_client, experiment):
        assert "<polyline" not in self.read(admin_client, experiment)


class TestFeedbackByDay:
    def test_each_version_has_its_rates_by_day(self, admin_client, version, newer, listener, song):
        for one, is_clicked in ((version, True), (version, False), (newer, True)):
            shown = Impression.objects.create(
                listener=listener, surface="home", version=one, step="live", song_ids=[song.pk]
            )
            if is_clicked:
                Outcome.objects.create(impression=shown, song=song, kind="click", position=1)

        days = {one.pk: version_days for one, version_days in version_feedback.list_days()}
        assert [day.click_rate for day in days[version.pk]] == [1 / 2]
        assert [day.click_rate for day in days[newer.pk]] == [1.0]

        html = admin_client.get(reverse("admin:recommendations_modelversion_changelist"))
        assert "Lists clicked, by version" in html.content.decode()

    def test_a_play_counts_for_the_version_whose_list_showed_the_song(
        self, version, listener, song
    ):
        shown = Impression.objects.create(
            listener=listener, surface="home", version=version, step="live", song_ids=[song.pk]
        )
        Impression.objects.update(shown_at=shown.shown_at - timedelta(hours=2))
        for kind, minutes in ((Interaction.Kind.PLAY, 60), (Interaction.Kind.SKIP, 30)):
            Interaction.objects.create(
                listener=listener,
                song=song,
                kind=kind,
                occurred_at=timezone.now() - timedelta(minutes=minutes),
                source="test",
            )

        ((_version, days),) = version_feedback.list_days()

        assert sum(day.n_heard for day in days) == sum(day.n_skipped for day in days) == 1
