"""SQL that wants more than its author may see, on real databases.

Each statement is put to two worlds that are the same to its author, Ana, and differ in everything she may not
see: hidden rows and columns, tables without a grant. What comes back (answer, refusal, failure and its words)
must be the same in both, and hold nothing hidden. That covers values, existence, counts, error texts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridgehead.connect import open_source
from bridgehead.declare import load
from bridgehead.enforce.sql import grants
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import STATEMENT, Request
from fixtures import sales
from fixtures.houses import FOLDER
from fixtures.postgres import Server

ALL = {
    "errors that name values": [
        "select * from customers where cast(name as integer) = 1",
        "select * from customers where cast(iban as integer) = 1",
        "select count(*) from orders where cast(note as integer) > 0",
        "select count(*) from orders where 1 / (amount - 999) = 0",
        "select count(*) from orders where 1 / amount = 5",
        "select id from orders where id = 13 and cast('x' as integer) = 1",
        "select id from orders where id > 12 and cast(note as date) is null",
        "select id from orders where amount > 900 or cast(status as integer) = 1",
        "select case when amount > 900 then cast(note as integer) else 0 end from orders",
        "select o.id from orders o join customers c on cast(c.name as integer) = o.id",
        "select id from orders group by id having max(cast(note as integer)) > 1",
        "select id from orders order by cast(note as integer)",
        "select id from (select id, cast(note as integer) as n from orders) x where n = 5",
        "select exists (select 1 from orders where cast(note as integer) = 5)",
        "select (select max(cast(note as integer)) from orders where id = 13)",
        "select count(*) from orders where amount = 0 and 1 / amount = 1",
        "select count(*) from customers where income < -2000000000",
        "select income from customers where income > 86000",
        "select * from orders where coalesce(cast(nullif(note, 'first') as integer), 1) = 1",
    ],
    "whole rows": [
        "select customers from customers",
        "select c from customers c",
        "select c.* from customers c",
        "select (c).iban from customers c",
        "select c.iban from customers c",
        "select customers.iban from customers",
        "select row_to_json(c) from customers c",
        "select to_jsonb(c) from customers c",
        "select cast(c as text) from customers c",
        "select c::text from customers c",
        "select row(c.*) from customers c",
        "select count(c) from customers c",
        "select * from customers c natural join customers d",
        "select max(c) from customers c",
        "select json_agg(o) from orders o",
        "select x.* from (select * from customers) x",
        "select * from orders where orders::text like '%HIDDEN%'",
    ],
    "rows and what gives two": [
        "select 1 from (select note, note as n, id from orders) o where id = 13"
        " and o <= (select k from (select 'HIDDEN'::text as a, 0 as b, 1 as d) k)",
        "select 1 from (select note, note as n, id from orders) o where id = 13"
        " and o = (select k from (select 'HIDDEN'::text as a, 0 as b, 1 as d) k)",
        "select 1 from orders o where o < (select k from customers k limit 1)",
        "select 1 from orders o where o.id = 13 and o >= (select k from (select 13 as a, 'x' as b) k)",
        "select 1 from orders o where o is not distinct from (select k from (select 13 as a, 'x' as b) k)",
        "select 1 from orders id where (id) < (select k from (select 13 as a, 9 as b, 1 as c) k)",
        "select 1 from (select o as v, id from orders o) x where id = 13"
        " and v >= (select k from (select 13 as a, 'x' as b) k)",
        "select 1 from orders o where (1, o) >= (select 1, k from (select 13 as a, 'x' as b) k)",
        "select 1 from orders o where ((o.id, o.note), 1) >= (select (13, 0), 1)",
        "select 1 from orders o where o.* >= (select k from (select 13 as a, 'x' as b) k)",
        "select 1 from orders o where amount = 999 and o in (select k from (select 13 as a, 'x' as b) k)",
        "select 1 from (select amount, row(id, note) as v from orders) o"
        " where amount = 999 and v = row(13, 0)",
        "select 1 from orders where id = 13 and amount >= (select x from (values (1), (2)) v(x))",
        "select 1 from orders where id = 13 and amount >= (select id from customers)",
        "select 1 from orders o where id = 13 and 1 = (select x from (values (1), (1)) v(x) where x < o.id)",
        "select 1 from orders where id = 13 and amount in ((select id from customers), 5)",
        "select 1 from orders where id = 13 and amount between 0 and (select id from customers)",
        "select 1 from orders o, lateral (values (1 / (o.amount - 999))) v(x) where v.x = 1",
        "select 1 from orders o, lateral (values (cast(o.note as integer))) v(x) where v.x = 1",
        "select 1 from orders o, lateral (select 1 / (o.amount - 999) as x) v where v.x = 1",
        "select o.row_to_json from orders o where o.id = 13",
    ],
    "names": [
        "with customers as (select * from customers) select * from customers",
        "with recursive customers as (select * from customers) select * from customers",
        "with c as (select 1 as id), orders as (select * from c) select * from main.orders",
        "with secrets as (select 1 as id) select * from secrets, (select * from secrets) s2",
        "with a as (with secrets as (select 1 as x) select * from secrets) select * from a, secrets",
        "with x as (select * from y), y as (select * from secrets) select * from x",
        "with recursive x as (select * from secrets), secrets as (select 1) select * from x",
        'select * from "secrets"',
        'select * from "SECRETS"',
        "select * from SeCrEtS",
        "select * from public.secrets",
        "select * from main.secrets",
        'select * from "public"."orders" where id = 13',
        "select orders.note from customers as orders",
        "select bh_t.iban from customers",
        "select bh_q0.iban from customers as bh_q0",
        'select * from "bh_q0"',
        "with bh_q0 as (select 1) select * from customers",
        "select (select iban) from customers",
        "select (select bh_t.iban) from customers",
        "select * from customers, secrets",
        "select * from customers where id in (select id from secrets)",
        "select * from (table secrets) x",
        "select * from customers union select id, note, note, note, note, id, note from secrets",
        "select note from orders intersect select note from secrets",
    ],
    "rows of others": [
        "select * from orders",
        "select count(*) from orders",
        "select sum(amount), min(note), max(note) from orders",
        "select * from orders where 1 = 1 or customer = 3",
        "select * from orders where customer >= 3",
        "select * from orders o left join customers c on c.id = o.customer",
        "select * from orders o right join customers c on c.id = o.customer",
        "select c.id from customers c full join orders o on o.customer = c.id",
        "select * from customers c where not exists (select 1 from orders o where o.customer = c.id)",
        "select * from customers c where exists (select 1 from orders where amount > 900)",
        "select id, rank() over (order by amount desc) from orders",
        "select id, lag(note) over (order by id desc), lead(note) over (order by id) from orders",
        "select id from orders order by amount desc limit 1",
        "select id from orders limit 1 offset 3",
        "select status, count(*) from orders group by status",
        "select distinct region from customers",
        "select max(id) from orders having max(id) > 0",
        "select * from customers where region = 'us'",
        "select * from customers c, lateral (select * from orders o where o.customer > c.id) x",
        "select count(*) from customers cross join orders",
        "select email from customers where email like '%HIDDEN%'",
        "select avg(income) from customers",
        "values ((select count(*) from orders))",
        "select case when exists (select 1 from orders where note = 'HIDDEN') then 1 else 0 end as x",
    ],
    "statements": [
        "delete from orders",
        "update orders set note = 'x'",
        "insert into orders select * from orders",
        "drop table orders",
        "create table x as select * from secrets",
        "create view x as select * from secrets",
        "select * from orders; select * from secrets",
        "select 1; drop table orders",
        "/* select */ delete from orders",
        "-- select\ndelete from orders",
        "with x as (delete from orders returning *) select * from x",
        "with x as (insert into orders values (99) returning *) select * from x",
        "select * into x from orders",
        "select * from orders for update",
        "explain select * from secrets",
        "explain analyze select * from orders",
        "explain query plan select * from orders",
        "describe secrets",
        "show tables",
        "summarize secrets",
        "pragma table_info('secrets')",
        "begin",
        "commit; select * from secrets",
        "rollback; set transaction read write; delete from orders",
        "set role postgres",
        "set search_path = secrets",
        "reset all",
        "attach 'x.db' as x",
        "vacuum into 'x.db'",
        "copy secrets to '/tmp/x'",
        "copy (select 1) to program 'id'",
        "call x()",
        "do $$ begin end $$",
        "prepare p as select * from secrets",
        "execute p",
        "declare c cursor for select * from secrets",
        "lock table orders",
        "listen x",
        "install httpfs",
        "load httpfs",
        "grant select on secrets to public",
        "",
        ";",
        "select",
        "table secrets",
        "from secrets",
    ],
    "how text is read": [
        "select id\u200bfrom\u200bsecrets",
        "select note\ufefffrom\ufeffsecrets",
        "select note\u2060from\u2060secrets",
        "select note\u00a0from\u00a0secrets",
        "select note\u3000from\u3000secrets",
        "select note\x0cfrom\x0csecrets",
        "select note\x0bfrom\x0bsecrets",
        "select 1 as x\u200b, (select\u200bnote\u200bfrom\u200bsecrets)",
        "select 1 /* /* */ from secrets -- */",
        "select 1 /*! from secrets */",
        "select 'a\\' , note from secrets -- '",
        "select e'a\\', note from secrets -- '",
        "select $$ $$, note from secrets",
        "select $x$ $x$ || (select note from secrets)",
        'select U&"\\0069d" from secrets',
        "select u&'\\0053' from orders where id = 13",
        "select 'it''s' as \"x\"\"; select note from secrets --\"",
        "select 1 as `x`; select * from secrets",
        "select [note] from [secrets]",
        "select * from orders where id = 1e1 or id = 0x0d or id = 1_3",
        "select * from orders where note = 'HIDDEN\x00'",
        "select * from orders where id = ?",
        "select * from orders where id = :id",
        "select * from orders where id = $1",
        "select * from orders where id = @x",
        "select * from orders where id = :bh_1",
    ],
    "functions and files": [
        "select * from '/etc/passwd'",
        "select * from 'sales.csv'",
        'select * from "/etc/passwd"',
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('*')",
        "select * from sqlite_scan('x', 'secrets')",
        "select * from query('select * from secrets')",
        "select * from query_table('secrets')",
        "select * from duckdb_tables()",
        "select * from duckdb_settings()",
        "select * from sqlite_master",
        "select * from sqlite_schema",
        "select * from pragma_table_info('secrets')",
        "select * from dbstat",
        "select * from information_schema.tables",
        "select * from pg_catalog.pg_class",
        "select * from pg_class",
        "select * from pg_stats",
        "select * from pg_stat_user_tables",
        "select * from pg_roles",
        "select * from pg_settings",
        "select current_setting('is_superuser')",
        "select set_config('role', 'postgres', false)",
        "select set_config('app.region', 'us', false) from customers",
        "select getvariable('x')",
        "select current_user",
        "select session_user",
        "select version()",
        "select pg_sleep(1)",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "select lo_import('/etc/passwd')",
        "select dblink('x', 'select 1')",
        "select query_to_xml('select * from secrets', true, true, '')",
        "select table_to_xml('secrets', true, true, '')",
        "select database_to_xml(true, true, '')",
        "select ts_stat('select note from secrets')",
        "select xpath('/', '<x/>')",
        "select nextval('x')",
        "select pg_notify('x', 'y')",
        "select pg_advisory_lock(1)",
        "select txid_current()",
        "select pg_catalog.lower(note) from orders",
        "select pg_relation_size('secrets')",
        "select has_table_privilege('secrets', 'select')",
        "select 'secrets'::regclass",
        "select cast('secrets' as regclass)",
        "select 1 operator(pg_catalog.+) 2",
        "select load_extension('x')",
        "select readfile('/etc/passwd')",
        "select writefile('/tmp/x', 'y')",
        "select edit('x')",
        "select randomblob(1000000000)",
        "select zeroblob(1000000000)",
        "select sqlite_version()",
        "select last_insert_rowid()",
        "select changes()",
        "select lpad('x', 1000000000, 'y')",
        "select repeat('x', 1000000000)",
        "select list_transform([1], x -> x)",
        "select eval('select 1')",
        "select bh_hash('key', 'value')",
        "select bh_hash(email, name) from customers",
    ],
    "engines' own ways to a row": [
        "select ctid, xmin from orders",
        "select tableoid::regclass from orders",
        "select rowid, * from orders",
        "select oid from customers",
        "select _rowid_ from orders",
        "select * from orders tablesample bernoulli (100)",
        "select * from orders using sample 5 rows",
        "select * from only orders",
        "select * from orders indexed by x",
        "select * from orders at (version => 1)",
        "select columns('iban') from customers",
        "select columns(*) from customers",
        "select * exclude (id) from customers",
        "select * replace (iban as id) from customers",
        "select * replace (cast(name as integer) as id) from customers where id = 3",
        "select #5 from customers",
        "pivot orders on status using sum(amount)",
        "select * from orders pivot (sum(amount) for status in ('open'))",
        "select * from orders unpivot (v for k in (note, status))",
        "select * from orders positional join secrets",
        "select * from customers asof join orders on customers.id >= orders.id",
        "select unnest(array(select note from secrets))",
        "select * from unnest((select array_agg(note) from orders))",
        "select * from generate_series(1, (select count(*) from orders))",
        "select x.note.length() from orders x",
        "select note.upper() from orders",
        "select {'a': iban} from customers",
        "select array(select iban from customers)",
        "select * from (values (1)) v(id) join secrets using (id)",
    ],
    "people one by one": [
        "select salary from salaries",
        "select * from salaries",
        "select avg(salary) from salaries where id = 9",
        "select id, avg(salary) from salaries group by id",
        "select name from salaries",
    ],
}
STATEMENTS = [(family, sql) for family, listed in ALL.items() for sql in listed]
SEEN_NOWHERE = ("HIDDEN", "12345678", "99995678", "77775678", "87000", "999,")


@contextmanager
def _worlds(kind: str, request: Any, tmp_path: Path, monkeypatch: Any) -> Iterator[list[Any]]:
    """Two sources with the same name and charter; what is hidden differs."""
    made: list[Any] = []
    for number, tables in enumerate((sales.TABLES, sales.OTHERWISE)):
        where = tmp_path / f"world{number}.{kind}"
        if kind == "postgresql":
            server: Server = request.getfixturevalue("postgresql")
            monkeypatch.setenv(f"SALES_{number}", sales.postgresql_tables(server.new_database(), tables))
        else:
            (sales.sqlite_file if kind == "sqlite" else sales.duckdb_file)(where, tables)
        made.append(where)
    yield made


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "postgresql"])
@pytest.mark.parametrize("family", ALL)
async def test_nothing_hidden_makes_a_difference(
    kind: str, family: str, request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    folder = tmp_path / "desk"
    shutil.copytree(FOLDER, folder)
    with _worlds(kind, request, tmp_path, monkeypatch) as worlds:
        sales.add_to(folder, kind, worlds[0])
        _dearer_filters(folder / "charter.yaml")
        deployment = load(folder)
        charter = deployment.charter
        given = grants.entitled(charter, "sales", "ana", charter.people["ana"], "asker", secret="s")
        settings = charter.sources["sales"]
        drivers = []
        for number, where in enumerate(worlds):
            reached = {"address": f"SALES_{number}"} if kind == "postgresql" else {"path": str(where)}
            drivers.append(open_source("sales", settings.model_copy(update=reached), folder=folder))
        for driver in drivers:
            await driver.open()
        try:
            for sql in ALL[family]:
                first, second = [await _told(driver, sql, given.rights) for driver in drivers]
                assert first == second, f"{sql!r} tells the worlds apart: {first} and {second}"
                assert not any(word in first for word in SEEN_NOWHERE), f"{sql!r} gave {first}"
        finally:
            for driver in drivers:
                await driver.close()


def _dearer_filters(path: Path) -> None:
    """Let filters cost more than one comparison: PostgreSQL runs what is cheaper before them."""
    text = path.read_text()
    for said, also in (("region = :region", "region = 'nowhere'"), ("customer < 3", "customer = -1")):
        assert f'rows: "{said}"' in text
        text = text.replace(f'rows: "{said}"', f'rows: "{said} or {also}"')
    path.write_text(text)


async def _told(driver: Any, sql: str, rights: Any) -> str:
    """Return everything that whoever asked is told."""
    try:
        made = rewrite(sql, rights)
    except SqlRefused as refused:
        assert refused.rule != "sql.fault", (sql, refused.__cause__)
        words = refused.words.replace(sql, "")
        return f"refused {refused.rule}" + (f": {words}" if refused.rule != "sql.table" else "")
    asked = {"sql": made.sql, "values": list(made.values)}
    try:
        async with asyncio.timeout(20):
            reply = await driver.call(Request(operation=STATEMENT, arguments=asked, key="", deadline=10.0))
    except ConnectError as error:
        return f"failed {error.code} {error.what} {error.means} {error.fix}"
    return f"answered {sorted(map(str, reply.value))}"


def test_there_are_enough_of_them() -> None:
    assert len({sql for _, sql in STATEMENTS}) >= 200
