"""No column of an answer lacks the tag of a column whose values are in it, whatever a statement does.

A tagged column holds marks that are nowhere else, and the statements run: a cell with a mark must carry the
tag. Each of a list of statements moves the column in another way; a seeded grammar puts such moves together.
"""

from __future__ import annotations

import random
import sqlite3
from typing import Any

import duckdb
import pytest

from bridgehead.enforce.entitle import Statement
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rights import ColumnRight, Dialect, Rights, TableRight
from fixtures.postgres import Server

MARK = "MARK"
TAGGED = ("ssn", "code")
COLUMNS = {"customers": ("id", "name", "ssn", "town"), "orders": ("id", "customer", "code", "note")}
CREATE = [
    "create table customers (id integer, name text, ssn text, town text)",
    "create table orders (id integer, customer integer, code text, note text)",
    "insert into customers values (1, 'ann', 'MARK1', 'a'), (2, 'bob', 'MARK2', 'b'), (3, 'cy', null, 'c')",
    "insert into orders values (1, 1, 'MARK7', 'x'), (2, 1, 'MARK8', 'y'), (3, 2, 'MARK9', 'z')",
]
MOVES = [
    "select * exclude (name) rename (ssn as name) from customers",
    "select * replace (ssn as name) from customers",
    "select id as x, name as y, ssn as z from customers union all by name select ssn as y, id as x, name as z"
    " from customers",
    "select a from (values ((select max(ssn) from customers))) as v(a)",
    "select a from (select 1) x, lateral (select ssn as a from customers) as l",
    "select a from (select 1) x, lateral (select ssn from customers) as l(a)",
    "select l.* from (select 1) x, lateral (select ssn from customers) as l(a)",
    "select cast(l as text) as v from (select 1) x, lateral (select * from customers) as l",
    "select a from unnest((select array_agg(ssn) from customers)) as u(a)",
    "select u as v from unnest((select array_agg(ssn) from customers)) as u",
    "select l.v from customers c, lateral (select c.ssn as v) l",
    "select l.v from customers c, lateral (select ssn as v from (select 1 as z) y) l",
    "select l.v from customers c, lateral (values (c.ssn)) l(v)",
    "select l.v from customers c, (select c.ssn as v) l",
    "select (select v from (select c.ssn as v) q) as w from customers c",
    "select (select max(q.v) from (select c.ssn as v) q) as w from customers c",
    "select (select c) as w from customers c",
    "select cast(row(c.*) as text) as w from customers c",
    "select cast((c) as text) as w from customers c",
    "select x.ssn, x.name from (customers join orders on true) as x(a, b, name, ssn, d, e, f, g)",
    "select name from (customers c cross join orders o) as x(a, b, name, ssn, d, e, f, g)",
    'select "X".ssn as v, x.ssn as w from customers "X", (select 1 as ssn) x',
    'select max(ssn), 1 as "MAX" from customers',
    "select name from (select ssn as name from customers) a",
    "select name, x from (select ssn as x, name from customers union all select name, ssn from customers) u",
    "with c(name, ssn) as (select ssn, name from customers) select name from c",
    "with c as (select * from customers) select d.b from c as d(a, c, b, e)",
    "with recursive r as (select ssn as v, 1 as n from customers union all select v, n + 1 from r"
    " where n < 3) select v from r",
    "with recursive r(n, v) as (select 1, 'x' union all select n + 1, (select max(ssn) from customers) from r"
    " where n < 3) select v from r",
    "select (with recursive r as (select c.ssn as v union all select v from r where v = '') select max(v)"
    " from r) as w from customers c",
    "select ssn as x, x as v from customers",
    "select (select max(v) from (select 1 as x, x as v) q) as w from (select ssn as x from customers) o",
    "select name as ssn, upper(ssn) as v from customers",
    "select s.f as v from (select {'f': ssn} as s from customers) q, (select 1 as f) o",
    "select s.f as v from (select struct_pack(f := ssn) as s from customers) q",
    "select first_value(ssn) over w as v from customers window w as (order by id)",
    "select case when id = 1 then ssn else '' end as v from customers",
    "select string_agg(ssn, ',') as v from customers",
    "select min(name) filter (where ssn = 'x') as v, max(ssn) as name from customers",
    "select o.name from customers c semi join orders using (id), (select ssn as name from customers) o",
    "select * from (select 1 as id) a semi join customers using (id), (select ssn from customers) x(name)",
    "select l.v from customers c, lateral (select name as v from (select 1 as z) a semi join (select 'n'"
    " as name, 1 as z) b using (z)) l",
    "select z.c2 from (select * from customers join orders using (id)) z(a1, b1, c2, d1, e1, f1, g1)",
    "select * from (table customers) x(a, b, c, d)",
    "select v from (select distinct on (id) ssn as v, id from customers) x",
    "select o.row_to_json as v from customers o",
    "select x.v from (select row_to_json(c) as v from customers c) x",
    "select c.name from customers c natural join (select ssn as name, id from customers) d",
    "select d.name from (select ssn as name from customers) d right join customers c on c.name = d.name",
    "select greatest(name, ssn) as v from customers",
    "select ssn from customers intersect select ssn from customers",
    "(select ssn as v from customers) order by 1",
    "values ((select max(ssn) from customers))",
    "select max from (select max(ssn) from customers) x",
    "select x.max from (select max(ssn) from customers) x, (select 1 as min) y",
    "select string_agg from (select string_agg(ssn, ',') from customers) x, (select 1 as id) y",
]


