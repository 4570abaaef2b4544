"""Lists that keep a contract, checked against every list there could be."""

from itertools import combinations

import numpy as np
import pytest

from recommendations.engine import ListContract, RecommendedList, Recommender, World
from recommendations.engine.reranking.calibration import GenreMix
from recommendations.engine.reranking.list_contract import (
    ContractTerms,
    SongFacts,
    choose_songs,
)


def make_facts(artists, new_artists, tail, genres=None, own=(1.0,)):
    artists = np.array(artists)
    return SongFacts(
        artists,
        np.isin(artists, list(new_artists)),
        np.array(tail, dtype=bool),
        np.array(genres if genres is not None else np.ones((len(artists), len(own))), np.float32),
        np.array(own, dtype=np.float64),
    )


def choose(scores, facts, terms, k, **options):
    vectors = np.zeros((len(scores), 1), dtype=np.float32)
    options = {"relevance": 1.0} | options
    return choose_songs(np.array(scores, dtype=float), vectors, facts, terms, k, **options)


def count(facts, rows):
    """What every list is judged by: songs by new artists, of the tail, most of one artist."""
    artists = [artist for artist in facts.artists[list(rows)] if artist >= 0]
    return (
        int(facts.is_new[list(rows)].sum()),
        int(facts.is_tail[list(rows)].sum()),
        max((artists.count(artist) for artist in artists), default=0),
    )


@pytest.mark.parametrize("seed", range(400))
def test_every_small_case_is_kept_exactly_where_any_list_keeps_it(seed):
    rng = np.random.default_rng(seed)
    m, k, n_artists = int(rng.integers(1, 13)), int(rng.integers(1, 5)), int(rng.integers(1, 7))
    artists = rng.integers(-1 if seed % 3 == 0 else 0, n_artists, m)
    new = set(np.flatnonzero(rng.random(n_artists) < rng.random()).tolist())
    facts = make_facts(artists, new, rng.random(m) < rng.random())
    scores = np.sort(rng.random(m))[::-1]
    cap = int(rng.integers(1, 4))
    terms = ContractTerms(
        float(rng.choice([0, 0.25, 0.5, 0.75, 1])), cap, None, float(rng.choice([0, 0.3, 0.6, 1]))
    )
    choice = choose(scores, facts, terms, k)
    lists = [
        rows
        for n in range(1, k + 1)
        for rows in combinations(range(m), n)
        if count(facts, rows)[2] <= cap
    ]
    longest = max(map(len, lists))
    assert len(choice.positions) == longest
    lists = [rows for rows in lists if len(rows) == longest]
    kept = {report.term: report for report in choice.reports}
    new_listed, tail_listed, most = count(facts, choice.positions)
    assert most <= cap and kept["artist_cap"].listed == most
    wanted_new, wanted_tail = (
        int(np.ceil(share * longest - 1e-9)) for share in (terms.new_artist_share, terms.tail_share)
    )
    possible_new = max(count(facts, rows)[0] for rows in lists)
    least_new = min(wanted_new, possible_new)
    lists = [rows for rows in lists if count(facts, rows)[0] >= least_new]
    possible_tail = max(count(facts, rows)[1] for rows in lists)
    least_tail = min(wanted_tail, possible_tail)
    lists = [rows for rows in lists if count(facts, rows)[1] >= least_tail]
    assert new_listed >= least_new and tail_listed >= least_tail
    if terms.new_artist_share:
        report = kept["new_artists"]
        assert (report.wanted, report.listed, report.possible) == (
            wanted_new,
            new_listed,
            possible_new,
        )
        assert report.is_kept == (possible_new >= wanted_new)
    if terms.tail_share:
        report = kept["tail"]
        assert (report.wanted, report.listed, report.possible) == (
            wanted_tail,
            tail_listed,
            possible_tail,
        )
        assert report.is_kept == (possible_tail >= wanted_tail)
    best = max(scores[list(rows)].sum() for rows in lists)
    assert scores[choice.positions].sum() == pytest.approx(best)


