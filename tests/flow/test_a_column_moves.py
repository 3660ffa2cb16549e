"""A column of a nightly file moves: that one is found, more results are looked at, nothing stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.kernel.errors import WatchError
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
