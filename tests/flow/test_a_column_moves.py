"""A column of a nightly file moves: that one is found, more results are looked at, nothing stops."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update

from bridgehead.assemble.watching import look_at
from bridgehead.explain.drift import column as column_of
from bridgehead.explain.drift import drift
from bridgehead.kernel.errors import StoreError, WatchError
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.baseline_accepting import accept_baseline
from bridgehead.watch.feeds.deciding import decide
from fixtures import sick_data
from fixtures.drifting import CreditDesk, richer
from fixtures.stores import store_url as store_url


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CreditDesk]:
    made = CreditDesk(tmp_path)
    yield made
    made.close()


async def shares(desk: CreditDesk, runs: int = 4) -> list[float]:
    """Return the share of results that people are to look at, for some that come now."""
    before = len(desk.bodies("audit.drawn"))
    for _ in range(runs):
        sick_data.begin(desk, [], [])
        await desk.work()
    return [body["share"] for body in desk.bodies("audit.drawn")[before:]]


async def test_a_shift_of_one_column_is_found_audited_and_ends(tmp_path: Path, store_url: str) -> None:
    desk = CreditDesk(tmp_path, store=store_url)
    desk.nights(5)
    made = desk.accept()
    assert (len(made.batches), made.rows, made.replaces) == (5, 5000, "")
    assert "income" in made.columns and "id" in made.presence
    desk.night()
    assert desk.drifts() == {} and desk.about_drift() == []
    desk.night(richer)
    assert set(desk.drifts()) == {"drift.income"}
    assert "income has moved" in desk.drifts()["drift.income"]
    assert desk.breaches()["drift.income"] == "raiseAudit"
    (incident,) = desk.about_drift()
    assert incident.kind == "drift:sales.customers" and "income" in incident.words
    assert desk.batches()["customers_2026-03-08.csv"] == "published", "nothing is held back"
    assert set(await shares(desk)) == {1.0}
    desk.night()
    assert desk.drifts() == {}
    assert all(row.closed_at for row in desk.about_drift())
    assert desk.verified().problems == []
    desk.close()


async def test_the_twin_without_a_shift_stays_silent(desk: CreditDesk) -> None:
    desk.nights(5)
    desk.accept()
    desk.nights(9)
    assert desk.drifts() == {} and desk.about_drift() == []
    assert not any(row.drifted for row in desk.profiles())


def test_nothing_is_compared_before_somebody_accepts(desk: CreditDesk) -> None:
    desk.nights(2)
    desk.night(richer)
    assert desk.drifts() == {}
    assert set(desk.baselines()) == {"learning"}
    assert [row.part for row in desk.profiles()] == [f"customers_2026-03-0{day}.csv" for day in (2, 3, 4)]


def test_a_new_baseline_ends_it_and_the_old_one_is_counted_for_a_while(desk: CreditDesk) -> None:
    desk.nights(5)
    first = desk.accept()
    desk.nights(2, richer)
    assert desk.drifts()
    second = desk.accept(last=2, reason="A better part of town is served now.")
    assert second.replaces == first.frame and desk.drifts() == {}
    assert all(row.closed_at for row in desk.about_drift())
    entry = desk.bodies("baseline.accepted")[-1]
    assert entry["reason"] == "A better part of town is served now."
    assert entry["batches"] == ["customers_2026-03-07.csv", "customers_2026-03-08.csv"]
    assert [each["actor"] for each in desk.entries("baseline.accepted")] == ["human:olga"] * 2
    desk.night(richer)
    assert desk.drifts() == {}
    with desk.house.store.reading() as connection:
        seen = column_of(connection, "sales", "customers", "income", desk.clock.now())
    assert seen is not None
    assert [(each.older, each.moved) for each in seen.history] == [(True, True)] * 2 + [(False, False)]
    assert desk.profiles(first.frame)[-1].part == desk.profiles(second.frame)[-1].part
    desk.night()
    assert set(desk.drifts()) == {"drift.income"}, "what was normal once is not any more"
    desk.clock.advance(57 * 24 * 3600)
    desk.night(richer)
    assert set(desk.baselines()) == {"current"} and not desk.profiles(first.frame)


def test_a_file_that_is_sent_again_replaces_its_own(desk: CreditDesk) -> None:
    desk.nights(5)
    frame = desk.accept().frame
    desk.night(richer)
    before = [row.part for row in desk.profiles(frame)]
    desk.day = desk.day.replace(day=7)
    desk.night(name="customers_2026-03-07.csv")
    after = desk.profiles(frame)
    assert [row.part for row in after] == before
    assert after[-1].drifted == 0 and desk.drifts() == {}


def test_a_batch_that_people_release_is_counted_then(desk: CreditDesk) -> None:
    desk.nights(3)
    desk.accept()
    desk.night(lambda one, draw: {**richer(one, draw), "home": None if one["id"] % 9 == 0 else one["home"]})
    row = desk.batch_rows()[-1]
    assert row.state == "quarantined" and desk.drifts() == {} and len(desk.profiles()) == 3
    decide(desk.house.boundary, "sales.customers", row.name, "release", desk.person("olga"), "It is so.")
    desk.look()
    assert set(desk.drifts()) == {"drift.income", "drift.home"} and len(desk.profiles()) == 4
    assert "11." in desk.drifts()["drift.home"] and "of rows have no value" in desk.drifts()["drift.home"]


def test_personal_values_are_kept_as_hashes(desk: CreditDesk) -> None:
    def two_banks(one: dict[str, object], draw: object) -> dict[str, object]:
        return {**one, "iban": f"DE{int(str(one['id'])) % 3:020d}"}

    desk.nights(3, two_banks)
    desk.accept()
    kept = " ".join(str(tuple(row)) for row in (*desk.baselines().values(), *desk.profiles()))
    assert "DE0000" not in kept
    assert "owner" in kept, "other values are kept as they are"


@pytest.mark.parametrize(
    ("by", "reason", "what", "code"),
    [
        ("rhea", "I like it.", {}, "BH-WAT-113"),
        ("olga", " ", {}, "BH-WAT-113"),
        ("olga", "So.", {"batches": ("no such file.csv",)}, "BH-WAT-114"),
    ],
)
def test_who_may_not_and_what_is_not_there(
    desk: CreditDesk, by: str, reason: str, what: dict[str, object], code: str
) -> None:
    desk.night()
    with pytest.raises(WatchError) as error:
        desk.accept(by, reason, **what)
    assert error.value.code == code and set(desk.baselines()) == {"learning"}


def test_too_few_rows_say_nothing(desk: CreditDesk) -> None:
    desk.night(number=40)
    with pytest.raises(WatchError, match="40 rows") as error:
        desk.accept()
    assert error.value.code == "BH-WAT-114"


def test_data_that_cannot_be_counted_and_a_baseline_that_cannot_be_read(desk: CreditDesk) -> None:
    desk.night()
    (row,) = desk.batch_rows()
    copy = next((desk.state / row.file).glob("*.csv"))
    whole = copy.read_bytes()
    copy.write_bytes(b"\xff\xfe")
    with pytest.raises(WatchError, match="cannot be counted") as error:
        desk.accept()
    assert error.value.code == "BH-WAT-115"
    copy.write_bytes(whole)
    desk.accept()

    def spoil(connection: Connection) -> Work:
        connection.execute(update(t.baseline).values(counted="{}"))
        return Work()

    desk.house.ledger.append(spoil)
    with desk.house.store.reading() as connection, pytest.raises(StoreError) as broken:
        drift(connection, "sales", "customers", desk.clock.now())
    assert broken.value.code == "BH-WAT-116"


def test_a_batch_that_cannot_be_counted_counts_as_moved(desk: CreditDesk) -> None:
    desk.nights(2)
    desk.accept()
    desk.night()
    row = desk.batch_rows()[-1]
    gone = desk.state / row.file
    gone.rename(gone.with_name("elsewhere"))

    def forget(connection: Connection) -> Work:
        connection.execute(delete(t.profile).where(t.profile.c.batch == row.name))
        return Work()

    desk.house.ledger.append(forget)
    desk.look()
    assert set(desk.drifts()) == {"drift.look"} and desk.breaches()["drift.look"] == "raiseAudit"
    desk.night()
    assert desk.drifts() == {}


def test_a_contract_says_what_matters_and_what_moves_by_nature(tmp_path: Path) -> None:
    def wide(column: str, value: str) -> tuple[str, str]:
        line = f"      - {{name: {column}, logicalType: integer}}\n"
        said = f"customProperties: [{{property: bridgeheadDrift, value: {value}}}]"
        return line, line.replace("integer}", f"integer, {said}}}")

    def contract(text: str) -> str:
        for column, value in (("income", "{psi: 5, ks: 0.9}"), ("assets", '"off"')):
            before, after = wide(column, value)
            assert before in text
            text = text.replace(before, after)
        return text

    desk = CreditDesk(tmp_path, contract=contract)
    desk.nights(2)
    desk.accept()
    desk.night(lambda one, draw: {**richer(one, draw), "assets": 7, "debt": 50_000})
    assert set(desk.drifts()) == {"drift.debt"}
    desk.close()


def test_a_table_without_batches_is_counted_once_a_day(tmp_path: Path) -> None:
    desk = sick_data.watched(tmp_path)
    rows = [(n, n % 7, "open" if n % 2 else "paid", n % 90, "x") for n in range(400)]
    _orders(tmp_path, rows)
    look_at(desk.house, "sales")
    accept_baseline(desk.house.boundary, "sales.orders", desk.person("olga"), "As it is.")
    for day in range(3):
        desk.clock.advance(24 * 3600)
        if day == 1:
            _orders(tmp_path, [(n, c, "lost", a, x) for n, c, _, a, x in rows])
        look_at(desk.house, "sales")
        look_at(desk.house, "sales")
        with desk.house.store.reading() as connection:
            found = drift(connection, "sales", "orders", desk.clock.now())
        assert found is not None
        assert found.moved == (() if day == 0 else ("status",))
        assert found.counted == day + 2, "a later look of a day takes the place of an earlier one"
    desk.close()


def _orders(tmp_path: Path, rows: Sequence[tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(tmp_path / "sales.sqlite")) as connection, connection:
        connection.execute("delete from orders")
        connection.executemany("insert into orders values (?, ?, ?, ?, ?)", rows)
