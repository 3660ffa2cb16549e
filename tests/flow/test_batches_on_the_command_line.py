"""``bridgehead watch batches``, ``release`` and ``discard``: what people and programs read, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from bridgehead.doors.cli import cli, exit_code
from bridgehead.kernel.errors import BridgeheadError
from fixtures.fed import ROWS, FedDesk, richer
from fixtures.sales_contract import CONTRACT

CRITICAL = CONTRACT + "customProperties:\n  - {property: bridgeheadCriticality, value: critical}\n"
TABLE = "sales.customers"


class Terminal:
    """A desk to which a good batch came and one that was kept apart, and a terminal in its folder."""

    def __init__(self, path: Path, contract: str = CONTRACT) -> None:
        self.desk = FedDesk(path, contract=contract)
        self.desk.sender.sends("customers_01.csv")
        self.desk.look()

    def comes(self, name: str, by: int) -> None:
        """Let a batch come in which half of the regions are missing."""
        rows = richer([row.replace(",us,", ",,") for row in ROWS], by)
        self.desk.sender.sends(name, rows)
        self.desk.look()

    def types(self, *words: str) -> Result:
        place = ["--in", str(self.desk.folder), "--state", str(self.desk.state)]
        return CliRunner().invoke(cli, ["watch", *words, *place], standalone_mode=False)

    def says(self, answer: str, person: str, *more: str, batch: str = "customers_02.csv") -> Result:
        return self.types(answer, TABLE, batch, "--as", person, "--reason", "Asked the sender.", *more)

    def reads(self, *words: str) -> tuple[int, Any]:
        """Return how a command ended, and what it tells programs."""
        told = self.types(*words, "--json")
        assert told.exception is None, told.exception
        return told.return_value or 0, json.loads(told.stdout)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.desk.close()


def refused(told: Result) -> tuple[str, int]:
    """Return the code of what a command is refused with, and how the process would end."""
    assert isinstance(told.exception, BridgeheadError), told.output
    return told.exception.code, exit_code(told.exception)


def test_the_list_says_what_waits_why_who_may_and_what_to_type(terminal: Terminal) -> None:
    quiet = terminal.types("batches", "--waiting")
    assert (quiet.return_value, quiet.output.strip()) == (0, "No batch waits for anybody.")
    terminal.comes("customers_02.csv", 1)
    told = terminal.types("batches")
    assert told.return_value == 1
    assert told.output.index("customers_02.csv") < told.output.index("customers_01.csv"), (
        "what waits is first"
    )
    assert "published, is read" in told.output
    assert "region: missing in 20 of 40 rows" in told.output or "region" in told.output
    assert "bridgehead watch release sales.customers 'customers_02.csv@" in told.output
    assert "bridgehead watch discard sales.customers 'customers_02.csv@" in told.output
    assert "Who may: " in told.output
    assert "olga (owner)" in told.output
    assert "Person 1" not in told.output, "no row is quoted"


def test_programs_read_the_same(terminal: Terminal) -> None:
    terminal.comes("customers_02.csv", 1)
    code, told = terminal.reads("batches", TABLE)
    assert code == 1
    first, second = told["batches"]
    assert (first["label"], first["state"], first["rows"], first["read"]) == (
        "customers_02.csv",
        "quarantined",
        40,
        False,
    )
    assert (second["state"], second["read"]) == ("published", True)
    assert {one["person"]: one["why"] for one in told["who"]}["olga"] == "owner"
    assert terminal.reads("batches", "--waiting")[1]["batches"] == [first]


def test_a_released_batch_is_read_and_said_to_be(terminal: Terminal) -> None:
    terminal.comes("customers_02.csv", 1)
    told = terminal.says("release", "olga")
    assert told.output.strip().endswith("is published: new runs read it (snapshot 2).")
    assert terminal.reads("batches", "--waiting") == (
        0,
        {"batches": [], "who": terminal.reads("batches")[1]["who"]},
    )
    terminal.comes("customers_03.csv", 2)
    code, said = terminal.reads(
        "release", TABLE, "customers_03.csv", "--as", "olga", "--reason", "A short day."
    )
    assert (code, said["state"], said["lacking"], said["snapshot"]) == (0, "published", 0, 3)


def test_a_discarded_batch_is_out_for_good(terminal: Terminal) -> None:
    terminal.comes("customers_02.csv", 1)
    told = terminal.says("discard", "olga")
    assert told.output.strip().endswith("is discarded: it is not read.")
    again = terminal.says("discard", "olga")
    assert refused(again)[0] == "BH-WAT-047"
    assert "is discarded, and waits for nobody" in str(again.exception)


def test_a_critical_table_needs_two_and_says_how_many_are_lacking(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, CRITICAL)
    terminal.comes("customers_02.csv", 1)
    assert "publish it as it is, two different people:" in terminal.types("batches").output
    assert (
        terminal.says("release", "olga").output.strip()
        == "Noted. 1 more must agree, another person than olga."
    )
    assert "customers_02.csv  olga said release: Asked the sender." in terminal.types("batches").output
    assert refused(terminal.says("release", "olga"))[0] == "BH-WAT-048"
    assert "is published" in terminal.says("release", "maya").output
    terminal.desk.close()


def test_refusals_change_nothing_and_end_with_another_code(terminal: Terminal) -> None:
    terminal.comes("customers_02.csv", 1)
    code, ends = refused(terminal.says("release", "ana"))
    assert (code, ends) == ("BH-WAT-048", 1)
    nothing = terminal.types("release", TABLE, "customers_02.csv", "--as", "olga")
    assert refused(nothing)[0] == "BH-WAT-049"
    assert refused(terminal.says("release", "olga", batch="customers_09.csv")) == ("BH-WAT-047", 2)
    elsewhere = terminal.types("release", "sales.orders", "x", "--as", "olga", "--reason", "Why not.")
    assert refused(elsewhere)[0] == "BH-WAT-047"
    unknown = terminal.types("batches", "sales.orders")
    assert isinstance(unknown.exception, click.BadParameter)
    assert "those that do: sales.customers" in str(unknown.exception)
    assert terminal.desk.batches()["customers_02.csv"] == "quarantined"
    assert len(terminal.desk.snapshots()) == 1
