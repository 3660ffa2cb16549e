"""Recorded traffic is judged by a charter as it is now, by the real boundary, and nothing is performed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import cli
from fixtures.houses import Desk


def call(tool: str, **args: Any) -> dict[str, Any]:
    return {"type": "call", "tool": tool, "args": args}


def result(tool: str, content: Any, trust: str = "record") -> dict[str, Any]:
    return {"type": "result", "tool": tool, "content": content, "trust": trust}


ORDER = {"customer": "ana_1", "status": "open", "paid": "500", "refunds": [], "address": "1 Road"}
RECORDED = (
    call("find_customer", email="ana@example.com"),
    result("find_customer", "ana_1"),
    call("read_order", order_id="o1"),
    result("read_order", ORDER),
    call("refund", order_id="o1", amount=20),
    result("refund", {"refunded": "20"}),
    call("refund", order_id="o1", amount=400),
    call("delete_everything"),
)


@pytest.fixture
def judged(desk: Desk, tmp_path: Path) -> Any:
    """Judge events by the desk's charter; return what ``--json`` prints."""

    def run(*events: dict[str, Any], user: str = "Money back, please.", more: tuple[str, ...] = ()) -> Any:
        file = tmp_path / "calls.jsonl"
        line = {"run": "r1", "as": "clerk", "user": user, "events": list(events)}
        file.write_text(json.dumps(line) + "\n")
        place = ["replay", "--charter", str(desk.folder), "--calls", str(file), "--workflow", "case"]
        ran = CliRunner().invoke(cli, [*place, "--json", *more], catch_exceptions=False)
        return json.loads(ran.output)

    return run


def test_each_call_is_judged_with_its_reasons(judged: Any) -> None:
    report = judged(*RECORDED)
    assert [(line["tool"], line["verdict"]) for line in report["calls"]] == [
        ("find_customer", "permitted"),
        ("read_order", "permitted"),
        ("refund", "permitted"),
        ("refund", "asked"),
        ("delete_everything", "refused"),
    ]
    assert report["sums"] == {"permitted": 3, "asked": 1, "refused": 1, "held": 0}
    assert "large-refund" in report["calls"][3]["rules"]
    assert report["calls"][4]["rules"] == ["undeclared"]


def test_nothing_is_performed_and_nothing_is_kept(judged: Any, desk: Desk) -> None:
    judged(*RECORDED)
    assert desk.shop.refunds == []
    assert not desk.system.applied
    assert not (desk.folder / ".bridgehead").exists()


def test_what_was_not_permitted_is_not_known_later(judged: Any, desk: Desk) -> None:
    # The other customer's order is withheld, so the address in it endorses nothing.
    enforce(desk)
    events = (
        call("find_customer", email="ana@example.com"),
        result("find_customer", "ana_1"),
        call("read_order", order_id="o1"),
        result("read_order", ORDER),
        call("read_order", order_id="o9"),
        result("read_order", ORDER | {"customer": "bo_2", "address": "7 Hill"}),
        call("change_address", order_id="o1", address="7 Hill"),
    )
    report = judged(*events, user="Orders #o1 and o1")
    assert [line["verdict"] for line in report["calls"]] == ["permitted", "permitted", "refused", "refused"]
    assert "'7 Hill': nobody named it" in report["calls"][-1]["why"][1]


def test_a_word_the_user_said_that_names_nothing_is_not_called_the_models(judged: Any, desk: Desk) -> None:
    enforce(desk)
    desk.change("    subject: customer\n  plain:", "    subject: customer\n    words: [said]\n  plain:")
    events = (
        call("find_customer", email="ana@example.com"),
        result("find_customer", "ana_1"),
        call("read_order", order_id="o1"),
        result("read_order", ORDER),
        call("change_address", order_id="o1", address="lane"),
    )
    report = judged(*events, user="Order o1 is for ana@example.com, move it down the lane")
    assert "'lane': it stands in the user's words, and names nothing there" in report["calls"][-1]["why"][1]


@pytest.mark.parametrize(("trust", "verdict"), [("record", "permitted"), ("untrusted", "refused")])
def test_a_recording_may_trust_a_result_less_than_the_charter(
    judged: Any, desk: Desk, trust: str, verdict: str
) -> None:
    enforce(desk)
    events = (
        call("find_customer", email="ana@example.com"),
        result("find_customer", "ana_1"),
        call("read_order", order_id="o1"),
        result("read_order", ORDER, trust),
        call("change_address", order_id="o1", address="1 Road"),
    )
    assert judged(*events)["calls"][-1]["verdict"] == verdict


def enforce(desk: Desk) -> None:
    desk.change("policies: [policy.cedar]\n", "policies: [policy.cedar]\nprovenance: enforced\n")
    desk.change(
        "    sensitive: [order_id, address]\n",
        "    sensitive: [order_id, address]\n    allowed: {order_id: [o1]}\n"
        "    endorsed_by: {address: [user, record:read_order.address]}\n",
    )
    desk.change(
        "    subject: result.customer\n", "    subject: result.customer\n    returns: {trust: record}\n"
    )


