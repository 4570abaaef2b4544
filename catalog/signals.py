"""What other apps may listen to. Upward news travels by signal, so that catalog imports nothing above it."""

from django.dispatch import Signal

# Sent after commit with `listener_ids`: the histories or opinions of these listeners changed.
listening_changed = Signal()

# Sent in the transaction that deletes plays or opinions, with `listener_id` (None for several
# listeners), `n_deleted` and `is_import`: whether an import was undone.
interactions_deleted = Signal()

# Sent in the transaction that puts deleted plays back, with `listener_id` and `n_restored`.
interactions_restored = Signal()

# Sent in the transaction of an import, with `listener` and `preferences`, a list of ImportedPreference: settings that
# the listener made of their recommendations. Receivers store what is new and return how many that was.
preferences_imported = Signal()

# Sent when a job that brought plays is over: an import, or a sync with a music server.
listens_brought = Signal()

# Sent when the songs of playlists are listed. Receivers return the condition, a Q about PlaylistItem, of those
# that the playlist's listener doesn't want: a generated playlist is listed without them, an own one is whole.
unwanted_items_asked = Signal()

# Sent after commit with `song_ids`: songs were withdrawn or are offered again.
songs_changed = Signal()
