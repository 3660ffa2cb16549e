"""What a PostgreSQL server says about itself that decides whether our promises hold on it.

Asked by ``bridgehead doctor``. Never: changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from bridgehead.store.engines import POOL
from bridgehead.store.session import Store

OLDEST = 13
"""Major version; older ones get no fixes any more (https://www.postgresql.org/support/versioning/)."""
CONNECTIONS = 2 * (POOL["pool_size"] + POOL["max_overflow"])
"""What one process of ours may open at most: its writers and its readers."""
OF_THE_ENGINE = 21
"""What dbos opens beside them in a worker, at most: its pool, and one to listen on."""
_QUERY = text(
    """
    select current_setting('server_version_num')::int / 10000 as version,
        current_setting('fsync') = 'on' as fsync,
        current_setting('full_page_writes') = 'on' as full_page_writes,
        current_setting('synchronous_commit') as synchronous_commit,
        current_setting('synchronous_standby_names') <> '' as has_standby,
        current_setting('server_encoding') as encoding,
        pg_is_in_recovery() as standby,
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - (select count(*) from pg_stat_activity where backend_type = 'client backend') as free,
        (select rolsuper from pg_roles where rolname = current_user) as superuser,
        clock_timestamp() as now
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A server's answers. ``free`` counts connections that are left now; ``now`` is its clock."""

    version: int
    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    has_standby: bool
    encoding: str
    standby: bool
    free: int
    superuser: bool
    now: datetime


def health(store: Store) -> Health:
    """Ask the server of a shared store. Raises ``StoreError``."""
    with store.reading() as connection:
        return Health(**connection.execute(_QUERY).one()._mapping)