def test_two_charters_are_laid_side_by_side(judged: Any, desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other").change("refund: amount > 100 USD", "refund: amount > 10 USD")
    report = judged(*RECORDED, more=("--against", str(other.folder)))
    (difference,) = report["differences"]
    assert (difference["charter"]["call"], difference["charter"]["verdict"]) == (3, "permitted")
    assert difference["against"]["verdict"] == "asked"


@pytest.mark.parametrize(
    ("tool", "args", "rule"),
    [
        ("find_customer", {"email": "\ud800"}, "BH-REC-001"),
        ("find_customer", {"\ud800": "x"}, "BH-REC-001"),
        ("find_customer", {"email": json.loads("[" * 300 + "]" * 300)}, "BH-REC-001"),
        ("x" * 5000, {}, "BH-REC-003"),
        ("\ud800\x1b[2J", {}, "BH-REC-001"),
    ],
)
def test_a_call_that_cannot_be_recorded_is_refused_and_the_others_are_judged(
    desk: Desk, tmp_path: Path, tool: str, args: dict[str, Any], rule: str
) -> None:
    file = tmp_path / "calls.jsonl"
    events = [*RECORDED[:2], {"type": "call", "tool": tool, "args": args}, *RECORDED[2:4]]
    file.write_text(json.dumps({"run": "r\ud800", "as": "clerk", "user": "Hello.", "events": events}))
    place = ["replay", "--charter", str(desk.folder), "--calls", str(file), "--workflow", "case"]
    ran = CliRunner().invoke(cli, [*place, "--json"], catch_exceptions=False)
    before, this, after = json.loads(ran.output)["calls"]
    assert (before["verdict"], this["verdict"], after["verdict"]) == ("permitted", "refused", "permitted")
    assert this["rules"] == [rule] and "cannot be recorded" in this["why"][0]
    shown = CliRunner().invoke(cli, place, catch_exceptions=False)
    assert "\x1b" not in shown.output and "2 permitted, 0 asked, 1 refused" in shown.output


def test_a_line_ends_where_the_file_says_and_nowhere_else(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    line = {"run": "r1", "as": "clerk", "user": "One\u2028two\x85three\u2029", "events": list(RECORDED[:2])}
    file.write_bytes(b"\xef\xbb\xbf" + (json.dumps(line, ensure_ascii=False) + "\r\n").encode() * 2)
    place = ["replay", "--charter", str(desk.folder), "--calls", str(file), "--workflow", "case"]
    ran = CliRunner().invoke(cli, place, catch_exceptions=False)
    assert "2 calls, 2 permitted" in ran.output


def test_bytes_that_are_no_text_are_told_with_file_and_line(desk: Desk, tmp_path: Path) -> None:
    from bridgehead.kernel.errors import EngineError

    file = tmp_path / "calls.jsonl"
    file.write_bytes(b'{"run": "r", "as": "clerk", "events": []}\n{"run": "\xff"}\n')
    with pytest.raises(EngineError, match="utf-8") as raised:
        CliRunner().invoke(
            cli, ["replay", "--charter", str(desk.folder), "--calls", str(file)], catch_exceptions=False
        )
    assert (raised.value.code, raised.value.where) == ("BH-RUN-045", f"{file}:2")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"run": "r", "events": [{"type": "result", "tool": "x", "content": 1}]}',
        '{"run": "r", "events": [{"type": "call", "tool": "x", "args": []}]}',
        '{"run": "r", "events": [{"type": "call", "tool": 7}]}',
        '{"run": "r", "events": [{"type": "dance"}]}',
        '{"run": "r"}',
    ],
)
def test_a_line_that_is_no_recorded_run_is_told_with_its_number(
    desk: Desk, tmp_path: Path, line: str
) -> None:
    from bridgehead.kernel.errors import EngineError

    file = tmp_path / "calls.jsonl"
    file.write_text("\n" + line + "\n")
    with pytest.raises(EngineError, match=r"calls\.jsonl:2: ") as raised:
        CliRunner().invoke(
            cli, ["replay", "--charter", str(desk.folder), "--calls", str(file)], catch_exceptions=False
        )
    assert raised.value.code == "BH-RUN-045"


def test_a_run_that_could_belong_to_several_workflows_wants_one_named(desk: Desk, tmp_path: Path) -> None:
    from bridgehead.kernel.errors import EngineError

    file = tmp_path / "calls.jsonl"
    file.write_text('{"run": "r", "as": "clerk", "events": []}')
    with pytest.raises(EngineError, match="several") as raised:
        CliRunner().invoke(
            cli, ["replay", "--charter", str(desk.folder), "--calls", str(file)], catch_exceptions=False
        )
    assert raised.value.code == "BH-RUN-046"
