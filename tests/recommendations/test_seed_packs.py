"""Seed packs: made by one site, brought to another, and used by its next training."""

import json
import shutil
import uuid
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.html import conditional_escape
from scipy.sparse import csr_matrix

from accounts.models import User
from catalog.models import Song
from recommendations.engine import Prior, SeedPack, World, load_pack, save_pack
from recommendations.services.data import demo_world, training_rows
from recommendations.services.lists import cold_items
from recommendations.services.seeds import seed_packs
from recommendations.services.serving import recommend
from recommendations.services.versions import registry
from tests.recommendations.conftest import train


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()


@pytest.fixture
def with_ids(world):
    songs = list(Song.objects.order_by("pk"))
    for song in songs[::2]:
        song.mbid = uuid.uuid5(uuid.NAMESPACE_DNS, song.key)
    Song.objects.bulk_update(songs, ["mbid"])


@pytest.fixture
def pack(with_ids, tmp_path):
    folder = tmp_path / "pack"
    call_command("export_seed", str(folder))
    return folder


def test_a_pack_is_counts_of_pairs_that_ten_listeners_share(pack):
    loaded = load_pack(pack)
    assert loaded.prior.fewest() >= 10
    events = training_rows.read().interactions
    assert loaded.prior.together.data.max() <= events.n_listeners
    names = {path.name for path in pack.iterdir()}
    assert names == {
        "manifest.json", "n_listeners.npy", "counts.npy", "neighbours.npy", "starts.npy",
        *(f"{name}_{half}.npy" for half in ("bytes", "ends")
          for name in ("keys", "former", "current", "titles", "artist_names", "artist_keys",
                       "album_titles", "album_keys")),
    }  # fmt: skip
    mbids = {str(mbid) for mbid in Song.objects.exclude(mbid=None).values_list("mbid", flat=True)}
    assert mbids & set(loaded.prior.keys.tolist())


def test_a_pack_of_this_site_names_the_albums_of_its_catalogue(pack):
    labels = load_pack(pack).labels
    titles = set(Song.objects.exclude(album=None).values_list("title", "album__title"))
    assert titles >= set(zip(labels.titles, labels.album_titles, strict=True))
    assert set(labels.album_keys) == {""}


def test_a_pack_without_albums_still_loads_and_has_none(pack, tmp_path):
    """What version 0.4.0 wrote: the same version, without the arrays of albums."""
    loaded = load_pack(pack)
    older = replace(loaded, labels=replace(loaded.labels, album_titles=(), album_keys=()))
    save_pack(tmp_path / "older", older)
    assert not list((tmp_path / "older").glob("album*"))
    call_command("load_seed", str(tmp_path / "older"))
    labels = seed_packs.find_pack().labels
    assert list(labels.titles) == list(loaded.labels.titles)
    assert (labels.album_titles, labels.album_keys) == ((), ())


def test_albums_that_are_not_about_the_songs_are_neither_saved_nor_loaded(pack, tmp_path):
    loaded = load_pack(pack)
    few = replace(loaded, labels=replace(loaded.labels, album_titles=["One"], album_keys=["x"]))
    with pytest.raises(ValueError, match="1 albums with 1 ids for"):
        save_pack(tmp_path / "few", few)
    manifest = json.loads((pack / "manifest.json").read_text())
    assert {"album_titles_ends", "album_keys_bytes"} <= set(manifest["arrays"])
    (pack / "album_keys_ends.npy").unlink()
    with pytest.raises(CommandError):
        call_command("load_seed", str(pack))


@pytest.mark.parametrize("asked", [0, 1, 9])
def test_the_floor_is_enforced(world, tmp_path, asked):
    with pytest.raises(
        CommandError, match=f"At least 10 listeners must share a pair.*{asked} were asked"
    ):
        call_command("export_seed", str(tmp_path / "pack"), "--fewest-listeners", str(asked))
    assert not (tmp_path / "pack").exists()


def test_more_listeners_than_there_are_give_no_pack(world, tmp_path):
    with pytest.raises(CommandError, match="nothing to export"):
        call_command("export_seed", str(tmp_path / "pack"), "--fewest-listeners", "1000")


