"""From the page about the data to a column: what was accepted, the newest batch, what that means."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from click.testing import CliRunner

from bridgehead.doors.cli.watch import watch
from bridgehead.doors.console import console, make_link
from fixtures.console_caller import HOST, Caller
from fixtures.drifting import CreditDesk, richer

ONE = "/deployments/desk/columns/sales/customers"


def signed_in(desk: CreditDesk, person: str) -> Caller:
    caller = Caller(console([desk.house], clock=desk.clock))
    link = make_link(desk.house.store, person, desk.clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller


def test_from_the_data_to_a_column_that_moved_and_its_baseline(tmp_path: Path) -> None:
    desk = CreditDesk(tmp_path)
    desk.nights(2)
    olga = signed_in(desk, "olga")
    assert "nobody has accepted what is normal" in olga.get("/deployments/desk/health").text
    assert "Nobody has accepted" in olga.get(ONE).text
    desk.accept()
    desk.night(richer)
    olga = signed_in(desk, "olga")  # a day has passed
    page = olga.get("/deployments/desk/health").text
    assert f'href="{ONE}"' in page and "income has moved" in page
    table = olga.get(f"{ONE}.json").json()["found"]
    assert [table["columns"][0][each] for each in ("column", "standing")] == ["income", "moved"]
    assert all(line["standing"] == "within" for line in table["columns"][1:])
    text = olga.get(f"{ONE}/income").text
    assert (
        "on average" in text
        and "how values are spread (PSI)" in text
        and "Olga Owner" in text
        and text.count("<svg") >= 2
    )
    found = olga.get(f"{ONE}/income.json").json()["found"]
    assert found["history"][-1]["moved"] and float(found["history"][-1]["times"]) > 1
    home = olga.get(f"{ONE}/home").text
    assert "Within what was accepted" in home and "parents" in home
    assert "only missing values are counted" in olga.get(f"{ONE}/iban").text
    assert olga.get(f"{ONE}/nothing").status == 404
    assert signed_in(desk, "maya").get(f"{ONE}/income").status in (403, 404)
    desk.house.close()
    _on_the_command_line(desk)


def _on_the_command_line(desk: CreditDesk) -> None:
    place = ["--in", str(desk.folder), "--state", str(desk.state)]
    run = partial(CliRunner().invoke, watch, standalone_mode=False)
    all_of_it = run(["profile", "sales.customers", *place])
    assert all_of_it.return_value == 1 and "income has moved" in all_of_it.output, all_of_it.output
    one = run(["profile", "sales.customers.home", *place])
    assert one.return_value == 0 and "parents" in one.output
    asked = ["accept-baseline", "sales.customers", "--last", "1", "--as", "olga", "--reason", "It is so now."]
    made = run([*asked, "--json", *place])
    assert json.loads(made.output)["rows"] == 1000, made.output
    after = run(["profile", "sales.customers", "--json", *place])
    assert after.return_value == 0 and json.loads(after.output)["accepted_by"] == "olga"
