"""A ledger on PostgreSQL is verified in place, and by a stranger who is given one file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

import bridgehead
from bridgehead.doors.cli import cli
from bridgehead.doors.cli.server import findings
from bridgehead.store import Store
from bridgehead.store.health import Health, health
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.postgres import Server

pytestmark = pytest.mark.postgresql
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOUND = Health(
    version=17,
    fsync=True,
    full_page_writes=True,
    synchronous_commit="on",
    has_standby=True,
    encoding="UTF8",
    standby=False,
    free=200,
    superuser=False,
    now=NOW,
)


@pytest.fixture
async def desk_on_postgresql(postgresql_url: str, tmp_path: Path) -> Desk:
    """A desk whose store is on PostgreSQL, with one run behind it; closed."""
    desk = Desk(tmp_path, store=postgresql_url, engine="embedded")
    await desk.play(IDENTIFY, act("refund", order_id="o1", amount=20))
    desk.close()
    return desk


def verify(desk: Desk, *words: str) -> tuple[int, dict[str, Any]]:
    place = ["--state", str(desk.state), "--store", desk.store]
    result = CliRunner().invoke(cli, ["verify", str(desk.folder), *place, "--json", *words])
    assert result.exit_code in (0, 1), (result.output, result.exception)
    return result.exit_code, json.loads(result.stdout)


async def test_it_is_verified_in_place_and_a_change_is_named(
    desk_on_postgresql: Desk, postgresql: Server
) -> None:
    code, report = verify(desk_on_postgresql)
    assert (code, report["ok"], report["ended_runs"]) == (0, True, 1)
    assert report["signed_size"] == report["size"] and report["bodies"] > 5
    with psycopg.connect(postgresql.conninfo(desk_on_postgresql.store.rpartition("/")[2])) as owner:
        owner.execute("update bridgehead.entry set envelope = envelope || ' '::bytea where idx = 4")
    code, report = verify(desk_on_postgresql)
    assert (code, report["first"]["kind"], report["first"]["index"]) == (1, "bytes", 4)


async def test_a_role_that_may_only_read_is_enough(
    desk_on_postgresql: Desk, postgresql: Server, tmp_path: Path
) -> None:
    name = desk_on_postgresql.store.rpartition("/")[2]
    with psycopg.connect(postgresql.conninfo(name), autocommit=True) as owner:
        owner.execute(f"create role auditor_{name} login password 'only-reads'")  # type: ignore[arg-type]
        owner.execute(f"grant usage on schema bridgehead to auditor_{name}")  # type: ignore[arg-type]
        owner.execute(f"grant select on all tables in schema bridgehead to auditor_{name}")  # type: ignore[arg-type]
    address = desk_on_postgresql.store.replace(postgresql.password, "only-reads")
    # The state folder remembers its own address: an auditor has none.
    auditor = address.replace("//bridgehead:", f"//auditor_{name}:")
    (tmp_path / "empty").mkdir()
    vkey = str(desk_on_postgresql.state / "keys" / "ledger.vkey")
    words = ["verify", str(tmp_path / "empty"), "--store", auditor, "--vkey", vkey, "--json"]
    result = CliRunner().invoke(cli, words)
    assert json.loads(result.stdout)["ok"] is True


async def test_a_stranger_verifies_one_file_with_another(desk_on_postgresql: Desk, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    verify(desk_on_postgresql, "--save-export", str(given / "ledger.jsonl"))
    shutil.copy(desk_on_postgresql.state / "keys" / "ledger.vkey", given)
    shutil.copy(Path(bridgehead.__file__).parent / "record" / "verify.py", given)
    command = [sys.executable, "-I", "verify.py", "ledger.jsonl", "--vkey", "ledger.vkey"]
    ran = subprocess.run(command, cwd=given, capture_output=True, text=True, check=False)
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["ok"]) == (0, True)
    assert report["signed_size"] == report["size"] > 5


def test_a_server_says_what_it_is(postgresql_url: str) -> None:
    store = Store.open(postgresql_url)
    found = health(store)
    assert found.version >= 13 and not found.fsync and found.encoding == "UTF8"
    rules = {finding.rule for finding in findings(found, datetime.now(UTC), production=True)}
    assert "BH-DOC-011" in rules  # the server of these tests runs with fsync = off
    store.close()


def test_a_sound_server_has_no_findings() -> None:
    assert list(findings(SOUND, NOW + timedelta(seconds=1), production=True)) == []


@pytest.mark.parametrize(
    ("change", "rule", "severity"),
    [
        ({"version": 12}, "BH-DOC-010", "block"),
        ({"fsync": False}, "BH-DOC-011", "block"),
        ({"full_page_writes": False}, "BH-DOC-011", "block"),
        ({"synchronous_commit": "local"}, "BH-DOC-012", "block"),
        ({"standby": True}, "BH-DOC-013", "block"),
        ({"now": NOW - timedelta(seconds=5)}, "BH-DOC-014", "warn"),
        ({"free": 20}, "BH-DOC-015", "warn"),
        ({"superuser": True}, "BH-DOC-016", "warn"),
        ({"encoding": "LATIN1"}, "BH-DOC-017", "block"),
    ],
)
def test_each_weakness_is_one_finding(change: dict[str, Any], rule: str, severity: str) -> None:
    (found,) = findings(replace(SOUND, **change), NOW, production=True)
    assert (found.rule, found.severity) == (rule, severity)
    assert found.words and found.fix