def test_the_next_training_uses_a_loaded_pack_and_says_so(pack, capsys):
    call_command("load_seed", str(pack))
    assert "The next training uses it." in capsys.readouterr().out
    rows = training_rows.read()
    assert rows.prior is not None
    assert len(rows.prior) == rows.interactions.n_items
    run = train(config={"search": None, "ranker": None, "follows_crowd": True})
    assert run.status == "succeeded", run.error
    call_command("load_seed", "--remove")
    assert training_rows.read().prior is None


def test_a_song_newer_than_the_model_is_placed_by_what_listeners_elsewhere_heard(world, tmp_path):
    train()
    recommender = registry.load_recommender(registry.require_active())
    near, far = Song.objects.order_by("pk")[:2]
    new = Song.objects.create(key="new", title="New", artist=near.artist, mbid=uuid.uuid4())
    together = csr_matrix(np.array([[0, 40, 12], [40, 0, 10], [12, 10, 0]], dtype=np.float32))
    keys = np.array([seed_packs.get_key(song) for song in (new, near, far)])
    pack = SeedPack(Prior(keys, np.array([50, 60, 60]), together), {}, {"source": "a test"})
    save_pack(tmp_path / "pack", pack)
    seed_packs.install_pack(tmp_path / "pack")
    assert cold_items.find_proxy_songs([new.pk], recommender) == [near.pk, far.pk]
    seed_packs.remove_pack()
    by_artist = cold_items.find_proxy_songs([new.pk], recommender)
    assert set(Song.objects.filter(pk__in=by_artist).values_list("artist_id", flat=True)) == {
        near.artist_id
    }


def damage(pack, how):
    if how == "changed":
        path = pack / "counts.npy"
        path.write_bytes(path.read_bytes()[:-4] + b"\x01\x02\x03\x04")
    elif how == "missing":
        (pack / "keys_ends.npy").unlink()
    elif how == "added":
        (pack / "more.npy").write_bytes(b"")
    elif how == "no manifest":
        (pack / "manifest.json").unlink()
    else:
        values = json.loads((pack / "manifest.json").read_text())
        values["about"]["pack_version"] = 99
        (pack / "manifest.json").write_text(json.dumps(values))


@pytest.mark.parametrize("how", ["changed", "missing", "added", "no manifest", "another version"])
def test_a_damaged_pack_is_refused_in_a_sentence_and_the_one_before_stays(pack, tmp_path, how):
    seed_packs.install_pack(pack)
    damaged = shutil.copytree(pack, tmp_path / "damaged")
    damage(damaged, how)
    with pytest.raises(CommandError) as refused:
        call_command("load_seed", str(damaged))
    assert str(refused.value).count("\n") == 0
    assert seed_packs.find_pack() is not None
    assert [path.name for path in seed_packs.get_pack_folder().parent.iterdir()] == ["pack"]


def test_a_model_is_no_pack(version, settings):
    with pytest.raises(CommandError, match="is no seed pack"):
        call_command("load_seed", str(settings.ARTIFACTS_DIR / version.artifact))


def test_a_pack_of_pairs_of_few_listeners_is_refused(tmp_path):
    heard = np.ones((3, 4), dtype=np.float32)
    from scipy.sparse import csr_matrix

    prior = Prior.count(csr_matrix(heard), np.array(["a", "b", "c", "d"]), fewest_listeners=2)
    save_pack(tmp_path / "few", SeedPack(prior, {}, {}))
    with pytest.raises(CommandError, match="pairs of 3 listeners; at least 10 are needed"):
        call_command("load_seed", str(tmp_path / "few"))


def test_former_ids_are_followed(tmp_path):
    from scipy.sparse import csr_matrix

    heard = csr_matrix(np.ones((12, 2), dtype=np.float32))
    prior = Prior.count(heard, np.array(["a", "b"]), fewest_listeners=10)
    save_pack(tmp_path / "pack", SeedPack(prior, {"old": "a"}, {"source": "somewhere\nelse"}))
    pack = load_pack(tmp_path / "pack")
    assert pack.over(np.array(["b", "old", "x"])).together.toarray()[0].tolist() == [0, 12, 0]
    assert pack.about["source"] == "somewhere else"


