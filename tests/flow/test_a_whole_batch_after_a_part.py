"""Three in the morning: part of a batch came and was kept apart; the sender sends it again, whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.fed import HEADER, ROWS, FedDesk

DAYS = 15
MANY = [
    f"{n},Person {n},p{n}@example.com,{'eu' if n % 2 else 'us'},DE{n:020d},{1000 * n},2021-03-05"
    for n in range(1, 1 + 60 * (DAYS + 2))
]


def of_day(number: int) -> list[str]:
    """The sixty new rows of a day."""
    return MANY[60 * number : 60 * (number + 1)]


@pytest.fixture(scope="module")
def after_a_part(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FedDesk]:
    """A desk to which fifteen batches of new rows came, and then a third of the next."""
    made = FedDesk(tmp_path_factory.mktemp("desk"), holds="new")
    for number in range(DAYS):
        made.sender.sends(f"customers_2026-02-{14 + number}.csv", of_day(number))
    made.sender.sends("customers_2026-03-01.csv", of_day(DAYS)[:20])
    made.look()
    yield made
    made.close()


def test_the_whole_takes_the_place_of_the_part_under_whatever_name(after_a_part: FedDesk) -> None:
    desk = after_a_part
    assert list(desk.batches().values()) == ["published"] * DAYS + ["quarantined"]
    desk.sender.sends("customers_2026-03-01_again.csv", of_day(DAYS))
    assert desk.look().broken == ()
    states = desk.batches()
    assert (states["customers_2026-03-01.csv"], states["customers_2026-03-01_again.csv"]) == (
        "replaced",
        "published",
    )
    (body,) = desk.bodies("batch.replaced")
    assert body["by"].startswith("customers_2026-03-01_again.csv@")
    assert any("20 rows" in words for words in body["said"]), "why the part was kept apart stays on record"
    assert [row.closed_at is not None for row in desk.incidents() if row.kind == "data:sales.customers"] == [
        True
    ]


def test_a_whole_that_breaks_the_contract_is_kept_apart_beside_the_part(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path, holds="new")
    desk.sender.sends("customers_2026-03-01.csv", ROWS[:10])
    desk.sender.sends("customers_2026-03-02.csv", [row.replace(",us,", ",,") for row in ROWS[10:15]])
    desk.look()
    desk.sender.sends("customers_2026-03-02b.csv", [row.replace(",eu,", ",,") for row in ROWS[10:20]])
    desk.look()
    assert list(desk.batches().values()) == ["published", "quarantined", "quarantined"]
    desk.sender.sends("customers_2026-03-03.csv", ROWS[10:30])
    desk.look()
    assert desk.batches()["customers_2026-03-02.csv"] == "quarantined", "that is about another day"
    desk.sender.drops("customers_2026-03-02c.csv", "\n".join([HEADER, *ROWS[10:20]]) + "\n")
    desk.look()
    assert desk.batches() == {
        "customers_2026-03-01.csv": "published",
        "customers_2026-03-02.csv": "replaced",
        "customers_2026-03-02b.csv": "replaced",
        "customers_2026-03-03.csv": "published",
        "customers_2026-03-02c.csv": "published",
    }
    desk.close()
