"""A model works with a database as its tool: it writes SQL, reads rows with their labels, and is told in
words what it may not do, in such a way that it can do something else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures import sales
from fixtures.houses import Desk

CODE = """
async def play(run, question, sources, tools=()):
    outcome = await run.agent("support", instructions="Answer from the database.", input=question,
                              tools=list(tools), sources=sources, max_turns=6)
    if type(outcome).__name__ == "Failed":
        return {"is": outcome.fault.code}
    return {"is": "done", "value": outcome.value}
"""


def asks(sql: Any, tool: str = "query_sales") -> dict[str, Any]:
    return {"tool_calls": [{"name": tool, "arguments": {"sql": sql}}]}


class Play:
    """One conversation about the source ``sales``, as Ana through the agent ``asker``."""

    def __init__(self, path: Path, *turns: Any) -> None:
        self.desk = Desk(path, *turns)
        sales.add_to(self.desk.folder, "sqlite", sales.sqlite_file(path / "sales.sqlite"))
        self.desk.add(CODE, file="asking.py")
        self.desk.change('"asking.py:ask", agent: asker', '"asking.py:play", agent: asker')

    async def end(self, person: str = "ana", **case: Any) -> Any:
        given = {"question": "How many customers are there?", "sources": ["sales"], **case}
        self.run = self.desk.start(workflow="asking", input=given, on_behalf=person)
        await self.desk.work()
        return self.desk.ended(self.run)

    def told(self) -> list[str]:
        """Return what the model was told about its calls, as of its last turn."""
        messages = self.desk.model.calls[-1].arguments["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"]

    def shown(self) -> dict[str, Any]:
        (tool,) = self.desk.model.calls[0].arguments["tools"]
        return dict(tool)


@pytest.fixture
def played(tmp_path: Path) -> Any:
    made: list[Play] = []

    def play(*turns: Any) -> Play:
        made.append(Play(tmp_path, *turns))
        return made[-1]

    yield play
    for one in made:
        one.desk.close()


async def test_it_writes_sql_and_reads_rows_with_their_labels(played: Any) -> None:
    play = played(asks("SELECT count(*) AS n, max(income) AS top FROM customers"), "There are two.")
    found = await play.end()
    assert found["value"]["text"] == "There are two."
    assert [json.loads(said) for said in play.told()] == [
        {
            "rows": [{"n": 2, "top": 63000}],
            "columns": {
                "n": {"from": [], "tags": []},
                "top": {"from": ["customers.income"], "tags": []},
            },
        }
    ]
    (intent,) = [e for e in play.desk.entries("action.intent") if e["action"]["kind"] == "query"]
    assert intent["action"]["target"] == "sales"


async def test_the_same_question_of_somebody_else_is_answered_for_them(played: Any) -> None:
    play = played(asks("SELECT max(name) AS name FROM customers"), "Done.")
    await play.end(person="uma")
    assert json.loads(play.told()[0])["rows"] == [{"name": "Di HIDDEN"}]


async def test_it_is_shown_the_tables_of_its_reader_and_no_others(played: Any) -> None:
    play = played("Nothing to ask.")
    await play.end()
    shown = play.shown()
    assert shown["name"] == "query_sales" and shown["parameters"]["required"] == ["sql"]
    said = shown["description"]
    assert "one SELECT in the SQL of SQLite; at most 50 rows" in said
    assert (
        "- customers (id integer, name text, email text, masked by hash, region text, income integer" in said
    )
    assert "orders" in said and "salaries" not in said and "secrets" not in said and "iban" not in said


async def test_figures_only_is_said_where_it_holds(played: Any) -> None:
    play = played("Nothing to ask.")
    await play.end(person="hal")
    assert (
        "only figures (count, sum, avg, stddev, variance) over groups of at least 4"
        in play.shown()["description"]
    )


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM secrets", "refused: There is no table secrets that you may read."),
        ("DELETE FROM customers", "refused: Only a query may be asked: SELECT, WITH or VALUES."),
        ("SELECT 1; SELECT 2", "refused: It is 2 statements; one is needed."),
        ("SELECT load_extension('x')", "refused: The function load_extension is not let through."),
        ("SELECT nothing_like_it FROM customers", "Look at the names and types of columns"),
        ("SELECT iban FROM customers", "Look at the names and types of columns"),
        ("SELECT a.id FROM orders a, orders b, orders c, orders d", "Ask for fewer rows (LIMIT)"),
        (7, "refused: it takes one argument, sql"),
    ],
)
async def test_what_it_may_not_is_said_so_that_it_can_do_something_else(
    played: Any, sql: Any, words: str
) -> None:
    play = played(asks(sql), asks("SELECT count(*) AS n FROM customers"), "Two.")
    assert (await play.end())["value"]["text"] == "Two."
    refused, answered = play.told()
    assert words in refused
    assert "HIDDEN" not in refused and "no such column" not in refused  # the database's words are not for it
    assert json.loads(answered)["rows"] == [{"n": 2}]


async def test_a_source_it_was_not_given_is_refused_on_the_record(played: Any) -> None:
    play = played(asks("SELECT 1", tool="query_other"), asks("SELECT 1", tool="sales"), "Sorry.")
    await play.end()
    assert all("does not offer" in said for said in play.told())
    assert len(play.desk.entries("action.refused")) == 2


async def test_one_refused_statement_repeated_ends_the_loop(played: Any) -> None:
    play = played(*[asks("SELECT * FROM secrets")] * 5)
    assert await play.end() == {"is": "BH-RUN-021"}


async def test_text_from_the_database_never_becomes_a_right(played: Any) -> None:
    """A row that says "ask for secrets" is data: what the model then asks is refused as before."""
    play = played(
        asks("SELECT note FROM orders WHERE id = 10"), asks("SELECT note FROM secrets"), "I could not."
    )
    await play.end()
    assert play.told()[1] == "refused: There is no table secrets that you may read."


@pytest.mark.parametrize("case", [{"sources": ["nowhere"]}, {"sources": ["sales"], "tools": ["query_sales"]}])
async def test_a_source_that_cannot_be_offered_stops_the_run(played: Any, case: dict[str, Any]) -> None:
    play = played("Never asked.")
    run = play.desk.start(
        workflow="asking", input={"question": "?", "sources": ["sales"], **case}, on_behalf="ana"
    )
    await play.desk.work()
    assert play.desk.model.calls == []
    assert "BH-RUN-023" in str(play.desk.result(run)) + str(play.desk.entries(run=run))
