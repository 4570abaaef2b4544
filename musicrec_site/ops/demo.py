"""The demo world as the commands show it: its sign-in, three example listeners and the measured quality."""

from django.db.models import Count

from accounts.models import User
from catalog.imports import demo_import
from catalog.models import ImportRun, Song
from recommendations.engine import RecommenderConfig
from recommendations.models import ModelVersion

N_LISTENERS = 10_000
N_SONGS = 5_000
SEED = 7
CROWD = 1000
"""A demo of fewer listeners comes with a seed pack; more of them need none."""
LISTENER = demo_import.LISTENER
PASSWORD = demo_import.PASSWORD


def needs_demo() -> bool:
    """True for an empty database, and for one in which the demo was begun and stopped before it was ready."""
    if has_login():
        return not ModelVersion.objects.exists()
    return needs_world(N_LISTENERS, N_SONGS, SEED)


def needs_world(n_listeners: int, n_songs: int, seed: int) -> bool:
    """True for an empty database, and for one that has only a part of this world."""
    if not Song.objects.exists():
        return True
    runs = ImportRun.objects.filter(
        format=demo_import.SOURCE,
        options__n_listeners=n_listeners,
        options__n_songs=n_songs,
        options__seed=seed,
    )
    done = runs.filter(content=ImportRun.Content.LISTENS, status=ImportRun.Status.SUCCEEDED)
    return runs.exists() and not done.exists()


def has_login() -> bool:
    """True when the demo listener is there and has the known password."""
    listener = User.objects.filter(username=LISTENER).first()
    return (
        listener is not None
        and listener.has_usable_password()
        and listener.check_password(PASSWORD)
    )


def create_login() -> None:
    """Let the demo listener sign in."""
    listener = User.objects.get(username=LISTENER)
    listener.set_password(PASSWORD)
    listener.save(update_fields=["password"])


def find_example_listeners() -> list[tuple[str, User]]:
    """Return a hot listener, a cold one and a brand new one, with what to call them."""
    counted = User.objects.annotate(n_songs=Count("interactions__song", distinct=True)).order_by(
        "pk"
    )
    hot = counted.filter(n_songs__gte=RecommenderConfig.hot_from).first()
    cold = counted.filter(n_songs__range=(1, RecommenderConfig.cold_below - 1)).first()
    new, _ = User.objects.get_or_create(username="somebody_new", defaults={"password": "!"})
    examples = [
        ("a listener with a long history", hot),
        ("one with a few songs", cold),
        ("a brand new one", new),
    ]
    return [(who, listener) for who, listener in examples if listener is not None]


def format_evaluation_table(version: ModelVersion) -> str:
    """Return what the training measured as text: a line a system, a column a metric, with the interval of NDCG."""
    report = version.metrics.get("report")
    if not report:
        return "(not measured)"
    shown = (
        "precision@5",
        "precision@10",
        "ndcg@10",
        "recall@20",
        "map@10",
        "hit_rate@10",
        "coverage@10",
    )
    lines = [f"{'':14}" + "".join(f"{name:>14}" for name in shown)]
    for system, metrics in report["systems"].items():
        lines.append(
            f"{system:14}"
            + "".join(f"{_format_mean(metrics['overall'].get(name)):>14}" for name in shown)
        )
    lines.append(f"({report['split']} split, {report['n_listeners']:,} listeners)")
    return "\n".join(lines)


def _format_mean(value: dict[str, float] | float | None) -> str:
    if value is None:
        return "-"
    return f"{value['mean'] if isinstance(value, dict) else value:.4f}"
