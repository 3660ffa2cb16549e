"""The second wall of PostgreSQL: views that hold the charter's grants where the rewrite is not there.

Everything here runs on a real server. Where it says "directly", somebody is connected as the reading role
itself, without the rewrite, and asks whatever they like.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from attack.test_sql_bypasses import ALL
from bridgehead.connect import open_source
from bridgehead.connect.sources.install import Installer, Keys
from bridgehead.declare import Deployment, load
from bridgehead.doors.cli import cli
from bridgehead.enforce.sql import claim, grants
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.wall import digest_of, wall_of
from bridgehead.kernel.errors import ConfigError, ConnectError
from bridgehead.kernel.ports import STATEMENT, Request
from fixtures import sales
from fixtures.houses import FOLDER
from fixtures.postgres import Server

SECRET = "the deployment's"
MASK = "s"
HIDDEN = ("HIDDEN", "12345678", "99995678", "77775678")


class Site:
    """A database with the rows of ``sales``, its charter, and the wall between them."""

    def __init__(self, server: Server, folder: Path, tables: sales.Tables = sales.TABLES) -> None:
        self.server = server
        self.url = server.new_database()
        self.database = self.url.rpartition("/")[2]
        self.name = f"wall_{self.database}"
        sales.postgresql_tables(self.url, tables)
        self.deployment = _deployment(folder, self.name)
        self.settings = self.deployment.charter.sources["sales"]
        self.wall = wall_of("sales", self.settings)

    def installer(self, *, url: str = "", wall: Any = None, mask: str = MASK) -> Installer:
        keys = Keys(pads=claim.pads(claim.key_of(SECRET, "sales")), mask=mask)
        return Installer(url or self.url, wall or self.wall, keys, password="reader")

    def reader(self) -> Any:
        """Connect as the reading role."""
        return psycopg.connect(
            f"postgresql://{self.name}:reader@127.0.0.1:{self.server.port}/{self.database}", autocommit=True
        )

    def admin(self) -> Any:
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)

    def claim(self, person: str, agent: str = "asker", *, minutes: int = 5, secret: str = SECRET) -> str:
        charter = self.deployment.charter
        given = grants.entitled(charter, "sales", person, charter.people[person], agent, secret=MASK)
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        told = claim.payload(given, digest_of("sales", self.settings), until)
        return claim.sign(claim.key_of(secret, "sales"), told)

    def ask(self, sql: str, claimed: str = "") -> Any:
        """Return the rows of a statement asked directly, or PostgreSQL's words."""
        with self.reader() as connection:
            connection.execute("select set_config('bridgehead.claim', %s, false)", [claimed])
            try:
                found = connection.execute(sql)
                return found.fetchall() if found.description else []
            except psycopg.Error as error:
                return f"failed: {error}"

    def dump(self) -> str:
        """Return the schema as pg_dump writes it, and the roles."""
        told = subprocess.run(
            [self.server.programs / "pg_dump", "--schema-only", "--dbname", self.url.replace("+psycopg", "")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        kept = [line for line in told.splitlines() if "restrict" not in line]  # a word made anew each time
        with self.admin() as connection:
            roles = connection.execute(
                "select rolname from pg_roles where rolname like %s", [f"%{self.database}%"]
            ).fetchall()
        return "\n".join([*kept, *sorted(name for (name,) in roles)])


def _deployment(folder: Path, wall: str) -> Deployment:
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    sales.add_to(folder, "postgresql", folder, wall=wall)
    return load(folder)


@pytest.fixture
def site(postgresql: Server, tmp_path: Path) -> Iterator[Site]:
    made = Site(postgresql, tmp_path / "desk")
    yield made
    made.installer().down()
    postgresql.drop_database(made.url)


@pytest.fixture
def walled(site: Site) -> Site:
    site.installer().up()
    return site


# --- put up, renewed, taken down --------------------------------------------------------------


def test_taken_down_it_leaves_the_database_exactly_as_it_was(site: Site) -> None:
    before = site.dump()
    assert site.installer().up() == "absent"
    assert site.dump() != before
    assert site.installer().up() == "as declared"
    assert site.installer().down() == "as declared"
    assert site.dump() == before
    assert site.installer().down() == "absent"


def test_other_grants_or_other_keys_renew_it_and_the_same_change_nothing(walled: Site) -> None:
    assert walled.installer().look().state == "as declared"
    assert walled.installer(mask="another").look().state == "other"
    assert walled.installer(mask="another").up() == "other"
    assert walled.installer(mask="another").up() == "as declared"
    assert walled.installer().up() == "other"
    assert walled.ask("select count(*) from customers", walled.claim("ana")) == [(2,)]


def test_looking_changes_nothing(site: Site) -> None:
    before = site.dump()
    assert site.installer().look().state == "absent"
    assert site.dump() == before


def test_an_owner_who_may_make_roles_is_enough(site: Site) -> None:
    owner = f"owner_{site.database}"
    with site.admin() as connection:
        connection.execute(f"create role {owner} login password 'o' createrole")
        connection.execute(f"grant create on database {site.database} to {owner}")
        for table in sales.TABLES:
            connection.execute(f"alter table {table} owner to {owner}")
    url = f"postgresql://{owner}:o@127.0.0.1:{site.server.port}/{site.database}"
    before = site.dump()
    assert site.installer(url=url).up() == "absent"
    assert site.installer(url=url).up() == "as declared"
    assert site.installer(url=url, mask="another").up() == "other"
    assert site.ask("select count(*) from customers", site.claim("uma")) == [(2,)]
    assert site.installer(url=url).down() == "other"
    assert site.dump() == before


@pytest.mark.parametrize(
    ("made", "undone", "words"),
    [
        (
            "alter table orders enable row level security",
            "alter table orders disable row level security",
            "public.orders has row security of its own",
        ),
        (
            "grant select on secrets to public",
            "revoke select on secrets from public",
            "Everybody may use public.secrets",
        ),
        (
            "create function peek() returns text language sql security definer as 'select note from secrets'",
            "drop function peek",
            "Everybody may call public.peek(), which runs with its owner's rights",
        ),
        ("alter table orders rename note to remark", "alter table orders rename remark to note", "no column"),
        ("alter table orders rename to gone", "alter table gone rename to orders", "no table public.orders"),
        ("create schema WALL", "drop schema WALL", "schema wall_"),
        ("create role WALL", "drop role WALL", "role wall_"),
    ],
)
def test_what_it_cannot_take_over_is_said_and_nothing_is_changed(
    site: Site, made: str, undone: str, words: str
) -> None:
    with site.admin() as connection:
        connection.execute(made.replace("WALL", site.name))
    before = site.dump()
    assert any(words in obstacle for obstacle in site.installer().look().obstacles)
    with pytest.raises(ConfigError) as refused:
        site.installer().up()
    assert refused.value.code == "BH-CON-067" and words in refused.value.what
    assert site.dump() == before
    with site.admin() as connection:
        connection.execute(undone.replace("WALL", site.name))


def test_who_may_not_pass_the_right_to_read_on_is_told_which(site: Site) -> None:
    with site.admin() as connection:
        connection.execute(f"create role poor_{site.database} login password 'p'")
        connection.execute(f"grant select on customers to poor_{site.database}")
    url = f"postgresql://poor_{site.database}:p@127.0.0.1:{site.server.port}/{site.database}"
    obstacles = " ".join(site.installer(url=url).look().obstacles)
    assert "may not make roles" in obstacles and "may not make a schema" in obstacles
    assert "You may not pass on the right to read id, name, email" in obstacles


def test_what_others_built_on_it_is_not_taken_down(walled: Site) -> None:
    with walled.admin() as connection:
        connection.execute(f'create view mine as select id from "{walled.name}".customers')
    with pytest.raises(ConfigError) as refused:
        walled.installer().down()
    assert refused.value.code == "BH-CON-068"
    assert walled.installer().look().state == "as declared"
    with walled.admin() as connection:
        connection.execute("drop view mine")


# --- what it holds, directly ------------------------------------------------------------------


def test_without_a_claim_nothing_is_there(walled: Site) -> None:
    for table in ("customers", "orders", "salaries"):
        assert walled.ask(f"select * from {table}") == []
        assert "permission denied" in walled.ask(f"select * from public.{table}")
    assert "permission denied" in walled.ask("select * from public.secrets")
    assert "permission denied" in walled.ask("select * from bh_key")


def test_a_claim_opens_what_its_person_and_agent_may_see(walled: Site) -> None:
    ana = walled.ask(
        "select id, name, income, since::text, iban from customers order by id", walled.claim("ana")
    )
    assert ana == [
        (1, "Ana Alba", 41000, "2021-03-01", None),  # the agent is not cleared for the bank's column
        (2, "Bo Berg", 63000, "2022-07-01", None),
    ]
    cleared = walled.ask("select iban from customers order by id", walled.claim("ana", "cleared"))
    assert cleared == [("DE12345678901234",), ("DE99995678905678",)]
    uma = walled.ask("select id, income, email from customers order by id", walled.claim("uma"))
    assert uma == [(3, 80000, "HIDDEN@example.com"), (4, 50000, "di-HIDDEN@example.com")]
    assert walled.ask("select note from orders", walled.claim("uma")) == [(None,), (None,)]
    assert walled.ask("select * from salaries", walled.claim("ana")) == []
    inner = hashlib.sha256(b"sana@example.com").hexdigest()
    hashed = hashlib.sha256(f"{MASK}{inner}".encode()).hexdigest()
    assert walled.ask("select email from customers where id = 1", walled.claim("ana")) == [(hashed,)]


def test_what_the_wall_is_keyed_on_cannot_be_rekeyed(walled: Site) -> None:
    ana = walled.claim("ana")
    told, _, mac = ana.partition(".")
    as_uma = walled.claim("uma", secret="somebody else's")
    mixed = f"{as_uma.partition('.')[0]}.{mac}"
    count = "select count(*) from customers where region = 'us'"
    for forged in (as_uma, mixed, told, f"{told}.", f".{mac}", "", ".", f"{told}.{'0' * 64}", ana.upper()):
        found = walled.ask(count, forged)
        assert found == [(0,)] or "failed" in found, forged
    assert walled.ask(count, walled.claim("uma", minutes=-1)) == [(0,)]
    rekeyed = (
        f"with s as materialized (select set_config('bridgehead.claim', '{as_uma}', false))"
        " select c.name from s, customers c"
    )
    assert walled.ask(rekeyed, ana) == []
    for role in (f"{walled.name}_owner", "bridgehead"):
        assert "permission denied" in walled.ask(f"select set_config('role', '{role}', false)", ana)
    assert "permission denied" in walled.ask(
        "select set_config('session_authorization','bridgehead',false)", ana
    )


def test_the_claim_of_a_wall_of_other_grants_is_not_known(walled: Site) -> None:
    settings = walled.settings.model_copy(update={"wall": f"{walled.name}x"})
    told = {"wall": digest_of("sales", settings), "until": 9e9, "seen": {"customers": {"grant": "1"}}}
    key = claim.key_of(SECRET, "sales")
    assert walled.ask("select * from customers", claim.sign(key, told)) == []


@pytest.mark.parametrize("family", ALL)
def test_no_statement_of_any_kind_reads_past_it(walled: Site, family: str) -> None:
    """The rewriter is off: every statement of our list of bypasses is asked as it is, as Ana's agent."""
    ana = walled.claim("ana")
    for sql in ALL[family]:
        found = str(walled.ask(sql, ana))
        assert not any(word in found for word in HIDDEN if word not in sql), (sql, found)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from customers",
        "update customers set name = 'x'",
        "insert into customers values (1)",
        "create table mine (id int)",
        "create or replace view customers as select * from public.customers",
        "drop view customers",
        "grant select on public.customers to public",
        "alter role current_user superuser",
        "copy (select 1) to program 'id'",
        "set default_transaction_read_only = off; delete from public.customers",
        "set row_security = off; select * from public.customers",
        "analyze public.customers",
        "do $$ begin perform 1 from public.secrets; end $$",
    ],
)
def test_the_reading_role_changes_nothing(walled: Site, sql: str) -> None:
    before = walled.dump()
    found = walled.ask(sql, walled.claim("ana"))
    assert "HIDDEN" not in str(found)
    assert walled.dump() == before
    with walled.admin() as connection:
        (count,) = connection.execute("select count(*) from customers where name <> 'x'").fetchone()
    assert count == len(sales.CUSTOMERS)


