"""Triggers that note whose interactions were changed or deleted.

They are made after every migration, because SQLite drops a table's triggers when a migration makes the table anew.
New rows need no note: their ids rise.
"""

from typing import Any

from django.db import connections

_NAME = "interaction_changed"

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {name}_{event} AFTER {event} ON catalog_interaction
FOR EACH ROW WHEN NOT EXISTS (
    SELECT 1 FROM recommendations_changedlistener WHERE listener_id = OLD.listener_id
)
BEGIN
    INSERT INTO recommendations_changedlistener (listener_id) VALUES (OLD.listener_id);
END
"""
_SQLITE_MOVED = """
CREATE TRIGGER IF NOT EXISTS {name}_MOVE AFTER UPDATE OF listener_id ON catalog_interaction
FOR EACH ROW WHEN NEW.listener_id <> OLD.listener_id
BEGIN
    INSERT INTO recommendations_changedlistener (listener_id) VALUES (NEW.listener_id);
END
"""
_POSTGRESQL = (
    """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recommendations_changedlistener (listener_id) SELECT DISTINCT listener_id FROM before_change;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO recommendations_changedlistener (listener_id)
        SELECT DISTINCT listener_id FROM after_change EXCEPT SELECT listener_id FROM before_change;
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE OR REPLACE TRIGGER {name}_update AFTER UPDATE ON catalog_interaction
REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
FOR EACH STATEMENT EXECUTE FUNCTION {name}()
""",
    """
CREATE OR REPLACE TRIGGER {name}_delete AFTER DELETE ON catalog_interaction
REFERENCING OLD TABLE AS before_change
FOR EACH STATEMENT EXECUTE FUNCTION {name}()
""",
)


def create_triggers(sender: Any = None, using: str = "default", **_: Any) -> None:
    """Make the triggers where both tables are there; they may be there already."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    if not {"catalog_interaction", "recommendations_changedlistener"} <= tables:
        return
    if connection.vendor == "postgresql":
        statements = [text.format(name=_NAME) for text in _POSTGRESQL]
    else:
        statements = [_SQLITE.format(name=_NAME, event=event) for event in ("UPDATE", "DELETE")]
        statements.append(_SQLITE_MOVED.format(name=_NAME))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
