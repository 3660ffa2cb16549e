"""What queries cannot read is not published: not by itself, not by people, not once columns are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.kernel.errors import ApprovalError
from bridgehead.watch.feeds.deciding import Answer, Decided, decide
from bridgehead.watch.schema_accepting import accept_change
from fixtures.fed import HEADER, ROWS, FedDesk, richer
from fixtures.sales_contract import CONTRACT

LATIN = "\n".join([HEADER, *richer(ROWS)]).replace("Person 7", "P\u00e9rson 7").encode("latin-1")
NOTED = CONTRACT.replace(
    "    logicalType: object\n    properties:\n",
    "    logicalType: object\n    quality:\n"
    "      - {type: sql, query: 'select count(*) from nowhere', mustBe: 0, severity: info}\n"
    "    properties:\n",
    1,
)


def says(desk: FedDesk, answer: Answer = "release", batch: str = "customers_02.csv") -> Decided:
    return decide(desk.house.boundary, "sales.customers", batch, answer, desk.person("olga"), "Asked them.")


def state_of(desk: FedDesk) -> tuple[int, str]:
    return len(desk.snapshots()), list(desk.batches().values())[-1]


def test_a_file_of_another_encoding_is_not_released_and_can_be_discarded(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    desk.look()
    desk.sender.drops("customers_02.csv", LATIN)
    assert "No query can read it" in desk.look().broken[0].words
    with pytest.raises(ApprovalError, match="BH-WAT-119") as refused:
        says(desk)
    assert "is not UTF-8 text" in str(refused.value) and "Nothing was published" in str(refused.value)
    assert state_of(desk) == (1, "quarantined")
    assert desk.breaches() == {"batch customers_02.csv": "warn"}
    assert says(desk, "discard").state == "discarded"
    assert (desk.breaches(), desk.verified().ok) == ({}, True)
    desk.close()


def test_a_copy_that_is_spoilt_or_gone_by_then_is_not_released(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv", [row.replace(",us,", ",,") for row in ROWS])
    desk.look()
    copy = desk.state / desk.batch_rows()[0].file / "0.csv"
    whole = copy.read_bytes()
    copy.chmod(0o600)
    copy.write_bytes(LATIN)
    with pytest.raises(ApprovalError, match="BH-WAT-119"):
        says(desk, batch="customers_01.csv")
    copy.unlink()
    with pytest.raises(ApprovalError, match="its copy is not on this machine"):
        says(desk, batch="customers_01.csv")
    copy.write_bytes(whole)
    assert says(desk, batch="customers_01.csv").state == "published"
    desk.close()


def test_a_value_that_readers_of_its_column_fail_on_keeps_a_batch_apart_whatever_its_clause_says(
    tmp_path: Path,
) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv", [ROWS[0].replace("1000", "a lot"), *ROWS[1:]])
    look = desk.look()
    assert state_of(desk) == (0, "quarantined"), "its clause alone would leave things to a person"
    assert any("column income" in each.words for each in look.broken)
    desk.close()


def test_a_clause_that_could_not_be_evaluated_publishes_nothing_and_stays_noted_where_people_do(
    tmp_path: Path,
) -> None:
    desk = FedDesk(tmp_path, contract=NOTED)
    desk.sender.sends("customers_01.csv")
    look = desk.look()
    assert state_of(desk) == (0, "quarantined")
    assert any("could not be evaluated" in each.words for each in look.broken)
    assert says(desk, batch="customers_01.csv").state == "published", "it can be read"
    (clause,) = desk.look().broken
    assert "could not be evaluated" in clause.words and clause.response in ("record", "warn")
    desk.close()


def test_accepted_columns_publish_nothing_that_cannot_be_read(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    desk.look()
    desk.sender.sends("customers_02.csv", richer(ROWS), HEADER.replace("income", "earned"))
    desk.look()
    (row,) = [row for row in desk.batch_rows() if row.state == "quarantined"]
    copy = desk.state / row.file / "0.csv"
    copy.chmod(0o600)
    copy.write_bytes(LATIN.replace(b"income", b"earned"))
    olga, boundary = desk.person("olga"), desk.house.boundary
    accept_change(boundary, "sales", "customers", {"income": "earned"}, olga, "Their release 7.")
    desk.look()
    assert state_of(desk) == (1, "quarantined")
    assert "No query can read it" in desk.batch_rows()[-1].said
    desk.close()


def test_a_table_whose_published_copy_is_gone_is_not_in_order(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    assert desk.look().broken == ()
    copy = desk.state / desk.batch_rows()[0].file
    copy.rename(tmp_path / "elsewhere")
    (clause,) = desk.look().broken
    assert "the copy of customers_01.csv is not on this machine" in clause.words
    (tmp_path / "elsewhere").rename(copy)
    assert desk.look().broken == ()
    desk.close()


def test_a_table_whose_copy_is_not_of_the_types_a_new_release_declares_is_not_in_order(
    tmp_path: Path,
) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    assert desk.look().broken == ()
    desk.change("          name: text\n", "          name: integer\n")
    desk.activate()
    (clause,) = desk.look().broken
    assert "customers_01.csv as the charter declares it now (column name" in clause.words
    desk.change("          name: integer\n", "          name: text\n")
    desk.change("          email: text\n", "          email: varchar\n")
    desk.activate()
    assert desk.look().broken == ()
    desk.close()
