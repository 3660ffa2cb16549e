"""Of a table with ``at_least`` no statement tells one person from another, whatever its figures are called.

SQLite takes a name in HAVING for a column, of any row of the group, before it takes it for a figure.
"""

from __future__ import annotations

import itertools
import sqlite3

import duckdb
import pytest

from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rights import ColumnRight, Dialect, Rights, TableRight

ALIASES = [
    "ssn",
    "SSN",
    '"ssn"',
    '"Ssn"',
    "id",
    "team",
    "hidden",
    "rowid",
    "oid",
    "_rowid_",
    "town",
    "figure",
]
PLACES = [
    "select count(*) as {} from people where id >= 7 having {} >= '1013'",
    "select count(*) as {}, avg(id) as other from people where id >= 7 having not {} < '1013'",
    "select team, count(*) as {} from people group by team having {} between '1013' and '1014'",
    "select team, count(*) as {} from people group by team having ({} = '1013') or count(*) < 0",
    "select team, sum(id) as {} from people group by team order by {}",
    "select people.team, count(*) as {} from people join towns on towns.id = people.id group by people.team"
    " having {} > 'b'",
]


def _rights(dialect: Dialect) -> Rights:
    people = TableRight(
        name="people", schema="main", called="people", rows="all", at_least=5, key="id",
        hidden=frozenset({"hidden"}),
        columns=tuple(ColumnRight(name=n, type=k) for n, k in
                      (("id", "integer"), ("team", "text"), ("ssn", "text"))),
    )  # fmt: skip
    towns = TableRight(
        name="towns", schema="main", called="towns", rows="all",
        columns=(ColumnRight(name="id", type="integer"), ColumnRight(name="town", type="text")),
    )  # fmt: skip
    return Rights(dialect=dialect, tables={"people": people, "towns": towns})


def _world(dialect: Dialect, turned: bool) -> sqlite3.Connection | duckdb.DuckDBPyConnection:
    """Two worlds with the same figures; who has which number differs."""
    made = sqlite3.connect(":memory:") if dialect == "sqlite" else duckdb.connect()
    made.execute("create table people (id integer primary key, team text, ssn text, hidden text)")
    made.execute("create table towns (id integer, town text)")
    for number in range(1, 21):
        owned = 21 - number if turned else number
        made.execute(
            f"insert into people values ({number}, '{'ab'[number > 10]}', '{1000 + owned}', '{owned}')"
        )
        made.execute(f"insert into towns values ({number}, '{'abcd'[owned % 4]}')")
    return made


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_no_name_of_a_figure_reads_one_row(dialect: Dialect) -> None:
    worlds, rights = [_world(dialect, False), _world(dialect, True)], _rights(dialect)
    asked = [place.format(a, b) for place, a, b in itertools.product(PLACES, ALIASES, ALIASES)]
    answered = 0
    for sql in asked:
        try:
            made = rewrite(sql, rights)
        except SqlRefused as refused:
            assert refused.rule in ("sql.groups", "sql.part"), sql
            continue
        first, second = [_told(world, made.sql) for world in worlds]
        assert first == second, f"{sql} tells the worlds apart: {first} and {second}"
        answered += 1
    assert answered
    for world in worlds:
        world.close()


def _told(world: sqlite3.Connection | duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        return str(sorted(map(str, world.execute(sql).fetchall())))
    except (sqlite3.Error, duckdb.Error) as error:
        return type(error).__name__


@pytest.mark.parametrize("alias", ["ssn", "TEAM", "rowid", "town"])
def test_a_figure_called_like_a_column_is_refused_in_words(alias: str) -> None:
    sql = f"select count(*) as {alias} from people join towns on towns.id = people.id"
    with pytest.raises(SqlRefused) as refused:
        rewrite(sql, _rights("sqlite"))
    assert f"give {alias} another name" in refused.value.words


def test_a_group_keeps_the_name_of_its_column() -> None:
    made = rewrite(
        "select p.team as team, count(*) as people from people p group by p.team", _rights("sqlite")
    )
    assert made.grouped
