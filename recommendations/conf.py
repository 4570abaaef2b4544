"""Every tunable of the recommendations, once: its type, its unit, its default and what it is for.

Each is read from Django's settings (upper-case name), else from the environment variable of that name, else
it has its default. docs/settings.md lists them; a system check reads them all at start.
"""

from common.tunables import Tunable, TunableGroup


class Tunables(TunableGroup):
    """What can be tuned, by what it is about."""

    # Lists
    list_length = Tunable(20, "songs", "Length of a list when nobody asks for another.", least=1)
    longest_list = Tunable(
        200, "songs", "A page or the API never answers more in one list.", least=1
    )
    precomputed_length = Tunable(
        20, "songs", "Length of the lists computed ahead of time.", least=1
    )
    precompute_batch = Tunable(10_000, "listeners", "Lists computed together.", least=1)
    lists_active_days = Tunable(
        60,
        "days",
        "Lists and playlists are made ahead of time for who was active within them; 0: for everybody.",
        least=0,
    )
    list_cache_seconds = Tunable(
        3600, "s", "A list in the cache is served at most this long.", least=0
    )
    catalog_mask_seconds = Tunable(
        60, "s", "How long a process trusts its picture of which songs are available.", least=0
    )
    popular_cache_seconds = Tunable(
        600, "s", "How long the most played songs are remembered without a model.", least=0
    )
    loaded_versions = Tunable(2, "model versions", "Kept in the memory of one process.", least=1)

    # Training
    preset = Tunable(
        "standard",
        "a preset's name",
        "What `make run` begins with and what Retrain and `train_model` offer.",
    )
    scheduled_preset = Tunable(
        "tuned", "a preset's name", "What the schedule trains, when there is time for a search."
    )
    scheduled_engine = Tunable(
        "local", "local or spark", "Where the schedule trains: on the worker, or on SPARK_MASTER."
    )
    retrain_after = Tunable(
        0, "new interactions",
        "Train by itself, at the hour, once so many came in; 0 leaves it to the nightly schedule.",
        least=0,
    )  # fmt: skip
    retrain_share = Tunable(
        0.1,
        "share of the newest version's interactions",
        "Train by itself, with the default preset, after an import and at the hour, once so much is new; 0: never.",
        least=0,
    )
    minimum_interactions = Tunable(
        1, "interactions", "Below this there is nothing to learn from.", least=1
    )
    evaluation_share = Tunable(
        0.2, "share of a listener's songs", "Held out to measure a training.", least=0.01
    )
    evaluation_listeners = Tunable(
        1000, "listeners", "Measured at most, drawn by the run's seed.", least=1
    )
    sample_listeners_from = Tunable(
        50_000,
        "listeners",
        "From so many on songs of a sample only are held out, and scheduled trainings begin warm.",
        least=1,
    )
    warm_starts = Tunable(
        6,
        "trainings",
        "Scheduled trainings in a row that begin with the factors of the one before.",
        least=0,
    )
    fidelity_cases = Tunable(
        200,
        "recommended songs",
        "Whose reason is checked by taking the named song away; as many more tell which reasons are decisive.",
        least=1,
    )
    gate_drop = Tunable(
        0.1,
        "share of NDCG@10",
        "A version is not activated when it is surely worse than the active one by this.",
        least=0,
    )
    versions_kept = Tunable(
        5, "model versions", "Ready versions whose files stay after a training.", least=2
    )
    read_chunk = Tunable(200_000, "rows", "Read from the database in one statement.", least=1)
    memory_reserve_mb = Tunable(
        200, "MB", "Left to the rest of the machine when a training asks for memory.", least=0
    )

    # What is not kept for ever
    events_days = Tunable(
        180, "days", "Lists shown, and what listeners did with them, are kept so long.", least=30
    )
    recorded_lists_days = Tunable(
        14, "days", "Served lists can be replayed so long; 0 records none.", least=0
    )
    recorded_lists = Tunable(
        20_000, "lists", "Recorded at most, the newest ones; about 5 kB each.", least=1
    )
    training_logs_days = Tunable(
        90,
        "days",
        "Logs of trainings, and background jobs that are over, are kept so long.",
        least=1,
    )
    trainings_days = Tunable(
        365, "days", "Trainings without a version are listed so long.", least=1
    )
    leftovers_after_seconds = Tunable(
        3600, "s", "Folders without a version are removed at this age.", least=0
    )


conf = Tunables()
