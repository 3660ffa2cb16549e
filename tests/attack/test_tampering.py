"""Whoever can write the store changes the past in every way they can think of: verify names it.

Each attack works on a copy of one honest ledger. "Without the key" is a database administrator,
"with the key" the operator of the whole platform: only a checkpoint kept elsewhere stops the latter.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import SetClock
from bridgehead.record import Keys, Ledger
from bridgehead.record.merkle import Tree, leaf_hash
from bridgehead.record.verify import Report, verify_store
from bridgehead.store import Store
from fixtures.ledgers import ORIGIN, case, entry, recording


class Honest(NamedTuple):
    """A ledger nobody touched, and the checkpoint an auditor kept when it had ``kept_size`` entries."""

    folder: Path
    keys: Path
    vkey: str
    kept: str
    kept_size: int
    size: int

    @property
    def store(self) -> Path:
        return self.folder / "store.db"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    folder = tmp_path_factory.mktemp("honest")
    keys = Keys.create(folder / "keys", ORIGIN)
    store = Store.open(folder / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=SetClock(datetime(2026, 3, 1, tzinfo=UTC)))
    ledger.append(recording(entry("release.activated", "", {"by": "ines"}, release="c4" * 32)))
    for number in range(80):
        ledger.append(recording(*case(f"run_{number:03}", f"person-{number % 7}")))
    ledger.erase_subject("person-3", by="human:ines", basis="gdpr-art-17", reason="asked")
    ledger.erase_body(9, by="human:ines", basis="gdpr-art-17", reason="a name in it")
    kept = ledger.checkpoint()
    kept_size = ledger.size_and_root()[0]
    shutil.copy(folder / "store.db", folder / "backup.db")
    shutil.copy(folder / "store.db-wal", folder / "backup.db-wal")
    for number in range(80, 100):
        ledger.append(recording(*case(f"run_{number:03}", f"person-{number % 7}")))
    ledger.append(
        recording(entry("run.started", "run_open"), entry("action.intent", "run_open", position="1"))
    )
    ledger.close()
    size = ledger.size_and_root()[0]
    store.close()
    return Honest(folder, folder / "keys", keys.vkey, kept, kept_size, size)


class Victim(NamedTuple):
    """A copy to attack."""

    path: Path
    honest: Honest

    def verify(self, *, kept: bool = False, keys: bool = False) -> Report:
        notes = [self.honest.kept] if kept else []
        return verify_store(
            self.path, vkey=self.honest.vkey, kept=notes, keys=self.honest.keys if keys else None
        )

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path)) as db:
            yield db
            db.commit()

    def run(self, *statements: str) -> None:
        with self.opened() as db:
            for statement in statements:
                db.execute(statement)


@pytest.fixture
def victim(honest: Honest, tmp_path: Path) -> Victim:
    return copy_of(honest, tmp_path)


def copy_of(honest: Honest, folder: Path) -> Victim:
    shutil.copy(honest.store, folder / "store.db")
    return Victim(folder / "store.db", honest)


def forge(victim: Victim, change: Callable[[int, dict[str, Any]], dict[str, Any] | None]) -> int:
    """Rewrite history so that everything a database holds agrees with itself: bytes, leaves, chains,
    subtrees, head rows. ``change`` returns the new envelope, or None to drop the entry."""
    tree, heads, entries, nodes, moved = Tree(), dict[str, tuple[int, str]](), [], [], {}
    with victim.opened() as db:
        for index, raw in db.execute("select idx, envelope from entry order by idx").fetchall():
            envelope = change(index, json.loads(raw))
            if envelope is None:
                continue
            seq, prev = heads.get(envelope["run"], (0, ""))
            envelope |= {"seq": seq + 1, "prev": prev}
            data = canonical_bytes(envelope)
            leaf, moved[index] = leaf_hash(data), tree.size
            columns = [envelope[name] for name in ("kind", "run", "seq", "time")]
            entries.append((tree.size, *columns, leaf, data))
            nodes += tree.append(leaf)
            heads[envelope["run"]] = (seq + 1, leaf.hex())
        bodies = [(moved[row[0]], *row[1:]) for row in db.execute("select * from body") if row[0] in moved]
        for table in ("entry", "body", "node", "run_head"):
            db.execute(f"delete from {table}")
        db.executemany("insert into entry values (?,?,?,?,?,?,?)", entries)
        db.executemany("insert into body values (?,?,?,?,?)", bodies)
        db.executemany("insert into node values (?,?,?)", nodes)
        db.executemany("insert into run_head values (?,?,?)", [(run, *head) for run, head in heads.items()])
        db.execute("update ledger_head set size = ?, frontier = ?", (tree.size, tree.frontier()))
    return tree.size


def test_the_honest_ledger_verifies(victim: Victim, honest: Honest) -> None:
    report = victim.verify(kept=True, keys=True)
    assert report.problems == []
    assert report.ok
    assert (report.size, report.signed_size) == (honest.size, honest.size)
    assert (report.runs, report.ended_runs, report.open_actions) == (101, 100, 1)
    assert report.bodies_erased == 11 * 6 + 1
    assert report.bodies_opened == report.bodies > 0


# --- one byte ------------------------------------------------------------------------------------

ENTRY_COLUMNS = ("kind", "run", "seq", "time", "leaf", "envelope")
BODY_COLUMNS = ("record_key", "nonce", "ciphertext", "kid")


@given(data=st.data())
def test_any_byte_of_any_column_of_any_entry_is_named(
    data: st.DataObject, honest: Honest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    victim = copy_of(honest, tmp_path_factory.mktemp("byte"))
    table = data.draw(st.sampled_from(["entry", "body"]))
    with victim.opened() as db:
        indexes = [row[0] for row in db.execute(f"select idx from {table} order by idx")]
        index = data.draw(st.sampled_from(indexes))
        column = data.draw(st.sampled_from(ENTRY_COLUMNS if table == "entry" else BODY_COLUMNS))
        ((value,),) = db.execute(f"select {column} from {table} where idx = ?", (index,)).fetchall()
        if not value and column == "run":
            return  # the deployment's own sequence has an empty run: no byte to change
        db.execute(f"update {table} set {column} = ? where idx = ?", (changed(data, value), index))
    report = victim.verify()
    assert not report.ok
    assert report.first is not None
    assert report.first.index == index


def changed(data: st.DataObject, value: Any) -> Any:
    if isinstance(value, int):
        return value + data.draw(st.sampled_from([-1, 1, 1000]))
    raw = value if isinstance(value, bytes) else value.encode()
    at = data.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 127))]) + raw[at + 1 :]
    return flipped if isinstance(value, bytes) else flipped.decode("utf-8", "replace")


@pytest.mark.parametrize("value", ["null", "''", "x'00'", "-1", "9e99", "'{}'", "'{\"v\":1}'", "x'ff'"])
@pytest.mark.parametrize("column", ENTRY_COLUMNS)
def test_a_column_of_another_type_is_named_and_breaks_nothing(
    victim: Victim, column: str, value: str
) -> None:
    with victim.opened() as db:
        db.execute("pragma writable_schema = on")  # the attacker lifts NOT NULL first
        db.execute("update sqlite_master set sql = replace(sql, ' NOT NULL', '') where name = 'entry'")
    victim.run(f"update entry set {column} = {value} where idx = 20")
    report = victim.verify()
    assert report.first is not None
    assert report.first.index == 20


# --- without the key -----------------------------------------------------------------------------


def test_an_edit_with_its_leaf_hash_recomputed_is_named_by_the_entry_after_it(victim: Victim) -> None:
    edit(victim, 20, recompute_leaf=True)
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind, first.run) == (20, "chain", "run_003")


def test_an_edit_of_a_runs_last_entry_is_named_by_the_head_of_the_run(victim: Victim) -> None:
    edit(victim, 24, recompute_leaf=True)
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind) == (24, "chain")


def edit(victim: Victim, index: int, *, recompute_leaf: bool) -> None:
    with victim.opened() as db:
        ((raw,),) = db.execute("select envelope from entry where idx = ?", (index,)).fetchall()
        data = raw.replace(b"human:lena", b"human:olga")
        assert data != raw
        leaf = leaf_hash(data)
        db.execute("update entry set envelope = ?, leaf = ? where idx = ?", (data, leaf, index))


def test_a_deleted_entry_is_named(victim: Victim) -> None:
    victim.run("delete from entry where idx = 20")
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind) == (20, "gap")


def test_a_deleted_entry_is_named_after_renumbering_too(victim: Victim) -> None:
    victim.run(
        "delete from entry where idx = 20",
        "update entry set idx = -idx where idx > 20",
        "update entry set idx = -idx - 1 where idx < 0",
    )
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind, first.run) == (20, "sequence", "run_003")


def test_an_inserted_entry_is_named(victim: Victim) -> None:
    victim.run(
        "update entry set idx = -idx where idx >= 20",
        "update entry set idx = -idx + 1 where idx < 0",
        "insert into entry select 20, kind, run, seq, time, leaf, envelope from entry where idx = 14",
    )
    first = victim.verify().first
    assert first is not None
    assert first.index == 20


def test_two_entries_that_changed_places_are_named(victim: Victim) -> None:
    victim.run(
        "update entry set idx = -1 where idx = 20",
        "update entry set idx = 20 where idx = 21",
        "update entry set idx = 21 where idx = -1",
    )
    first = victim.verify().first
    assert first is not None
    assert first.index == 20


def test_entries_cut_off_the_end_are_missed(victim: Victim, honest: Honest) -> None:
    victim.run(f"delete from entry where idx >= {honest.size - 3}")
    first = victim.verify().first
    assert first is not None
    assert first.index == honest.size - 3


def test_a_forged_edit_breaks_the_root_that_was_signed(victim: Victim) -> None:
    forge(victim, lambda index, e: e | {"on_behalf": "human:olga"} if index == 20 else e)
    report = victim.verify()
    assert {problem.kind for problem in report.problems} == {"root"}
    assert report.first is not None
    assert report.first.index == 0  # no earlier checkpoint: the change is somewhere from entry 0 on


def test_a_forged_edit_after_a_checkpoint_is_narrowed_down_to_what_came_after_it(
    victim: Victim, honest: Honest
) -> None:
    at = honest.kept_size + 7
    forge(victim, lambda index, e: e | {"on_behalf": "human:olga"} if index == at else e)
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind) == (honest.kept_size, "root")


def test_a_whole_run_forged_away_breaks_the_root_that_was_signed(victim: Victim) -> None:
    forge(victim, lambda _, e: None if e["run"] == "run_050" else e)
    assert {problem.kind for problem in victim.verify().problems} >= {"root"}


def test_a_whole_run_deleted_is_missed_by_its_head(victim: Victim) -> None:
    victim.run("delete from entry where run = 'run_099'")
    assert any(problem.run == "run_099" for problem in victim.verify().problems)


def test_a_cut_end_with_its_head_rows_repaired_is_missed_by_the_checkpoint(
    victim: Victim, honest: Honest
) -> None:
    size = forge(victim, lambda index, e: e if index < honest.size - 10 else None)
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind) == (size, "truncated")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("update node set hash = zeroblob(32) where level = 8 and position = 1", "node"),
        ("delete from node where position = 0", "node"),
        ("insert into node values (8, 99, zeroblob(32))", "node"),
        ("update ledger_head set frontier = zeroblob(length(frontier))", "head"),
        ("update ledger_head set size = size + 1", "head"),
        ("delete from run_head where run = 'run_007'", "head"),
        ("update run_head set prev = 'ff' where run = 'run_007'", "chain"),
        ("insert into run_head values ('run_777', 3, 'ff')", "sequence"),
        ("update checkpoint set note = replace(note, 'acme', 'evil')", "checkpoint"),
        ("update checkpoint set note = 'nonsense'", "checkpoint"),
        ("update checkpoint set note = x'ff00'", "checkpoint"),
        (
            "update checkpoint set size = size + 1 where size = (select max(size) from checkpoint)",
            "checkpoint",
        ),
        ("delete from data_key where subject = 'person-1'", "key"),
    ],
)
def test_what_the_store_keeps_beside_the_entries_is_checked_too(
    victim: Victim, statement: str, kind: str
) -> None:
    victim.run(statement)
    assert kind in {problem.kind for problem in victim.verify().problems}


# --- bodies --------------------------------------------------------------------------------------


def test_two_bodies_that_changed_places_are_named(victim: Victim) -> None:
    victim.run(
        "update body set idx = -1 where idx = 20",
        "update body set idx = 20 where idx = 26",
        "update body set idx = 26 where idx = -1",
    )
    report = victim.verify()
    assert {(problem.index, problem.kind) for problem in report.problems} >= {(26, "body")}


@pytest.mark.parametrize(
    "statement", ["delete from body where idx = 27", "update body set idx = 99999 where idx = 27"]
)
def test_a_missing_body_is_told_from_an_erased_one(victim: Victim, statement: str) -> None:
    victim.run(statement)
    report = victim.verify()
    assert report.first is not None
    assert (report.first.index, report.first.kind) == (27, "body")
    assert report.bodies_erased > 0


def test_a_dropped_record_key_is_named(victim: Victim) -> None:
    victim.run("update body set record_key = x'' where idx = 27")
    first = victim.verify().first
    assert first is not None
    assert (first.index, first.kind) == (27, "body")


def test_a_body_put_back_after_its_erasure_is_named(victim: Victim) -> None:
    victim.run("insert into body select 9, record_key, nonce, ciphertext, kid from body where idx = 27")
    assert (9, "erasure") in {(problem.index, problem.kind) for problem in victim.verify().problems}


def test_a_claimed_erasure_that_was_never_recorded_is_no_excuse(victim: Victim, honest: Honest) -> None:
    victim.run(
        "delete from body where idx = 27",
        f"""insert into entry select {honest.size}, kind, run, seq, time, leaf,
            cast(replace(cast(envelope as text), '"index":9', '"index":27') as blob)
            from entry where kind = 'body.erased' order by idx desc limit 1""",
    )
    report = victim.verify()
    assert honest.size in {problem.index for problem in report.problems}


@pytest.mark.parametrize(
    "statement", ["update data_key set wrapped = zeroblob(48)", "update data_key set subject = 'x'"]
)
def test_with_the_keys_a_damaged_data_key_is_named(victim: Victim, statement: str) -> None:
    victim.run(statement)
    assert victim.verify().ok  # without them nobody can tell
    assert "key" in {problem.kind for problem in victim.verify(keys=True).problems}


# --- with the key --------------------------------------------------------------------------------


def test_a_resigned_fork_looks_whole_until_a_kept_checkpoint_is_shown(victim: Victim, honest: Honest) -> None:
    size = forge(victim, lambda index, e: e | {"on_behalf": "human:olga"} if index == 20 else e)
    with victim.opened() as db:
        db.execute("delete from checkpoint")
        ((frontier,),) = db.execute("select frontier from ledger_head").fetchall()
        note = Keys.load(honest.keys).sign_checkpoint(size, Tree(size, frontier).root())
        db.execute("insert into checkpoint values (?, ?, '')", (size, note))
    assert victim.verify().ok
    report = victim.verify(kept=True)
    assert [problem.kind for problem in report.problems] == ["root"]
    assert report.first is not None
    assert "kept checkpoint" in report.first.words


def test_a_restored_older_database_looks_whole_until_a_newer_checkpoint_is_shown(
    honest: Honest, tmp_path: Path
) -> None:
    for name in ("backup.db", "backup.db-wal"):
        shutil.copy(honest.folder / name, tmp_path / name.replace("backup", "store"))
    with closing(sqlite3.connect(honest.store)) as db:
        ((newest,),) = db.execute("select note from checkpoint order by size desc limit 1").fetchall()
    assert verify_store(tmp_path / "store.db", vkey=honest.vkey, kept=[honest.kept]).ok
    first = verify_store(tmp_path / "store.db", vkey=honest.vkey, kept=[newest]).first
    assert first is not None
    assert (first.index, first.kind) == (honest.kept_size, "truncated")


def test_a_checkpoint_by_another_key_is_no_checkpoint(victim: Victim, tmp_path: Path) -> None:
    thief = Keys.create(tmp_path / "other", ORIGIN)
    note = thief.sign_checkpoint(1, b"\0" * 32)
    report = verify_store(victim.path, vkey=victim.honest.vkey, kept=[note])
    assert [problem.kind for problem in report.problems] == ["signature"]
    assert not verify_store(victim.path, vkey=thief.vkey).ok


# --- omission ------------------------------------------------------------------------------------


def test_an_action_without_an_outcome_in_an_ended_run_is_named(tmp_path: Path) -> None:
    report = verify_fresh(
        tmp_path,
        entry("run.started", "r1"),
        entry("action.intent", "r1", position="1"),
        entry("action.intent", "r1", position="2"),
        entry("action.outcome", "r1", position="2"),
        entry("run.ended", "r1"),
    )
    assert [(problem.index, problem.kind) for problem in report.problems] == [(1, "incomplete")]


def test_a_run_that_begins_in_the_middle_is_named(tmp_path: Path) -> None:
    report = verify_fresh(tmp_path, entry("action.outcome", "r1", position="1"))
    assert [(problem.index, problem.kind) for problem in report.problems] == [(0, "incomplete")]


def verify_fresh(folder: Path, *drafts: Any) -> Report:
    keys, store = Keys.create(folder / "keys", ORIGIN), Store.open(folder / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=SetClock(datetime(2026, 3, 1, tzinfo=UTC)))
    ledger.append(recording(*drafts))
    ledger.close()
    store.close()
    return verify_store(folder / "store.db", vkey=keys.vkey)
