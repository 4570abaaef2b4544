"""Every example of docs/api.md is run against the running server."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from accounts import tokens
from catalog.models import Artist, Interaction, Song
from recommendations.models import ModelVersion, Outcome, TrainingRun
from recommendations.services.training import pipeline, training_requests

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
# A curl that fails where the answer is an error, and says what was asked.
CURL = (
    'curl() { echo "ASKED $*"; command curl --silent --show-error --fail-with-body "$@"; echo; }\n'
)


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def fill_in(live_server, world, monkeypatch):
    """Return a function that puts what is here into an example: the server, a token, and ids that exist."""
    monkeypatch.setattr(
        "recommendations.tasks.send_wake_up", lambda *args: True
    )  # no worker is to be woken up
    second = training_requests.request_training(preset="classic", trigger="command")
    pipeline.run_training(second.pk, "test")
    for old, new in (("song_20", "song_00042"), ("song_22", "song_00007")):
        Song.objects.filter(key=old).update(key=new)
    seventh, _ = Artist.objects.get_or_create(pk=7, defaults={"name": "The Lanterns"})
    Song.objects.create(key="song_of_artist_7", title="Ember", artist=seventh)
    run = TrainingRun.objects.create(preset="classic", trigger="api", status="failed")
    user = world.alice.user
    user.is_staff = user.is_superuser = True
    user.save()
    playlist = world.alice.post("playlists/", {"title": "Here", "songs": ["song_00042"]}).body["id"]
    here = {
        "http://127.0.0.1:8000": live_server.url,
        "mrec_…": tokens.create_token(user, "guide", ["read", "write", "listen"]).secret,
        "/<id>/": f"/{playlist}/",
        "training-runs/12/": f"training-runs/{run.pk}/",
        "model-versions/3/": f"model-versions/{ModelVersion.objects.latest('pk').pk}/",
    }

    def fill(text: str) -> str:
        for there, ours in here.items():
            text = text.replace(there, ours)
        return text

    return fill


def test_every_example_in_the_shell_is_answered(fill_in, world):
    if shutil.which("curl") is None:
        pytest.skip("No curl is installed.")
    script = CURL + fill_in("".join(examples("sh")))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    n_asked = len(re.findall(r"^curl ", "".join(examples("sh")), re.MULTILINE))
    assert done.stdout.count("ASKED ") == n_asked > 15


def test_every_example_in_python_works(fill_in, world):
    namespace: dict = {}
    for example in examples("python"):
        exec(compile(fill_in(example), "docs/api.md", "exec"), namespace)
    assert Interaction.objects.for_listener(world.alice.user).plays_and_skips().count() == 2
    assert Outcome.objects.get().kind == "click"