# --- the role that reads ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "grants_to", "words"),
    [
        ("superuser", "", "it is a superuser"),
        ("bypassrls", "select on customers", "BYPASSRLS"),
        ("createrole", "select on customers", "CREATEROLE"),
        ("", "select, update (note) on orders", "it may change public.orders"),
        ("", "truncate on customers", "it may change public.customers"),
        ("", "select on customers, orders", ""),
    ],
)
async def test_a_role_that_may_do_more_than_read_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attributes: str, grants_to: str, words: str
) -> None:
    role = f"other_{site.database}"
    with site.admin() as connection:
        connection.execute(f"create role {role} login password 'o' {attributes}")
        if grants_to:
            connection.execute(f"grant {grants_to} to {role}")
    monkeypatch.setenv("SALES_ADDRESS", f"postgresql://{role}:o@127.0.0.1:{site.server.port}/{site.database}")
    bare = site.settings.model_copy(update={"wall": ""})
    driver = open_source("sales", bare, folder=tmp_path)
    if not words:
        await driver.open()
        return
    with pytest.raises(ConnectError) as refused:
        await driver.open()
    assert refused.value.code == "BH-CON-065" and words in refused.value.what


async def test_with_a_wall_the_role_that_reads_tables_is_refused_and_an_absent_wall_is_said(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"127.0.0.1:{site.server.port}/{site.database}"
    monkeypatch.setenv("SALES_ADDRESS", f"postgresql://reader_{site.database}:reader@{where}")
    with pytest.raises(ConnectError) as refused:
        await open_source("sales", site.settings, folder=tmp_path).open()
    assert "it reads public.customers, public.orders, public.salaries without the wall" in refused.value.what
    site.installer().up()
    monkeypatch.setenv("SALES_ADDRESS", f"postgresql://{site.name}:reader@{where}")
    driver = open_source("sales", site.settings, folder=tmp_path)
    await driver.open()
    asked = {"sql": f'select id from "{site.name}".customers', "values": [], "claim": site.claim("ana")}
    reply = await driver.call(Request(operation=STATEMENT, arguments=asked, key="", deadline=10))
    assert reply.value == [{"id": 1}, {"id": 2}]
    for unknown in ("", site.claim("ana", secret="another deployment's"), site.claim("ana", minutes=-1)):
        with pytest.raises(ConnectError) as silent:  # never an empty answer
            said = {**asked, "claim": unknown}
            await driver.call(Request(operation=STATEMENT, arguments=said, key="", deadline=10))
        assert silent.value.code == "BH-CON-066"


# --- on the command line ----------------------------------------------------------------------


def test_the_command_plans_applies_and_removes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*more: str) -> Any:
        given = [
            "entitle",
            "install",
            "sales",
            "--in",
            str(tmp_path / "desk"),
            "--state",
            str(tmp_path / "s"),
        ]
        return CliRunner().invoke(cli, [*given, *more])

    monkeypatch.delenv("SALES_ADDRESS", raising=False)
    planned = run()
    assert planned.exit_code == 0 and "SALES_ADDRESS_ADMIN is not set" in planned.output
    assert f'CREATE VIEW "{site.name}"."customers" WITH (security_barrier) AS SELECT' in planned.output
    assert run("--apply").exit_code != 0
    monkeypatch.setenv("SALES_ADDRESS_ADMIN", site.url)
    before = site.dump()
    assert "It is not installed." in run("--plan").output and site.dump() == before
    applied = run("--apply")
    assert applied.output.startswith("Installed.\n") and f"The reading role is {site.name}." in applied.output
    assert "nothing to do" in run().output
    assert json.loads(run("--apply", "--json").output)["stood"] == "as declared"
    with site.admin() as connection:
        connection.execute("grant select on secrets to public")
    blocked = run()
    assert blocked.exit_code == 1 and "In the way: Everybody may use public.secrets" in blocked.output
    with site.admin() as connection:
        connection.execute("revoke select on secrets from public")
    assert run("--remove").output == "Removed: the database is as it was.\n" and site.dump() == before


