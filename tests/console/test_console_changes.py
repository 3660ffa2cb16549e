"""A schema that changed, on the console: who must act sees what is not as it was, and answers there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.assemble.watching import look_at, watch_once
from bridgehead.doors.console import console, make_link
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from fixtures.console_caller import HOST, Answer, Caller
from fixtures.fed import HEADER, ROWS, FedDesk, richer
from fixtures.houses import Desk
from fixtures.sales import in_sqlite
from fixtures.sales_contract import LOOSE
from fixtures.sick_data import watched

PAGE = "/deployments/desk/changes/sales/customers"
RENAME = "alter table customers rename column income to yearly_income"
HAPPENED = {"names": "income=yearly_income", "reason": "Their release 7."}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk that reads a database, one column of which was renamed overnight."""
    made = watched(tmp_path)
    look_at(made.house, "sales")
    changed(made, RENAME)
    yield made
    made.close()


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[FedDesk]:
    """A desk that reads batches, the last of which calls a column otherwise."""
    made = FedDesk(tmp_path, contract=LOOSE)
    made.sender.sends("customers_01.csv")
    made.look()
    made.sender.sends("customers_02.csv", richer(ROWS), HEADER.replace("income", "yearly_income"))
    made.look()
    yield made
    made.close()


def changed(desk: Desk, *statements: str) -> None:
    """Let somebody change the database; look at it a minute later."""
    in_sqlite(desk.folder.parent / "sales.sqlite", *statements)
    desk.clock.advance(60)
    look_at(desk.house, "sales")


