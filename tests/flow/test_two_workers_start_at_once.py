"""Two workers start at the same moment on a new database: both come to work. Found by ``bench/chaos.py``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine

from bridgehead.run import dbos_rows


@pytest.mark.postgresql
def test_the_second_one_finds_the_tables_protected_by_the_first(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create schema dbos")
        connection.exec_driver_sql("create table dbos.notifications (serialization text)")
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as first:
            dbos_rows.refuse_pickle(first)
            second = pool.submit(protect, engine)
            while not somebody_waits(engine):
                assert not second.done()
        second.result()
    engine.dispose()


def protect(engine: Engine) -> None:
    with engine.begin() as connection:
        dbos_rows.refuse_pickle(connection)


def somebody_waits(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.exec_driver_sql("select 1 from pg_locks where not granted").first())
