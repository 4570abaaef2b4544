"""What a request has read may be deleted before it writes: it tries again, or there is no such thing."""

import pytest

from accounts.models import User
from catalog.models import Artist, Interaction, Playlist, Song
from catalog.playlists import edit
from common.transactions import is_about_gone_row, retry_conflicts

Kind = Interaction.Kind


@pytest.mark.django_db(transaction=True)
def test_an_opinion_that_is_taken_back_while_it_is_changed_is_written_anew():
    """On PostgreSQL a dislike beside an unlike of the same song was answered with 500."""
    lola = User.objects.create_user("lola")
    song = Song.objects.create(key="s1", title="Tide", artist=Artist.objects.create(name="Bo"))
    row = Interaction.objects.create(listener=lola, song=song, kind=Kind.LIKE, source="test")
    Interaction.objects.filter(pk=row.pk).delete()
    errors = []

    @retry_conflicts
    def change() -> str:
        if errors:
            return "written anew"
        row.kind = Kind.DISLIKE
        try:
            row.save(update_fields=["kind"])
        except Exception as error:
            errors.append(error)
            raise
        return "changed"

    assert change() == "written anew"
    assert is_about_gone_row(errors[0])


@pytest.mark.django_db
def test_an_entry_of_a_playlist_that_is_gone_is_no_entry():
    playlist = Playlist.objects.create(owner=User.objects.create_user("lola"), title="Mine")
    Playlist.objects.filter(pk=playlist.pk).delete()
    assert edit.remove_item(playlist, 1) is False
    assert edit.move_item(playlist, 1, 1) is False
