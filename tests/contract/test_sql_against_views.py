"""What the rewrite gives is what PostgreSQL's own security-barrier views give, for generated questions.

The oracle is written by hand: views for each person, read by a role that can read nothing else. Wherever the
oracle answers, the rewrite answers the same; it may refuse, and fails only where the oracle fails too.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bridgehead.connect.sources.install import Installer, Keys
from bridgehead.declare import load
from bridgehead.enforce.sql import claim, grants
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.wall import digest_of, wall_of
from fixtures import sales
from fixtures.houses import FOLDER
from fixtures.sql_grammar import Grammar

QUERIES = 150
SECRET = "k"
_TWICE = "sha256(convert_to('k' || encode(sha256(convert_to('k' || email, 'UTF8')), 'hex'), 'UTF8'))"
HASH = f"encode({_TWICE}, 'hex')"
VIEWS = {
    "ana": {
        "customers": f"select id, name, {HASH} as email, region, (income / 1000) * 1000 as income,"
        " date_trunc('month', since)::date as since from public.customers where region = 'eu'",
        "orders": "select * from public.orders where customer < 3",
    },
    "uma": {
        "customers": "select id, name, email, region, (income / 10000) * 10000 as income, since"
        " from public.customers where region in ('us')",
        "orders": "select id, customer, status, amount, null::text as note from public.orders"
        " where customer >= 3",
    },
}
TABLES = {
    "customers": {"id": "n", "name": "t", "email": "t", "region": "t", "income": "n", "since": "d"},
    "orders": {"id": "n", "customer": "n", "status": "t", "amount": "n", "note": "t"},
}
JOINS = [("orders", "customer", "customers", "id"), ("customers", "id", "orders", "customer")]


@pytest.mark.parametrize("walled", [False, True], ids=["rewrite", "wall"])
def test_generated_questions_are_answered_as_barrier_views_answer_them(
    walled: bool, postgresql_url: str, tmp_path: Path
) -> None:
    address = sales.postgresql_tables(postgresql_url)
    folder = tmp_path / "desk"
    shutil.copytree(FOLDER, folder)
    wall = f"oracle_{postgresql_url.rpartition('/')[2]}" if walled else ""
    sales.add_to(folder, "postgresql", tmp_path, wall=wall)
    charter = load(folder).charter
    source = charter.sources["sales"]
    key = claim.key_of(SECRET, "sales")
    if walled:
        keys = Keys(pads=claim.pads(key), mask=SECRET)
        installer = Installer(postgresql_url, wall_of("sales", source), keys, password="reader")
        installer.up()
        address = f"postgresql://{wall}:reader@{address.partition('@')[2]}"
    owner = postgresql_url.replace("postgresql+psycopg://", "postgresql://")
    told: Counter[str] = Counter()
    with (
        psycopg.connect(owner, autocommit=True) as oracle,
        psycopg.connect(address, autocommit=True, cursor_factory=psycopg.RawCursor) as service,
    ):
        for person, views in VIEWS.items():
            _make_views(oracle, person, views)
            given = grants.entitled(charter, "sales", person, charter.people[person], "asker", secret=SECRET)
            if walled:
                until = datetime.now(UTC) + timedelta(minutes=5)
                claimed = claim.sign(key, claim.payload(given, digest_of("sales", source), until))
                service.execute("select set_config($1, $2, false)", [claim.SETTING, claimed])
            oracle.execute(f"set search_path = {person}")
            for seed in range(QUERIES):
                sql = Grammar(seed, TABLES, JOINS).query()
                told[_compared(oracle, service, sql, given.rights)] += 1
    if walled:
        installer.down()
    assert told["over-denied"] <= 0.02 * sum(told.values()), told
    assert told["equal"] > QUERIES, told


def _make_views(oracle: Any, person: str, views: dict[str, str]) -> None:
    oracle.execute(f"create schema {person}")
    for name, body in views.items():
        oracle.execute(f"create view {person}.{name} with (security_barrier) as {body}")


def _compared(oracle: Any, service: Any, sql: str, rights: Any) -> str:
    expected = _rows(oracle, sql)
    try:
        made = rewrite(sql, rights)
    except SqlRefused as refused:
        assert refused.rule != "sql.fault", sql
        return "over-denied" if expected is not None else "refused"
    found = _rows(service, made.sql, made.values)
    assert found == expected, f"{sql}\n{made.sql}\n{found}\n{expected}"
    return "equal" if expected is not None else "both fail"


def _rows(connection: Any, sql: str, values: Any = None) -> Any:
    try:
        return Counter(map(repr, connection.execute(sql, values).fetchall()))
    except psycopg.Error:
        return None