def _rights(dialect: Dialect) -> Rights:
    tables = {
        name: TableRight(
            name=name,
            schema="public" if dialect == "postgres" else "main",
            called=name,
            rows="all",
            columns=tuple(
                ColumnRight(
                    name=column,
                    type="integer" if column in ("id", "customer") else "text",
                    tags=frozenset({"pii"} if column in TAGGED else ()),
                )
                for column in columns
            ),
        )
        for name, columns in COLUMNS.items()
    }
    return Rights(dialect=dialect, tables=tables)


class Ask:
    """A database with marks in it, and how often it has answered."""

    def __init__(self, dialect: Dialect, connection: Any) -> None:
        self.rights, self.connection, self.answered, self.marked = _rights(dialect), connection, 0, 0

    def heed(self, sql: str) -> None:
        """Ask a statement; fail where a mark comes back without its tag."""
        try:
            made = rewrite(sql, self.rights)
        except SqlRefused as refused:
            assert refused.rule != "sql.fault", sql
            return
        try:
            cursor = self.connection.execute(made.sql)
            rows = cursor.fetchall()
        except Exception:  # the databases do not all take the same SQL
            return
        columns = [column[0] for column in cursor.description]
        if len(set(columns)) != len(columns):
            return  # no driver gives such an answer
        self.answered += 1
        labels = Statement(rewritten=made, values=(), places=()).labels(columns)
        for place, column in enumerate(columns):
            if any(MARK in str(row[place]) for row in rows):
                self.marked += 1
                assert labels[column]["tags"] == ("pii",), f"{column} of {sql} has no tag: {rows}"
                assert "pii" in made.tags, f"{sql} names a tagged column"


@pytest.fixture(params=["duckdb", "sqlite", "postgres"])
def ask(request: pytest.FixtureRequest) -> Any:
    """A database of each kind."""
    if request.param == "postgres":
        import psycopg

        server: Server = request.getfixturevalue("postgresql")
        address = server.new_database().replace("+psycopg", "")
        connection: Any = psycopg.connect(address, autocommit=True)
    else:
        connection = duckdb.connect() if request.param == "duckdb" else sqlite3.connect(":memory:")
    for statement in CREATE:
        connection.execute(statement)
    yield Ask(request.param, connection)
    connection.close()


def test_no_way_to_move_a_column_leaves_its_tag_behind(ask: Ask) -> None:
    for sql in MOVES:
        ask.heed(sql)
    assert ask.marked >= (12 if ask.rights.dialect == "sqlite" else 30), ask.marked


def test_no_chain_of_moves_leaves_a_tag_behind(ask: Ask) -> None:
    for seed in range(250):
        ask.heed(Moves(seed).query())
    assert ask.marked >= (30 if ask.rights.dialect == "duckdb" else 8), ask.marked