@pytest.mark.parametrize("seed", range(60))
def test_a_mix_of_genres_is_found_where_one_is_near_enough(seed):
    rng = np.random.default_rng(seed)
    m, k, n_genres = 10, 4, 4
    genres = np.eye(n_genres)[rng.integers(0, n_genres, m)]
    genres = (genres + np.eye(n_genres)[rng.integers(0, n_genres, m)]) / 2
    own = rng.dirichlet(np.ones(n_genres))
    facts = make_facts(rng.integers(0, 6, m), {0, 1, 2}, rng.random(m) < 0.5, genres, own)
    mix = GenreMix(facts.genres, facts.own_genres)
    scores = np.sort(rng.random(m))[::-1]
    allowed = [rows for rows in combinations(range(m), k) if count(facts, rows)[2] <= 2]
    nearest = min(mix.measure(np.array(rows)) for rows in allowed)
    limit = nearest + 0.02
    choice = choose(scores, facts, ContractTerms(artist_cap=2, genre_distance=limit), k)
    report = next(report for report in choice.reports if report.term == "genres")
    assert report.listed == pytest.approx(mix.measure(choice.positions), abs=1e-4)
    # what is found is no proof that nothing is nearer: within 0.05 of the nearest of all lists
    assert report.listed <= nearest + 0.05 and count(facts, choice.positions)[2] <= 2


def test_the_distance_is_hellingers():
    # own (1/2, 1/2); a list of one song of the first genre: sqrt(1 - sqrt(1/2 * 1))
    mix = GenreMix(np.array([[1, 0], [0, 1], [0, 0]], np.float32), np.array([0.5, 0.5]))
    assert mix.measure(np.array([0])) == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))
    assert mix.measure(np.array([0, 1])) == pytest.approx(0, abs=1e-7)
    # a song without a genre does not count
    assert mix.measure(np.array([0, 1, 2])) == pytest.approx(0, abs=1e-7)
    assert mix.measure(np.array([2])) == 1


def test_without_a_term_the_list_is_of_the_best_scores():
    facts = make_facts([0, 0, 1, 2], (), [0, 0, 0, 0])
    choice = choose([0.9, 0.8, 0.7, 0.6], facts, ContractTerms(), 3)
    assert choice.positions.tolist() == [0, 1, 2] and choice.reports == ()


def test_the_usual_cap_gives_way_to_the_terms():
    # artist 0 is the only new one, and every song must be by a new artist
    facts = make_facts([0, 0, 0, 1], {0}, [0, 0, 0, 0])
    terms = ContractTerms(new_artist_share=1)
    choice = choose([0.9, 0.8, 0.7, 0.6], facts, terms, 3, usual_cap=1)
    assert choice.positions.tolist() == [0, 1, 2] and choice.reports[0].is_kept


def test_a_cap_makes_the_list_shorter_and_says_how_long_it_can_be():
    facts = make_facts([0, 0, 0, 1], (), [0, 0, 0, 0])
    (report,) = choose([0.9, 0.8, 0.7, 0.6], facts, ContractTerms(artist_cap=1), 4).reports
    assert (report.listed, report.possible, report.is_kept) == (1, 2, True)


@pytest.mark.parametrize("n_songs", [0, 3])
def test_of_nothing_nothing_is_chosen(n_songs):
    """No song may come, or there is none: the list is empty, whatever is asked of it."""
    facts = make_facts([0] * n_songs, {0}, [1] * n_songs, np.ones((n_songs, 2)) / 2, own=(0.9, 0.1))
    terms = ContractTerms(0.5, 1, 0.1, 0.5)
    choice = choose([-np.inf] * n_songs, facts, terms, 4, relevance=0.7)
    assert choice.positions.tolist() == []
    assert {report.term: report.listed for report in choice.reports} == {
        "artist_cap": 0,
        "new_artists": 0,
        "tail": 0,
        "genres": 1,
    }


def test_variety_goes_on_within_the_contract():
    # songs 0 and 1 sound the same; both 1 and 2 would keep the contract
    facts = make_facts([0, 1, 2], {1, 2}, [0, 0, 0])
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    terms = ContractTerms(new_artist_share=0.5)
    scores = np.array([1.0, 0.9, 0.8])
    alike = choose_songs(scores, vectors, facts, terms, 2, relevance=1.0)
    varied = choose_songs(scores, vectors, facts, terms, 2, relevance=0.5)
    assert alike.positions.tolist() == [0, 1] and varied.positions.tolist() == [0, 2]


