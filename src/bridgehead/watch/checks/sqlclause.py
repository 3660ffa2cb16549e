"""A ``sql`` clause: run as it is written, in a query of its own, and only if it can do nothing but read.

It is read by the same allow-list as SQL that models write: one query, no functions that reach files, settings
or other servers; and it may name the contract's own objects only. One number is its answer.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from bridgehead.watch.checks.engine import Engine, Unmeasured
from bridgehead.watch.checks.ir import Value
from bridgehead.watch.checks.write import quoted
from bridgehead.watch.contract.model import Contract, Table

_PLACE = re.compile(r"\$?\{(\w+)\}")


def answer(text: str, table: Table, contract: Contract, engine: Engine) -> Value:
    """Return the one number that a query answers. Raises ``Unmeasured``."""
    sql = allowed(filled(text, table), contract, engine.dialect)
    rows = engine.rows(f"SELECT * FROM ({sql}) AS asked LIMIT 2", 2)  # noqa: S608 -- on the allow-list
    if len(rows) != 1 or len(rows[0]) != 1:
        shape = "more than one row" if len(rows) > 1 else "no row" if not rows else f"{len(rows[0])} columns"
        raise Unmeasured(f"the query answers {shape}; a clause compares one number")
    return _number(rows[0][0])


def filled(text: str, table: Table) -> str:
    """Return a query in which the standard's places, such as ``${table}``, are the object's name."""

    def name(place: re.Match[str]) -> str:
        if place[1] in ("table", "model", "object", "schema"):
            return quoted(table.physical)
        raise Unmeasured(f"the query has a place {place[0]} that nothing fills")

    return _PLACE.sub(name, text).strip().rstrip(";")


def allowed(sql: str, contract: Contract, dialect: str) -> str:
    """Return a query that is on the allow-list. Raises ``Unmeasured``: it says what is not let through."""
    from sqlglot import exp

    from bridgehead.enforce.sql.parse import parse
    from bridgehead.enforce.sql.refused import SqlRefused

    try:
        tree = parse(sql, cast(Any, dialect))
    except SqlRefused as error:
        raise Unmeasured(f"the query is not run: {error.words}") from error
    made = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    known = {name.lower() for table in contract.tables for name in (table.name, table.physical)}
    for named in tree.find_all(exp.Table):
        full = ".".join(part for part in (named.db, named.name) if part).lower()
        if full not in known and (named.db or full not in made):
            raise Unmeasured(f"the query is not run: it names `{full}`, which is no object of the contract")
    # What was looked at is what is run: the text could hold what the parser does not see.
    return str(tree.sql(dialect=dialect, comments=False))


def plain_number(value: Decimal) -> int | float:
    """Return a decimal as a whole number where it is one; NaN and infinity stay what they are."""
    if not value.is_finite() or value.adjusted() > 400:  # Python writes no text of thousands of digits
        return float(value)
    return int(value) if value == value.to_integral_value() else float(value)


def _number(value: Any) -> Value:
    if isinstance(value, bool) or value is None:
        return None if value is None else int(value)
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, int | float):
        return value
    kind = "a moment" if isinstance(value, date | datetime) else f"a {type(value).__name__}"
    raise Unmeasured(f"the query answers {kind}; a clause compares a number")