def test_a_filter_whose_attribute_has_no_type_is_refused_in_words(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "desk" / "charter.yaml"
    path.write_text(path.read_text().replace('"region = :region"', '"lower(region) = lower(:region)"'))
    with pytest.raises(SqlRefused) as refused:
        wall_of("sales", load(tmp_path / "desk").charter.sources["sales"])
    assert "does not compare :region with a column" in refused.value.words


OPEN_TO_NOTHING = [
    "iban is distinct from :nation",
    "email is distinct from :nation",
    "since is distinct from :nation or income is null",
    "not (iban is not distinct from :nation)",
    "iban = 'x' or region is distinct from :nation",
]


@pytest.mark.parametrize("rows", OPEN_TO_NOTHING)
def test_who_lacks_the_attribute_of_a_filter_is_refused_with_a_wall_too(
    rows: str, site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "desk" / "charter.yaml"
    path.write_text(path.read_text().replace('"region = :region"', f'"{rows}"'))
    site.deployment = load(tmp_path / "desk")
    site.settings = site.deployment.charter.sources["sales"]
    site.wall = wall_of("sales", site.settings)
    site.installer().up()
    charter = site.deployment.charter
    given = grants.entitled(charter, "sales", "ana", charter.people["ana"], "asker", secret=MASK)
    with pytest.raises(SqlRefused) as refused:
        rewrite("select id from customers", given.rights)
    assert refused.value.rule == "sql.attribute"
    assert rewrite("select id from orders", given.rights).tables  # what asks for nothing is there
    asked = f'select id from "{site.name}".customers'
    assert site.ask(asked, site.claim("ana")) == []  # directly, past the rewrite
    charter.people["ana"].attributes["nation"] = "2000-01-01" if "since" in rows else "none"
    assert site.ask(asked, site.claim("ana")) not in ([], None)


def test_the_mac_is_the_standard_one() -> None:
    key = claim.key_of("k", "sales")
    inner, outer = claim.pads(key)
    by_hand = hashlib.sha256(outer + hashlib.sha256(inner + b"told").digest()).hexdigest()
    assert by_hand == hmac.new(key, b"told", "sha256").hexdigest()
    assert json.loads(base64.b64decode(claim.sign(key, {"a": 1}).partition(".")[0])) == {"a": 1}
