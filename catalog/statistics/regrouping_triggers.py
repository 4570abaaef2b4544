"""Triggers that note songs which got another artist, album or genre, whatever code changed them.

Nothing is noted while no listener has entity totals: those of the first one are counted later than they are asked for,
from the songs as they are then. The triggers are made after every migration, because SQLite drops a table's triggers
when a migration makes the table anew.
"""

from django.db import connections

# ruff: noqa: S608  (only names of our own tables)

_NAME = "song_regrouped"
_TABLES = {"catalog_song", "catalog_song_genres", "catalog_regroupedsong", "catalog_listeningsums"}
_NOTE = "INSERT INTO catalog_regroupedsong (song_id)"
_IF_READ = "EXISTS (SELECT 1 FROM catalog_listeningsums WHERE entities > 0)"

_SQLITE = (
    f"""
CREATE TRIGGER IF NOT EXISTS {_NAME}_moved AFTER UPDATE OF artist_id, album_id ON catalog_song
FOR EACH ROW WHEN (NEW.artist_id <> OLD.artist_id OR NEW.album_id IS NOT OLD.album_id) AND {_IF_READ}
BEGIN {_NOTE} VALUES (NEW.id); END
""",
    f"""
CREATE TRIGGER IF NOT EXISTS {_NAME}_tagged AFTER INSERT ON catalog_song_genres
FOR EACH ROW WHEN {_IF_READ}
BEGIN {_NOTE} VALUES (NEW.song_id); END
""",
    f"""
CREATE TRIGGER IF NOT EXISTS {_NAME}_untagged AFTER DELETE ON catalog_song_genres
FOR EACH ROW WHEN {_IF_READ}
BEGIN {_NOTE} VALUES (OLD.song_id); END
""",
    f"""
CREATE TRIGGER IF NOT EXISTS {_NAME}_retagged AFTER UPDATE ON catalog_song_genres
FOR EACH ROW WHEN {_IF_READ}
BEGIN {_NOTE} VALUES (OLD.song_id); {_NOTE} VALUES (NEW.song_id); END
""",
)
_POSTGRESQL = (
    f"""
CREATE OR REPLACE FUNCTION {_NAME}_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {_IF_READ} THEN
        {_NOTE} VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$
""",
    f"""
CREATE OR REPLACE FUNCTION {_NAME}_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT {_IF_READ} THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        {_NOTE} SELECT DISTINCT song_id FROM before_change;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        {_NOTE} SELECT DISTINCT song_id FROM after_change;
    END IF;
    RETURN NULL;
END $$
""",
    f"""
CREATE OR REPLACE TRIGGER {_NAME}_moved AFTER UPDATE OF artist_id, album_id ON catalog_song
FOR EACH ROW
WHEN (NEW.artist_id <> OLD.artist_id OR NEW.album_id IS DISTINCT FROM OLD.album_id)
EXECUTE FUNCTION {_NAME}_row()
""",
    f"""
CREATE OR REPLACE TRIGGER {_NAME}_tagged AFTER INSERT ON catalog_song_genres
REFERENCING NEW TABLE AS after_change
FOR EACH STATEMENT EXECUTE FUNCTION {_NAME}_tags()
""",
    f"""
CREATE OR REPLACE TRIGGER {_NAME}_untagged AFTER DELETE ON catalog_song_genres
REFERENCING OLD TABLE AS before_change
FOR EACH STATEMENT EXECUTE FUNCTION {_NAME}_tags()
""",
    f"""
CREATE OR REPLACE TRIGGER {_NAME}_retagged AFTER UPDATE ON catalog_song_genres
REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
FOR EACH STATEMENT EXECUTE FUNCTION {_NAME}_tags()
""",
)


def create_triggers(using: str = "default") -> None:
    """Make the triggers where all tables are there; they may be there already."""
    connection = connections[using]
    if not set(connection.introspection.table_names()) >= _TABLES:
        return
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)
