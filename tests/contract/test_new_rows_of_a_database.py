"""The same rows, the same batch: what came into a table of SQLite and of PostgreSQL since the last look."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg
import pytest

from bridgehead.declare.model import Source
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.arrivals.rows import Found
from bridgehead.watch.contract.model import Table
from bridgehead.watch.new_rows import new_rows

TABLE = Table(name="loads", physical="loads", columns=())
CREATE = "create table loads (id integer, loaded_at timestamp, day date)"
Run = Callable[[str], None]
Look = Callable[..., Found]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Run, Look]:
    """Return what runs a statement, and what looks for new rows."""
    if request.param == "sqlite":
        file = tmp_path / "loads.sqlite"

        def run(sql: str) -> None:
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute(sql)

        source = Source.model_construct(driver="sqlite", path="loads.sqlite", address="", wall="")
    else:
        url = request.getfixturevalue("postgresql_url").replace("postgresql+psycopg", "postgresql")
        monkeypatch.setenv("LOADS", url)

        def run(sql: str) -> None:
            with psycopg.connect(url) as connection:
                connection.execute(sql)  # type: ignore[call-overload]

        source = Source.model_construct(driver="postgresql", path="", address="LOADS", wall="")

    def look(column: str, beyond: str | None, by_day: bool = False) -> Found:
        return new_rows(source, tmp_path, TABLE, column, beyond, by_day=by_day, clock=SystemClock())

    run(CREATE)
    return run, look


@pytest.mark.parametrize("column", ["id", "loaded_at", "day"])
def test_rows_beyond_the_newest_known_are_counted(database: tuple[Run, Look], column: str) -> None:
    run, look = database
    assert look(column, None) == Found(beyond="", newest="", rows=0)
    run("insert into loads values (1, '2026-11-02 04:50:00', '2026-11-01')")
    first = look(column, None)
    assert (first.rows, bool(first.newest)) == (0, True), "rows of before the first look are no batch"
    assert look(column, first.newest).rows == 0
    for number in (2, 3):
        run(f"insert into loads values ({number}, '2026-11-0{number} 05:00:00.25', '2026-11-0{number}')")
    found = look(column, first.newest, by_day=column == "day")
    assert found.rows == 2
    assert found.days == ((date(2026, 11, 2), date(2026, 11, 3)) if column == "day" else ())
    assert look(column, found.newest).rows == 0


def test_a_table_that_is_filled_anew_is_counted_whole(database: tuple[Run, Look]) -> None:
    run, look = database
    run("insert into loads values (1, '2026-11-02 04:50:00', null)")
    first = look("loaded_at", None)
    run("delete from loads")
    assert (look("loaded_at", first.newest).rows, look("loaded_at", first.newest).newest) == (0, "")
    for number in range(5):
        run(f"insert into loads values ({number}, '2026-11-03 04:50:00', null)")
    assert look("loaded_at", first.newest).rows == 5


@pytest.mark.parametrize("harm", ["no column", "no table"])
def test_what_cannot_be_read_is_not_taken_for_nothing_new(database: tuple[Run, Look], harm: str) -> None:
    run, look = database
    if harm == "no table":
        run("drop table loads")
    with pytest.raises(WatchError, match="could not be read") as caught:
        look("nothing" if harm == "no column" else "id", "1")
    assert caught.value.code == "BH-WAT-037"
