"""Server time of the pages people wait for, beside its limits: `python -m benchmarks.pages`.

A demo world of 13,500 songs with a trained model, and a listener with 1,000 likes. Each request goes through all of
Django in this process: middleware, database, model, template. `--songs 100000` measures browsing and searching in a
catalog of that size instead; it needs no model.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.speed import Row, own_site, print_rows, seconds

if TYPE_CHECKING:
    from django.test import Client


HOME_MS = 100.0
LIKE_MS = 30.0
BROWSE_MS = 150.0
N_SONGS = 13_500
N_LISTENERS = 3_000
N_LIKES = 1_000
REPEATS = 25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--songs", type=int, help="Measure only browsing, in a catalog of so many songs."
    )
    n_songs = parser.parse_args().songs
    with own_site():
        import django

        django.setup()
        rows = measure_browsing(catalog(n_songs)) if n_songs else measure(world())
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':58}{'median':>14}{'limit':>14}")
    return print_rows(rows)


def world() -> "Client":
    """Make songs, listeners and a model, and return a browser of somebody who likes 1,000 songs."""
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from accounts.models import User
    from catalog.models import Interaction, Song

    call_command("migrate", verbosity=0, skip_checks=True)
    call_command("seed_demo_data", listeners=N_LISTENERS, songs=N_SONGS, seed=7)
    fan = User.objects.create_user("fan")
    liked = Song.objects.order_by("pk").values_list("pk", flat=True)[: N_LIKES * 3 : 3]
    Interaction.objects.bulk_create(
        Interaction(
            listener=fan,
            song_id=pk,
            kind=Interaction.Kind.LIKE,
            source="bench",
            occurred_at=timezone.now(),
        )
        for pk in liked
    )
    call_command("train_model")
    client = Client(headers={"host": "localhost"})
    client.force_login(fan)
    return client


def measure(client: "Client") -> list[Row]:
    from catalog.models import Song

    songs = iter(Song.objects.order_by("-pk").values_list("pk", flat=True)[: 6 * REPEATS])

    def like() -> None:
        address = f"/songs/{next(songs)}/opinion/"
        assert (
            client.post(address, {"opinion": "like"}, headers={"HX-Request": "true"}).status_code
            == 200
        )

    home = page(client, "/")
    return [
        Row("home page, 1,000 likes, nothing changed", median(home), "ms", HOME_MS),
        Row(
            "home page right after a like (list made live)",
            median(home, before=like),
            "ms",
            HOME_MS,
        ),
        Row("  processor time of it", processor(home, before=like), "ms"),
        Row("a like", median(like), "ms", LIKE_MS),
        Row("why panel", median(page(client, f"/songs/{next(songs)}/why/")), "ms"),
        Row("song page", median(page(client, f"/songs/{next(songs)}/")), "ms"),
        Row("search by words", median(page(client, "/browse/?q=moon")), "ms"),
        Row("search by sound", median(page(client, "/browse/?energy_min=60&valence_max=40")), "ms"),
        Row("taste profile", median(page(client, "/taste/")), "ms"),
        Row("library, likes", median(page(client, "/library/")), "ms"),
    ]


def catalog(n_songs: int) -> "Client":
    """Make so many songs with a few listeners, and return a browser of somebody signed in."""
    from django.core.management import call_command
    from django.test import Client

    from accounts.models import User

    call_command("migrate", verbosity=0, skip_checks=True)
    call_command("seed_demo_data", listeners=1_000, songs=n_songs, seed=7)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_user("fan"))
    return client


def measure_browsing(client: "Client") -> list[Row]:
    from catalog.models import Genre

    genre = Genre.objects.order_by("pk").values_list("pk", flat=True)[0]
    searches = {
        "browse": "",
        "by a word": "q=moon",
        "by a word with capitals and accents": "q=M%C3%96%C3%B6n",
        "by a letter that nearly every song has": "q=a",
        "by a word that no song has": "q=zzzqqq",
        "by genre": f"genre={genre}",
        "by genre and a letter": f"genre={genre}&q=a",
        "by years": "year_from=1990&year_to=1995",
        "by sliders": "energy_min=60&valence_max=40",
        "by sliders that no song passes": "energy_min=95&valence_max=5&tempo_min=200",
        "by a word, years and sliders": "q=moon&year_from=1990&energy_min=60",
        "the fortieth page of a letter": "q=a&page=40",
    }
    return [
        Row(name, median(page(client, f"/browse/?{query}")), "ms", BROWSE_MS)
        for name, query in searches.items()
    ]


def page(client: "Client", path: str) -> Callable[[], None]:
    def get() -> None:
        assert client.get(path).status_code == 200

    return get


def median(work: Callable[[], None], before: Callable[[], None] | None = None) -> float:
    """Return the median of several runs in ms, after one to warm up."""
    times = []
    for _repeat in range(REPEATS + 1):
        if before:
            before()
        times.append(1000 * seconds(work))
    return statistics.median(times[1:])


def processor(work: Callable[[], None], before: Callable[[], None]) -> float:
    """Return the median processor time in ms: what the page costs on a machine that has nothing else to do."""
    times = []
    for _repeat in range(REPEATS):
        before()
        started = time.process_time()
        work()
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
