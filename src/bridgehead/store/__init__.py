"""Tables, connections, migrations: the only room that knows SQLite from PostgreSQL.

In: a database URL. Out: connections and transactions on the current schema.
Never: decides anything, keeps state outside the database.
"""

from bridgehead.store.session import Store

__all__ = ["Store"]
