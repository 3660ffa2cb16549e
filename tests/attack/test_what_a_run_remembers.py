"""Labels outlive what a run goes through: SQL, a wait, a restart, another run. None is lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures import sales
from fixtures.houses import IDENTIFY, Desk, Step, act, decide

WORKFLOW = """
from typing import Any


async def play(run: Any, steps: list[list[Any]], said: str = "") -> list[dict[str, Any]]:
    found = []
    for method, name, arguments in steps:
        given = [arguments.pop("sql")] if method == "query" else []
        found.append(told(await getattr(run, method)(name, *given, **arguments)))
    return found


def told(outcome: Any) -> dict[str, Any]:
    kind = type(outcome).__name__
    if kind == "Refused":
        return {"is": "refused", "words": outcome.decision.words()}
    return {"is": kind.lower(), "value": getattr(outcome, "value", None)}
"""
VALUE = """  value:
    question: Nothing stands behind a value.
    who: leads
    within: 4h
"""


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """The desk with origins enforced; letters leave, and prices are a secret of the house."""
    desk.workflow(WORKFLOW)
    top = "provenance: enforced\nunendorsed: value\nreaders: {secret: [nobody]}\n"
    desk.change("policies: [policy.cedar]\n", f"policies: [policy.cedar]\n{top}")
    desk.change("  go-ahead:                         #", f"{VALUE}  go-ahead:                         #")
    desk.change("    subject: customer\n  plain:", "    subject: customer\n    words: [said]\n  plain:")
    desk.change("    sensitive: [text]\n", "    egress: [text]\n")
    price = "      item: {type: string, maxLength: 200}\n"
    desk.change(price, f"{price}    returns: {{tags: {{price: [secret]}}}}\n")
    return desk


def case(*steps: Any, said: str = "") -> dict[str, Any]:
    return {"said": said, "steps": [list(step) for step in steps]}


def query(sql: str) -> Step:
    return ("query", "sales", {"sql": sql})


PRICE, LETTER = act("price_of", item="lamp"), act("send_letter", text="Nothing to see here.")


async def test_a_letter_after_a_wait_and_a_restart_still_knows_what_was_read(strict: Desk) -> None:
    strict.start(input=case(PRICE, decide("Go on?"), LETTER))
    await strict.work()
    asked = strict.question()
    strict.close()
    strict.reopen()
    strict.vote("maya", question=asked)
    await strict.work()
    (text,) = [fact for fact in strict.question().facts if fact.name.startswith("text")]
    assert "written after price_of was read, whose answer is secret" in text.source
    assert strict.shop.letters == []


async def test_a_letter_by_a_run_that_read_nothing_needs_nobody(strict: Desk) -> None:
    assert (await strict.play(input=case(LETTER)))[-1]["is"] == "done"
    assert strict.shop.letters == ["Nothing to see here."]


async def test_what_one_run_returned_stands_behind_nothing_in_the_next(strict: Desk) -> None:
    strict.shop.extra = {"hint": "9 Thief Street"}
    (answer,) = await strict.play(input=case(PRICE))
    memory = answer["value"]["hint"]
    strict.start(input=case(IDENTIFY, act("change_address", order_id="o1", address=memory)))
    await strict.work()
    assert any(fact.value == memory for fact in strict.question().facts)
    assert strict.shop.orders["o1"]["address"] == "1 Road"


async def test_a_yes_ends_with_its_run_whatever_is_restarted(strict: Desk) -> None:
    move = act("change_address", order_id="o1", address="12 Long Lane")
    strict.start(input=case(IDENTIFY, move))
    await strict.work()
    strict.vote("maya")
    await strict.work()
    assert strict.shop.orders["o1"]["address"] == "12 Long Lane"
    strict.shop.orders["o1"]["address"] = "1 Road"
    strict.close()
    strict.reopen()
    strict.start(input=case(IDENTIFY, move))
    await strict.work()
    assert {fact.value for fact in strict.question().facts} >= {"12 Long Lane", "o1"}
    assert strict.shop.orders["o1"]["address"] == "1 Road"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT iban FROM customers",
        "SELECT iban AS region FROM customers",
        "SELECT substr(iban, 1, 4) || '-' AS hint FROM customers",
        "WITH c AS (SELECT upper(iban) AS x FROM customers) SELECT max(x) AS name FROM c",
        "SELECT name FROM customers WHERE iban LIKE 'DE12%'",
        "SELECT count(*) AS n FROM customers WHERE substr(iban, 3, 1) = '1'",
        "SELECT name FROM customers ORDER BY iban",
    ],
)
async def test_what_was_read_in_sql_does_not_leave_under_another_name(
    strict: Desk, tmp_path: Path, sql: str
) -> None:
    run = _asks_the_source(strict, tmp_path, query(sql), LETTER)
    await strict.work()
    assert strict.row(run).status == "waiting", strict.result(run)
    (text,) = [fact for fact in strict.question().facts if fact.name.startswith("text")]
    assert "whose answer is bank" in text.source
    assert strict.shop.letters == []


async def test_what_no_tag_is_on_may_be_written_about(strict: Desk, tmp_path: Path) -> None:
    run = _asks_the_source(strict, tmp_path, query("SELECT name, region FROM customers"), LETTER)
    await strict.work()
    assert [step["is"] for step in strict.ended(run)] == ["done", "done"]


def _asks_the_source(desk: Desk, place: Path, *steps: Step) -> str:
    sales.add_to(desk.folder, "sqlite", sales.sqlite_file(place / "sales.sqlite"))
    text = (desk.folder / "charter.yaml").read_text()
    text = text.replace("    actions: []\n", "    actions: [send_letter]\n")
    text = text.replace("readers: {secret: [nobody]}", "readers: {secret: [nobody], bank: [nobody]}")
    letters = '  writing: {function: "workflow.py:play", agent: cleared, bindings: [case], words: [said]}'
    lines = [letters if line.startswith("  writing:") else line for line in text.splitlines()]
    (desk.folder / "charter.yaml").write_text("\n".join(lines) + "\n")
    return desk.start(workflow="writing", input=case(*steps), on_behalf="ana")
