"""Bodies: exact when read back, encrypted at rest, gone when erased, and never silently."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import insert, select, text

from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.money import Money
from bridgehead.record import Keys, Ledger
from bridgehead.record.entries import envelope_of
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.ledgers import ORIGIN, case, entry, recording


def test_a_body_comes_back_to_the_bit(ledger: Ledger, store: Store) -> None:
    value = {
        "score": 0.1 + 0.2,
        "amount": Decimal("129.90"),
        "refund": Money.of("12.07", "EUR"),
        "at": datetime(2026, 3, 1, tzinfo=UTC),
        "raw": b"\x00\xff",
        "who": "Zoë",
        "pair": (1, [2, None]),
    }
    ledger.append(recording(entry("run.started", "r1", value, "zoe")))
    with store.reading() as connection:
        assert ledger.body(connection, 0) == value


def test_nothing_of_a_body_is_readable_in_the_store(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(entry("run.started", "r1", {"card": "4111-1111"}, "zoe")))
    with store.reading() as connection:
        envelope = connection.execute(select(t.entry.c.envelope)).scalar_one()
        body = connection.execute(select(t.body)).one()
    assert b"4111" not in envelope + body.ciphertext
    assert b"zoe" not in envelope


def test_the_same_content_twice_looks_different(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(*(entry("run.started", f"r{n}", {"card": "4111"}, "zoe") for n in (1, 2))))
    with store.reading() as connection:
        one, other = (envelope_of(connection, index)["body"] for index in (0, 1))
    assert one["kid"] == other["kid"]
    assert one["c"] != other["c"]
    assert one["ct"] != other["ct"]


def test_erasing_a_person_erases_every_body_and_the_key_and_says_so(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(*case("r1", "zoe"), *case("r2", "max")))
    receipt = ledger.erase_subject("zoe", by="human:ines", basis="gdpr-art-17", reason="asked on 1 March")
    assert receipt.value == 6
    with store.reading() as connection:
        with pytest.raises(LedgerError, match="BH-REC-020"):
            ledger.body(connection, 0)
        assert ledger.body(connection, 6) == {"ticket": "please refund r2"}
        about = envelope_of(connection, receipt.entries[0].index)
        assert about["erased"]["basis"] == "gdpr-art-17"
        assert ledger.body(connection, receipt.entries[0].index) == {"reason": "asked on 1 March"}
        assert connection.execute(select(t.data_key.c.subject)).scalars().all().count("zoe") == 0


def test_a_person_who_comes_back_gets_a_new_key(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(entry("run.started", "r1", {"n": 1}, "zoe")))
    ledger.erase_subject("zoe", by="human:ines", basis="gdpr-art-17", reason="asked")
    written = ledger.append(recording(entry("run.started", "r2", {"n": 2}, "zoe"))).entries[0]
    with store.reading() as connection:
        assert ledger.body(connection, written.index) == {"n": 2}
        assert (
            envelope_of(connection, 0)["body"]["kid"] != envelope_of(connection, written.index)["body"]["kid"]
        )


def test_another_process_that_erased_is_noticed_before_the_next_entry(
    ledger: Ledger, store: Store, keys: Keys, clock: SetClock
) -> None:
    ledger.append(recording(entry("run.started", "r1", {"n": 1}, "zoe")))  # its key is remembered now
    other = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    other.erase_subject("zoe", by="human:ines", basis="gdpr-art-17", reason="asked")
    written = ledger.append(recording(entry("run.started", "r2", {"n": 2}, "zoe"))).entries[0]
    other.close()
    with store.reading() as connection:
        assert ledger.body(connection, written.index) == {"n": 2}


def test_one_body_can_be_erased_and_its_neighbours_stay(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(*case("r1", "zoe")))
    ledger.erase_body(1, by="human:ines", basis="gdpr-art-17", reason="wrong address in it")
    with store.reading() as connection:
        with pytest.raises(LedgerError, match="BH-REC-020"):
            ledger.body(connection, 1)
        assert ledger.body(connection, 2) == {"value": "ok"}
        assert envelope_of(connection, 6)["erased"]["index"] == 1


@pytest.mark.parametrize("subject", ["nobody", ""])
def test_erasing_what_is_not_there_records_nothing(ledger: Ledger, subject: str) -> None:
    ledger.append(recording(entry("release.activated", "", {"n": 1})))
    with pytest.raises(LedgerError, match="BH-REC-030"):
        ledger.erase_subject(subject, by="human:ines", basis="gdpr-art-17", reason="asked")
    with pytest.raises(LedgerError, match="BH-REC-030"):
        ledger.erase_body(7, by="human:ines", basis="gdpr-art-17", reason="asked")
    assert ledger.size_and_root()[0] == 1


@pytest.mark.parametrize("status", ["running", "waiting"])
def test_an_open_run_keeps_the_bodies_it_replays_from(ledger: Ledger, store: Store, status: str) -> None:
    ledger.append(recording(entry("run.started", "r1", {"n": 1}, "zoe")))
    with store.writing() as connection:
        columns = {"release": "c4", "workflow": "w", "agent": "a", "on_behalf": "h", "created_at": "t"}
        connection.execute(insert(t.run).values(id="r1", input_entry=0, status=status, **columns))
    with pytest.raises(LedgerError, match="BH-REC-031"):
        ledger.erase_subject("zoe", by="human:ines", basis="gdpr-art-17", reason="asked")
    with store.reading() as connection:
        assert ledger.body(connection, 0) == {"n": 1}


@pytest.mark.parametrize("column", ["ciphertext", "nonce", "record_key"])
def test_a_body_that_was_altered_is_not_used(ledger: Ledger, store: Store, column: str) -> None:
    ledger.append(recording(entry("run.started", "r1", {"n": 1}, "zoe")))
    with store.writing() as connection:
        kept = connection.execute(text(f"select {column} from body")).scalar_one()
        altered = bytes([kept[0] ^ 1]) + kept[1:]
        connection.execute(text(f"update body set {column} = :altered"), {"altered": altered})
    with store.reading() as connection, pytest.raises(LedgerError, match="BH-REC-021"):
        ledger.body(connection, 0)


def test_a_data_key_moved_to_another_person_does_not_open(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(entry("run.started", "r1", {"n": 1}, "zoe")))
    with store.writing() as connection:
        connection.execute(text("update data_key set subject = 'max'"))
    with store.reading() as connection, pytest.raises(LedgerError, match="BH-REC-022"):
        ledger.body(connection, 0)


def test_an_entry_without_a_body_and_an_index_without_an_entry(ledger: Ledger, store: Store) -> None:
    ledger.append(recording(entry("run.started", "r1")))
    with store.reading() as connection:
        with pytest.raises(LedgerError, match="has no body"):
            ledger.body(connection, 0)
        with pytest.raises(LedgerError, match="BH-REC-023"):
            ledger.body(connection, 1)