class Moves:
    """Queries that rename, reorder and hide columns, one inside another."""

    NAMES = ("id", "name", "ssn", "town", "code", "note", "v", "w")

    def __init__(self, seed: int) -> None:
        self._r, self._count = random.Random(seed), 0

    def query(self) -> str:
        """Return one statement; not each is one that a database takes."""
        text, _ = self._table(2)
        return text[1:-1]

    def _new(self) -> str:
        self._count += 1
        return self._r.choice([f"q{self._count}", *self.NAMES, "customers", "orders"])

    def _table(self, depth: int) -> tuple[str, list[str]]:
        """Return a query in brackets, and its columns."""
        if depth == 0:
            name = self._r.choice(list(COLUMNS))
            return f"(select * from {name})", list(COLUMNS[name])
        return self._r.choice(
            [self._select, self._select, self._select, self._union, self._beside, self._with]
        )(depth)

    def _from(self, depth: int) -> tuple[str, str, list[str]]:
        """Return what stands in FROM, its alias, its columns."""
        text, columns = self._table(depth - 1)
        alias = self._new()
        if self._r.random() < 0.3 and len(set(columns)) == len(columns):
            columns = self._r.sample(self.NAMES, min(len(columns), 8))
            return f"{text} as {alias}({', '.join(columns)})", alias, columns
        return f"{text} as {alias}", alias, columns

    def _shown(self, alias: str, columns: list[str]) -> tuple[str, str]:
        column, name = self._r.choice(columns), self._r.choice(self.NAMES)
        shown = self._r.choice(
            [column, f"{alias}.{column}", f"{alias}.{column}", f"max({alias}.{column}) over ()",
             f"coalesce({column}, '-')", f"cast({alias} as text)", f"(select {alias}.{column})",
             f"(select max({column}) from (select 1) one)", f"{column} || 'x'", "'plain'"]
        )  # fmt: skip
        return f"{shown} as {name}", name

    def _select(self, depth: int) -> tuple[str, list[str]]:
        source, alias, columns = self._from(depth)
        roll = self._r.random()
        if roll < 0.15:
            return f"(select {self._r.choice(['*', alias + '.*'])} from {source})", columns
        if roll < 0.25:
            gone, other = self._r.sample(columns, 2) if len(columns) > 1 else (columns[0], columns[0])
            kept = [gone if name == other else name for name in columns if name != gone]
            return f"(select * exclude ({gone}) rename ({other} as {gone}) from {source})", kept or columns
        listed = dict.fromkeys(range(self._r.randint(1, 4)))
        shown = [self._shown(alias, columns) for _ in listed]
        return f"(select {', '.join(text for text, _ in shown)} from {source})", [name for _, name in shown]

    def _union(self, depth: int) -> tuple[str, list[str]]:
        one, columns = self._select(depth)
        other, _ = self._select(depth)
        kind = self._r.choice(["union all", "union", "union all by name", "except"])
        return f"({one[1:-1]} {kind} {other[1:-1]})", columns

    def _beside(self, depth: int) -> tuple[str, list[str]]:
        source, alias, columns = self._from(depth)
        if self._r.random() < 0.4:
            made, name = self._shown(alias, columns)
            beside, more = f"lateral (select {made}) as beside", [name]
            other = "beside"
        elif self._r.random() < 0.5:
            more = [self._r.choice(self.NAMES)]
            beside = f"lateral (values ({alias}.{self._r.choice(columns)})) as beside({more[0]})"
            other = "beside"
        else:
            beside, other, more = self._from(depth)
        shown = [self._shown(*self._r.choice([(alias, columns), (other, more)])) for _ in range(3)]
        listed = ", ".join(text for text, _ in shown)
        return f"(select {listed} from {source}, {beside})", [name for _, name in shown]

    def _with(self, depth: int) -> tuple[str, list[str]]:
        text, columns = self._table(depth - 1)
        name = self._r.choice(["c", "customers", "orders", "v"])
        listed = f"({', '.join(self._r.sample(self.NAMES, len(columns)))})" if self._r.random() < 0.4 else ""
        shown, given = self._shown(name, columns if not listed else listed[1:-1].split(", "))
        return f"(with {name}{listed} as {text} select {shown} from {name})", [given]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as hit from (select * from customers) s where s::text like '%1%'",
        "select count(*) as n from (select 1, 'ann', 'x', 'a' intersect select * from customers) t",
        "select 1 as hit where (1, 'ann', 'x', 'a') in (select * from customers)",
        "select count(*) from (select distinct * from customers) t",
        "with c as (select * from customers) select 1 as hit from c where c::text like '%1%'",
        "select 1 as hit from customers c where c.row_to_json::text like '%1%'",
        "select 1 as hit from (select c as r from customers c) x where r::text like '%1%'",
        "select 1 as hit from customers c join lateral (values (c)) v(x) on v.x::text like '%1%'",
        "select count(*) from (table customers) x",
    ],
)
def test_a_statement_that_looks_at_whole_rows_names_all_their_tags(sql: str) -> None:
    assert rewrite(sql, _rights("postgres")).tags == {"pii"}


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("select name, ssn from customers", "name"),
        (
            "select c.name, max(o.code) as m from customers c join orders o on o.customer = c.id group by 1",
            "name",
        ),
        ("select x.name from (select * from customers) x", "name"),
        ("select v.name from customers c, lateral (select c.name) v", "name"),
        ("with a as (select name, ssn from customers) select name from a", "name"),
        ("select id, name from customers union select id, note from orders", "name"),
        ("select count(*) as n from customers", "n"),
    ],
)
def test_what_can_be_followed_keeps_its_own_tags_only(sql: str, column: str) -> None:
    made = Statement(rewritten=rewrite(sql, _rights("postgres")), values=(), places=())
    assert made.labels([column])[column]["tags"] == ()