def signed_in(desk: Desk, person: str) -> Caller:
    caller = Caller(console([desk.house], clock=desk.clock))
    link = make_link(desk.house.store, person, desk.clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller


def answers(caller: Caller, page: Answer, answer: str, **form: str) -> Answer:
    """Send the form of a page as it stands there."""
    return caller.post(PAGE, {"answer": answer, "digest": page.hidden("digest"), **HAPPENED, **form})


def view(caller: Caller) -> Any:
    return caller.get(f"{PAGE}.json").json()["view"]


def test_the_owner_comes_from_the_data_page_and_says_what_a_column_is_called_now(desk: Desk) -> None:
    olga = signed_in(desk, "olga")
    assert f'href="{PAGE}"' in olga.get("/deployments/desk/health").text
    page = olga.get(PAGE)
    for words in (
        "income is gone",
        "whoever may query it",
        "its readers wait",
        "it is called yearly_income now (likely)",
    ):
        assert words in page.text, words
    assert answers(olga, page, "accept").to == PAGE
    after = olga.get(PAGE).text
    assert "Nobody has to do anything here." in after and "is called yearly_income now" in after
    assert "Their release 7." in after and "olga accepted it" in after
    entry = desk.bodies("finding.cleared")[-1]
    assert (entry["reason"], entry["mapping"]) == ("Their release 7.", {"income": "yearly_income"})
    assert answers(olga, page, "accept").status == 409, "the same form again changes nothing"


def test_that_a_column_is_gone_is_an_answer_and_no_answer_is_none(desk: Desk) -> None:
    olga = signed_in(desk, "olga")
    page = olga.get(PAGE)
    for form in ({"names": ""}, {"names": "income=region"}, {"reason": " "}):
        told = answers(olga, page, "accept", **form)
        assert told.status == 422, form
        assert view(olga)["mapping"] == {}
    assert answers(olga, page, "perhaps").status == 400
    assert answers(olga, page, "accept", names="income=").to == PAGE
    assert view(olga)["mapping"] == {"income": ""}


@pytest.mark.parametrize("said", ["a=b=c=d", "a=b = c=d", "a=b="])
def test_a_column_whose_name_holds_the_sign_between_names_is_answered_too(tmp_path: Path, said: str) -> None:
    made = begins_with(tmp_path, "a=b")
    changed(made, 'alter table customers rename column "a=b" to "c=d"')
    olga = signed_in(made, "olga")
    page = olga.get(PAGE)
    assert '<option value="a=b=c=d"' in page.text
    assert answers(olga, page, "accept", names=said).to == PAGE
    assert view(olga)["mapping"] == {"a=b": "" if said == "a=b=" else "c=d"}
    made.close()


def test_a_line_that_may_mean_two_columns_means_none(tmp_path: Path) -> None:
    made = begins_with(tmp_path, "a=b", "a")
    changed(
        made,
        'alter table customers rename column "a=b" to "c"',
        'alter table customers rename column "a" to "b=c"',
    )
    olga = signed_in(made, "olga")
    page = olga.get(PAGE)
    told = answers(olga, page, "accept", names="a=b=c")
    assert (told.status, "BH-DOO-014" in told.text, view(olga)["mapping"]) == (422, True, {})
    made.close()


def begins_with(tmp_path: Path, *columns: str) -> Desk:
    """Return a desk of whose table these columns were accepted too."""
    made = watched(tmp_path)
    added = [f'alter table customers add column "{column}" text' for column in columns]
    in_sqlite(made.folder.parent / "sales.sqlite", *added)
    look_at(made.house, "sales")
    return made


def test_another_change_than_the_one_seen_is_not_accepted(desk: Desk) -> None:
    olga = signed_in(desk, "olga")
    page = olga.get(PAGE)
    changed(desk, "alter table customers drop column region")
    for answer in ("accept", "refuse"):
        told = answers(olga, page, answer)
        assert (told.status, "BH-WAT-063" in told.text) == (409, True)
        assert "region is gone" in told.text, "the page shows the change as it stands now"
    assert olga.post(PAGE, {"answer": "accept", "digest": "", **HAPPENED}).status == 409
    assert view(olga)["mapping"] == {} and view(olga)["said"] == []
    both = answers(olga, olga.get(PAGE), "accept", names="income = yearly_income\nregion=\n")
    assert both.to == PAGE
    assert view(olga)["mapping"] == {"income": "yearly_income", "region": ""}


def test_who_refuses_says_why_and_nothing_is_let_go(desk: Desk) -> None:
    maya = signed_in(desk, "maya")
    assert "Columns that changed" in maya.get("/inbox").text
    page = maya.get(PAGE)
    assert answers(maya, page, "refuse", reason="").status == 422
    assert answers(maya, page, "refuse", names="", reason="They put it back tonight.").to == PAGE
    after = maya.get(PAGE).text
    assert "maya refused it" in after and "They put it back tonight." in after
    assert "Nothing waits for you" in maya.get("/inbox").text
    assert desk.bodies("finding.raised")[-1]["answer"] == "refused"
    olga = signed_in(desk, "olga")
    assert "maya refused it" in olga.get(PAGE).text
    assert [line["does"] for line in view(olga)["lines"]] == [
        "its readers wait; what cannot be taken back is refused"
    ]
    changed(desk, RENAME.replace("income to yearly_income", "yearly_income to income"))
    assert (view(olga)["digest"], view(olga)["said"]) == ("", [])


def test_who_does_not_answer_for_the_data_sees_no_form_that_works(desk: Desk) -> None:
    sam = signed_in(desk, "sam")
    page = sam.get(PAGE)
    assert "You do not decide about this." in page.text
    for answer in ("accept", "refuse"):
        assert answers(sam, page, answer).status == 403
    assert view(sam)["mapping"] == {} and view(sam)["said"] == []
    assert signed_in(desk, "rhea").get(PAGE).status == 404
    assert sam.get("/deployments/desk/changes/sales/nothing").status == 404


def test_a_batch_that_waited_for_the_answer_is_judged_by_the_watch(fed: FedDesk) -> None:
    olga = signed_in(fed, "olga")
    batch = fed.batch_rows()[1].name
    page = olga.get(PAGE)
    assert "customers_02.csv" in page.text and "its batch is kept apart" in page.text
    assert answers(olga, page, "accept").to == PAGE
    assert fed.batches()["customers_02.csv"] == "quarantined", "whoever answers waits for no folder"
    assert "olga accepted it" in olga.get(PAGE).text
    asyncio.run(watch_once(fed.house))
    assert fed.batches()["customers_02.csv"] == "published"
    assert "it is read by both names" in olga.get(PAGE).text
    assert "New runs read it." in olga.get(f"/deployments/desk/batches/sales/customers/{batch}").text


def test_what_else_was_noticed_since_is_not_opened_to_say_who_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    olga, ledger = signed_in(desk, "olga"), desk.house.boundary.ledger
    assert answers(olga, olga.get(PAGE), "refuse").to == PAGE
    note = {"note": "schema:sales.orders"}
    noticed = Draft(kind="finding.raised", actor="system:watch", fields=note, body={"reason": "another"})
    ledger.append(lambda _: Work(drafts=(noticed,) * 20))
    read, body = [], ledger.body

    def and_count(connection: Any, index: int) -> Any:
        read.append(index)
        return body(connection, index)

    monkeypatch.setattr(ledger, "body", and_count)
    (said,) = view(olga)["said"]
    assert (said["person"], said["answer"], read) == ("olga", "refused", [said["entry"]])
