"""Conditions that can fail while they run, in every place a database may move below a row filter.

On PostgreSQL a comparison of rows looks up how their parts are compared when it meets them, and a query used
as one value fails when it gives two: each tells of a row by failing, unless the filter is fenced.
"""

from __future__ import annotations

import pytest

from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rights import ColumnRight, Rights, TableRight

ROWS = [
    "o",
    "(o)",
    "o.*",
    "(o.id, o.note)",
    "(1, o)",
    "row(o.id, o.note)",
    "(select o)",
    "(select k from customers k limit 1)",
    "(select k from (select 'x' as a, 0 as b) k limit 1)",
    "(select (id, name) from customers limit 1)",
    "o.parts",
    "parts",
    "o.row_to_json",
    "o.hash_record",
    "ctid",
]
MANY = [
    "(select id from customers)",
    "(select x from (values (1), (2)) v(x))",
    "(select max(id) from customers group by name)",
    "(select id from customers limit 2)",
    "(select max(id) over () from customers)",
    "(select o.id from customers)",
    "(select 1 union all select 2)",
]
COMPARED = [
    "{} = {}",
    "{} < {}",
    "{} <> {}",
    "{} is not distinct from {}",
    "{} in ({}, {})",
    "{} between {} and {}",
]
PLACES = [
    "select 1 from orders o where {}",
    "select 1 from orders o where o.id = 13 and not ({})",
    "select 1 from orders o join customers c on {}",
    "select 1 from customers c where exists (select 1 from orders o where {})",
    "select o.id, count(*) from orders o group by o.id, o.* having {}",
    "select * from (select {} as v from orders o) x where v",
    "select * from (select o.id from orders o order by {} limit 5) x",
    "with o as (select * from orders) select 1 from o where {}",
    "select 1 from orders o, lateral (values ({})) v(x) where v.x",
    "select 1 from orders o, lateral (select 1 where {}) v",
]


def _rights() -> Rights:
    orders = TableRight(
        name="orders",
        schema="public",
        called="orders",
        rows="team = :team",
        hidden=frozenset({"team"}),
        columns=(
            ColumnRight(name="id", type="integer"),
            ColumnRight(name="note", type="text"),
            ColumnRight(name="parts", type="json[]"),
        ),
    )
    customers = TableRight(
        name="customers",
        schema="public",
        called="customers",
        rows="all",
        columns=(ColumnRight(name="id", type="integer"), ColumnRight(name="name", type="text")),
    )
    return Rights(
        dialect="postgres", tables={"orders": orders, "customers": customers}, attributes={"team": "a"}
    )


RIGHTS = _rights()


def _fenced(sql: str) -> bool:
    try:
        return rewrite(sql, RIGHTS).fenced
    except SqlRefused as refused:
        assert refused.rule != "sql.fault", sql
        return True  # not asked at all


@pytest.mark.parametrize("place", PLACES)
def test_no_comparison_of_rows_runs_below_a_filter(place: str) -> None:
    for number, row in enumerate(ROWS):
        compared, other = COMPARED[number % len(COMPARED)], [*ROWS, "1", "o.id"][-1 - number]
        for sides in ([row, other, other], [other, row, row]):
            sql = place.format(compared.format(*sides[: compared.count("{}")]))
            assert _fenced(sql), sql


@pytest.mark.parametrize("place", PLACES)
def test_no_query_that_may_give_two_runs_below_a_filter(place: str) -> None:
    for compared, many in zip(COMPARED, MANY, strict=False):
        sql = place.format(compared.format(*["o.id", many, many][: compared.count("{}")]))
        assert _fenced(sql), sql


@pytest.mark.parametrize(
    "sql",
    [
        "select * from orders o join customers c on o.id = c.id where o.id = 3 and c.name <> 'x'",
        "select * from orders o join customers c using (id) where note is null",
        "select note from orders note where id = 1 and note.note = 'x'",
        "select id from orders where id = (select max(id) from customers) or id in (select 1 from customers)",
        "select id from orders o where exists (select 1 from customers c where c.id = o.id)",
        "select count(*) from (select distinct on (id, note) id, note from orders) x where id > 5",
        "select n from (select id as n, count(*) as many from orders group by id) x where many > 1",
        "select id from orders where id >= (select id from customers order by id limit 1)",
    ],
)
def test_plain_comparisons_keep_their_indexes(sql: str) -> None:
    assert not rewrite(sql, RIGHTS).fenced


@pytest.mark.parametrize(("number", "fenced"), [("numeric", True), ("numeric(15,2)", False)])
def test_a_number_too_large_for_a_float_is_not_compared_with_one(number: str, fenced: bool) -> None:
    table = TableRight(
        name="readings",
        schema="public",
        called="readings",
        rows="all",
        columns=(ColumnRight(name="n", type=number), ColumnRight(name="f", type="double precision")),
    )
    rights = Rights(dialect="postgres", tables={"readings": table})
    assert rewrite("select 1 from readings where n = f", rights).fenced is fenced
