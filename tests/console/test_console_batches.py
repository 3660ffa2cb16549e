"""Batches that were kept apart, on the console: who must act sees it, and decides there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from bridgehead.doors.console import console, make_link
from fixtures.console_caller import HOST, Caller
from fixtures.fed import HEADER, ROWS, FedDesk, richer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    """A desk with a published batch, and one that was kept apart."""
    made = FedDesk(tmp_path)
    made.sender.sends("customers_01.csv")
    made.look()
    made.sender.sends("customers_02.csv", [row.replace(",us,", ",,") for row in richer(ROWS)])
    made.look()
    yield made
    made.close()


def signed_in(desk: FedDesk, person: str) -> Caller:
    caller = Caller(console([desk.house], clock=desk.clock))
    link = make_link(desk.house.store, person, desk.clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller


def test_the_owner_finds_it_and_publishes_it_with_a_reason(desk: FedDesk) -> None:
    olga = signed_in(desk, "olga")
    page = olga.get("/deployments/desk/health").text
    name = desk.batch_rows()[1].name
    address = f"/deployments/desk/batches/sales/customers/{name}"
    assert quote(address) in page
    assert "Olga Owner (owner)" in page
    assert "Publish it as it is" in olga.get(address).text
    assert olga.post(address, {"answer": "release", "reason": ""}).status == 422
    assert olga.post(address, {"answer": "release", "reason": "The sender says so."}).to == quote(address)
    assert "New runs read it." in olga.get(address).text
    assert olga.post(address, {"answer": "discard", "reason": "Too late."}).status == 409
    (line,) = [each for each in olga.get("/deployments/desk/health.json").json()["batches"] if each["read"]]
    assert (line["name"], line["words"][0]["reason"]) == (name, "The sender says so.")


def test_whoever_may_decide_finds_it_in_the_inbox_until_somebody_did(desk: FedDesk) -> None:
    maya, ana = signed_in(desk, "maya"), signed_in(desk, "ana")
    name = desk.batch_rows()[1].name
    address = f"/deployments/desk/batches/sales/customers/{name}"
    shown = maya.get("/inbox").text
    assert "A batch waits for you" in shown and quote(address) in shown
    assert quote(address) not in ana.get("/inbox").text
    maya.post(address, {"answer": "discard", "reason": "Half of it is missing."})
    assert "Nothing waits for you" in maya.get("/inbox").text


def test_other_columns_are_to_be_accepted_and_there_is_no_button_that_publishes_them(desk: FedDesk) -> None:
    desk.sender.sends("customers_03.csv", richer(ROWS, 3), HEADER.replace("income", "yearly_income"))
    desk.look()
    olga = signed_in(desk, "olga")
    name = desk.batch_rows()[2].name
    address = f"/deployments/desk/batches/sales/customers/{name}"
    page = olga.get(address).text
    assert 'href="/deployments/desk/changes/sales/customers"' in page
    assert "Publish it as it is" not in page
    assert "Leave it out" in page
    told = olga.post(address, {"answer": "release", "reason": "I want it."})
    assert (told.status, "BH-WAT-118" in told.text) == (409, True)
    assert desk.batches()["customers_03.csv"] == "quarantined"


def test_who_does_not_decide_sees_no_form_that_works_and_changes_nothing(desk: FedDesk) -> None:
    sam = signed_in(desk, "sam")
    name = desk.batch_rows()[1].name
    address = f"/deployments/desk/batches/sales/customers/{name}"
    assert "You do not decide about this." in sam.get(address).text
    assert sam.post(address, {"answer": "release", "reason": "I like it."}).status == 409
    assert list(desk.batches().values()) == ["published", "quarantined"]
    maya = signed_in(desk, "maya")
    assert maya.get("/deployments/desk/health").status in (403, 404)
    assert maya.post(address, {"answer": "discard", "reason": "Half of it is missing."}).to == quote(address)
    assert list(desk.batches().values()) == ["published", "discarded"]


def test_a_batch_whose_sender_puts_a_slash_in_its_name_is_reached_by_its_link(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.change('files: "customers*.csv"', 'files: "customers*.csv", complete_by: manifest')
    sick = [row.replace(",us,", ",,") for row in ROWS]
    text = "\n".join([HEADER, *sick]) + "\n"
    desk.sender.drops("customers_1.csv", text)
    part = {"name": "customers_1.csv", "bytes": len(text), "sha256": sha256(text.encode()).hexdigest()}
    manifest = {"batch": "2026/../22.json", "files": [part]}
    desk.sender.drops("customers_1.manifest.json", json.dumps(manifest))
    desk.look()
    assert desk.batches() == {"2026/../22.json": "quarantined"}
    olga, maya, name = signed_in(desk, "olga"), signed_in(desk, "maya"), desk.batch_rows()[0].name
    link = f"/deployments/desk/batches/sales/customers/{quote(name, safe='')}"
    assert f'href="{link}"' in maya.get("/inbox").text
    assert f'href="{link}"' in olga.get("/deployments/desk/health").text
    address = unquote(link)  # as a server hands it on
    page = olga.get(address).text
    assert "Publish it as it is" in page and f'action="{link}"' in page
    assert olga.get(f"{address}.json").json()["line"]["name"] == name
    assert olga.post(address, {"answer": "release", "reason": "The sender says so."}).to == link
    assert desk.batches() == {"2026/../22.json": "published"}
    desk.close()