def test_explanations_name_listeners_elsewhere(song):
    from django.utils import translation

    from recommendations.services.reasons import share_text

    assert share_text.KIND_OF_COMPONENT["prior"] == "elsewhere"
    assert str(share_text.NAMES["elsewhere"]) == "Listeners elsewhere"
    with translation.override("de"):
        assert str(share_text.NAMES["elsewhere"]) == "Hörer anderswo"


def test_the_demo_of_one_listener_comes_with_a_pack_that_its_lists_use(db):
    """As `manage.py demo --listeners 1` makes it; the pages name where it comes from."""
    world = World(n_listeners=1, n_songs=120, seed=7, n_interactions=60)
    demo_world.seed_database(world)
    seed_packs.install_made_pack(demo_world.make_pack(world))
    pack = seed_packs.find_pack()
    assert pack is not None
    assert pack.prior.fewest() >= 10
    assert seed_packs.count_known_songs(pack) == len(pack.prior) > 100
    run = train(preset="standard", precompute=False)
    assert run.status == "succeeded", run.error
    served = recommend.recommend_songs(User.objects.get(username="user_00001"))
    assert any(item.explanation.shares.get("prior", 0) > 0.2 for item in served.items)
    client = Client()
    client.force_login(User.objects.get(username="user_00001"))
    page = client.get("/").content.decode()
    assert "Listeners elsewhere" in page
    client.force_login(User.objects.create_superuser("olga"))
    assert "the demo&#x27;s made-up world" in client.get("/admin/").content.decode()


def test_the_listener_of_a_demo_is_not_in_its_pack():
    """The pack counts other listeners than those of the world."""
    world = World(n_listeners=3, n_songs=50, seed=7)
    events = world.events_elsewhere()
    assert events.listener.min() >= world.n_listeners
    assert events.song.max() < world.n_songs


def read_dashboard() -> str:
    client = Client()
    operator, _ = User.objects.get_or_create(username="olga", is_staff=True, is_superuser=True)
    client.force_login(operator)
    return " ".join(client.get("/admin/").content.decode().split())


def test_the_dashboard_says_the_licence_and_the_date_of_the_pack(db, tmp_path):
    assert "Seed pack" not in read_dashboard()
    together = csr_matrix(np.array([[0, 40], [40, 0]], dtype=np.float32))
    about = {
        "source": "ListenBrainz", "licence": "CC0-1.0", "data_from": "2026-09-01",
        "data_until": "2026-09-30", "made_at": "2026-10-02",
    }  # fmt: skip
    pack = SeedPack(Prior(np.array(["a", "b"]), np.array([50, 60]), together), {}, about)
    save_pack(tmp_path / "pack", pack)
    call_command("load_seed", str(tmp_path / "pack"))
    html = read_dashboard()
    assert "1 pairs that listeners elsewhere play together, from: ListenBrainz." in html
    assert "Licence: CC0-1.0" in html
    assert "Data from: 1 Sep 2026 – 30 Sep 2026" in html
    assert "Made on: 2 Oct 2026" in html


@pytest.mark.parametrize("how", ["changed", "missing", "no manifest", "another version"])
def test_the_dashboard_says_in_a_sentence_why_a_pack_is_not_used(pack, how):
    seed_packs.install_pack(pack)
    damage(seed_packs.get_pack_folder(), how)
    html = read_dashboard()
    assert "Seed pack" in html
    assert "not used" in html
    state = seed_packs.read_state()
    assert state is not None and state.error.count("\n") == 0
    assert conditional_escape(state.error) in html


def test_the_dashboard_refuses_a_foreign_folder_in_a_sentence(version, settings):
    shutil.copytree(settings.ARTIFACTS_DIR / version.artifact, seed_packs.get_pack_folder())
    assert "is no seed pack; it holds something else that was saved." in read_dashboard()
