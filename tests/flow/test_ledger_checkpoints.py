"""Checkpoints: when they are made, what they prove, and that the past stays provable."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sqlalchemy import select

from bridgehead.kernel.clock import SetClock
from bridgehead.record import Keys, Ledger, merkle
from bridgehead.record.export import export
from bridgehead.record.ledger import CHECKPOINT_EVERY
from bridgehead.record.verify import Unreadable, read_note, read_vkey, verify_export, verify_store
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.ledgers import ORIGIN, case, entry, recording


def sizes(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.execute(select(t.checkpoint.c.size).order_by(t.checkpoint.c.size)).scalars())


def test_a_checkpoint_on_demand_is_stored_once(ledger: Ledger, store: Store, keys: Keys) -> None:
    ledger.append(recording(*case("r1", "zoe")))
    note = ledger.checkpoint()
    assert ledger.checkpoint() == note
    assert sizes(store) == [6]
    read = read_note(note, read_vkey(keys.vkey))
    assert (read.origin, read.size, read.root.hex(), read.signed) == (ORIGIN, *ledger.size_and_root(), True)


def test_every_thousand_entries_one_is_made_without_being_asked(ledger: Ledger, store: Store) -> None:
    for number in range(5):
        ledger.append(
            recording(*(entry("run.started", f"r{number}-{n}") for n in range(CHECKPOINT_EVERY // 2)))
        )
    ledger.append(recording())  # what was queued before this is committed
    ledger.append(recording())
    assert sizes(store) == [1000, 2000]


def test_closing_signs_what_is_new_and_only_then(store: Store, keys: Keys, clock: SetClock) -> None:
    for draft in ([entry("run.started", "r1")], [], [entry("run.ended", "r1")]):
        ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
        ledger.append(recording(*draft))
        ledger.close()
    assert sizes(store) == [1, 2]


def test_old_entries_stay_provable_under_new_checkpoints(ledger: Ledger, store: Store) -> None:
    roots = {}
    for number in range(130):
        ledger.append(recording(*case(f"r{number}", "zoe")))
        size, root = ledger.size_and_root()
        roots[size] = bytes.fromhex(root)
    with store.reading() as connection:
        leaf = connection.execute(select(t.entry.c.leaf).where(t.entry.c.idx == 300)).scalar_one()
    assert merkle.holds_inclusion(leaf, 300, size, ledger.inclusion_proof(300, size), roots[size])
    for old in (6, 258, 516, 774):
        proof = ledger.consistency_proof(old, size)
        assert merkle.holds_consistency(old, size, roots[old], roots[size], proof)


def test_an_export_verifies_like_the_store_it_came_from(tmp_path: Path, keys: Keys, clock: SetClock) -> None:
    store = Store.open(tmp_path / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    for number in range(60):
        ledger.append(recording(*case(f"r{number}", f"person-{number % 3}")))
    kept = ledger.checkpoint()
    ledger.erase_subject("person-1", by="human:ines", basis="gdpr-art-17", reason="asked")
    ledger.close()
    of_store = verify_store(tmp_path / "store.db", vkey=keys.vkey, kept=[kept])
    for bodies in (False, True):
        with (tmp_path / "export.jsonl").open("w") as out:
            assert export(store, out, bodies=bodies) == 361
        of_export = verify_export(tmp_path / "export.jsonl", vkey=keys.vkey, kept=[kept])
        assert of_export.problems == []
        same = ("origin", "size", "root", "runs", "ended_runs", "checkpoints", "signed_size", "bodies_erased")
        assert [getattr(of_export, name) for name in same] == [getattr(of_store, name) for name in same]
        assert of_export.bodies_left_out == (0 if bodies else of_store.bodies)
    store.close()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda line: line.replace("human:lena", "human:olga"), "bytes"),
        (lambda line: "", "gap"),
        (lambda line: line + line, "gap"),
        (lambda line: line.replace('"index":3', '"index":30'), "gap"),
    ],
)
def test_a_changed_export_is_named(
    tmp_path: Path, ledger: Ledger, store: Store, change: object, kind: str
) -> None:
    ledger.append(recording(*case("r1", "zoe")))
    ledger.checkpoint()
    out = io.StringIO()
    export(store, out)
    lines = out.getvalue().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if '"index":3,' in line)
    lines[at] = change(lines[at])  # type: ignore[operator]
    (tmp_path / "export.jsonl").write_text("".join(lines))
    report = verify_export(tmp_path / "export.jsonl")
    assert report.first is not None
    assert report.first.kind == kind
    assert report.first.index in (3, 4)


def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "export.jsonl").write_text('{"type": "holiday photo"}\n')
    with pytest.raises(Unreadable, match="line 1"):
        verify_export(tmp_path / "export.jsonl")