def test_an_unknown_own_mix_can_not_be_kept():
    facts = make_facts([0, 1], (), [0, 0], [[1, 0], [0, 1]], own=(0.0, 0.0))
    (report,) = choose([0.9, 0.8], facts, ContractTerms(genre_distance=0.5), 2).reports
    assert not report.is_kept and report.possible is None


@pytest.mark.parametrize(
    "wrong",
    [{"new_artist_share": 1.1}, {"tail_share": -0.1}, {"genre_distance": 2.0}, {"artist_cap": 0}],
)
def test_terms_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        ContractTerms(**wrong)


@pytest.fixture(scope="module")
def recommender():
    world = World(n_listeners=60, n_songs=120, seed=5)
    return Recommender().fit(world.to_interactions(), world.item_features())


class TestOfARecommender:
    """The same through the whole pipeline, on a small world."""

    def ask(self, recommender, terms, k=10):
        rows = np.arange(recommender.n_items)
        history = recommender.history(recommender.item_ids[:5])

        def describe(item_rows):
            # artists of four songs each; the first half of the catalogue was heard; every third song is of the tail
            return SongFacts(
                rows[item_rows] // 4,
                item_rows >= recommender.n_items // 2,
                item_rows % 3 == 0,
                np.eye(2, dtype=np.float32)[item_rows % 2],
                np.array([0.5, 0.5]),
            )

        contract = ListContract(terms, describe)
        listed = recommender.recommend(history, k, contract=contract, keeps_candidates=True)
        return history, contract, listed

    def test_a_list_keeps_its_contract_and_its_reasons_add_up(self, recommender):
        terms = ContractTerms(0.5, 1, 0.1, 0.6)
        _history, _contract, listed = self.ask(recommender, terms)
        rows = np.array([item.item_row for item in listed])
        assert len(set((rows // 4).tolist())) == len(rows) == 10
        assert (rows >= recommender.n_items // 2).sum() >= 5 and (rows % 3 == 0).sum() >= 6
        assert all(report.is_kept for report in listed.contract) and len(listed.contract) == 4
        for item in listed:
            assert item.score == pytest.approx(sum(item.explanation.contributions.values()))
        again = RecommendedList.from_dict(listed.to_dict())
        assert again.contract == listed.contract

    def test_what_the_list_was_chosen_from_is_said(self, recommender):
        _history, _contract, listed = self.ask(recommender, ContractTerms(new_artist_share=0.2))
        candidates = dict(listed.candidates)
        assert {item.item_id for item in listed} <= set(candidates)
        assert list(candidates.values()) == sorted(candidates.values(), reverse=True)

    def test_a_song_that_gave_way_to_the_contract_is_told_so(self, recommender):
        terms = ContractTerms(new_artist_share=1)
        history, contract, listed = self.ask(recommender, terms)
        usual = recommender.recommend(history, 10)
        gone = next(item for item in usual if item.item_row < recommender.n_items // 2)
        trace = recommender.trace_song(history, gone.item_row, 10, contract=contract)
        assert trace.step == "contract"
        there = recommender.trace_song(history, listed.items[0].item_row, 10, contract=contract)
        assert there.step == "listed"

    def test_no_song_gave_way_to_a_contract_where_there_is_none(self, recommender):
        history = recommender.history(recommender.item_ids[:5])
        traces = [recommender.trace_song(history, row, 10) for row in range(recommender.n_items)]
        listed = {item.item_row for item in recommender.recommend(history, 10)}
        assert {row for row, trace in enumerate(traces) if trace.step == "listed"} == listed
        assert "contract" not in {trace.step for trace in traces}

    def test_what_gave_way_to_a_contract_is_exactly_what_would_be_listed_without_it(
        self, recommender
    ):
        terms = ContractTerms(new_artist_share=1)
        history, contract, listed = self.ask(recommender, terms)
        usual = {item.item_row for item in recommender.recommend(history, 10)}
        gave_way = {
            row
            for row in range(recommender.n_items)
            if recommender.trace_song(history, row, 10, contract=contract).step == "contract"
        }
        assert gave_way == usual - {item.item_row for item in listed}

    def test_the_tail_is_what_is_not_of_the_most_popular_fifth(self, recommender):
        counts = recommender.algorithms["popularity"].n_listeners_
        is_tail = recommender.find_tail()
        assert counts[~is_tail].min() >= counts[is_tail].max()
        assert (~is_tail).sum() >= recommender.n_items / 5 - 1
