"""Promise 5 in SQL: two people, the same statement written by a model, two different and correct answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bridgehead.assemble import walls
from bridgehead.kernel.clock import SystemClock
from fixtures import sales
from fixtures.houses import Desk

SQL = "SELECT region, count(*) AS customers, max(name) AS last FROM customers GROUP BY region"
Reached = Callable[..., Desk]


@pytest.fixture(params=["sqlite", "duckdb", "duckdb-files", "postgresql", "postgresql-wall"])
def reached(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A desk with the source ``sales`` on each kind of database."""
    opened: list[Desk] = []
    url = request.getfixturevalue("postgresql_url") if request.param.startswith("postgresql") else ""

    def open_desk(*models: Any) -> Desk:
        walled = request.param == "postgresql-wall"
        # A claim is good for minutes by the database's clock.
        desk = Desk(tmp_path, *models, clock=SystemClock() if walled else None)
        driver, where = request.param.partition("-")[0], tmp_path / "sales"
        if url:
            monkeypatch.setenv("SALES_ADDRESS", sales.postgresql_tables(url))
        elif request.param == "duckdb-files":
            sales.duckdb_folder(where)
        else:
            where = where.with_suffix(f".{driver}")
            (sales.sqlite_file if driver == "sqlite" else sales.duckdb_file)(where)
        opened.append(desk)
        if walled:
            _put_up(desk, url, monkeypatch)
        else:
            sales.add_to(desk.folder, driver, where)
        return desk

    yield open_desk
    for desk in opened:
        if request.param == "postgresql-wall":
            walls.installer(desk.house, desk.house.deployment, "sales").down()
        desk.close()


def _put_up(desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the second wall, and read as its role."""
    admin = url.replace("+psycopg", "")
    wall = f"flow_{url.rpartition('/')[2]}"
    sales.add_to(desk.folder, "postgresql", desk.folder, wall=wall)
    monkeypatch.setenv("SALES_ADDRESS_ADMIN", admin)
    monkeypatch.setenv("SALES_ADDRESS", f"postgresql://{wall}:reader@{admin.partition('@')[2]}")
    assert walls.installer(desk.house, desk.house.deployment, "sales").up() == "absent"


async def _asked(desk: Desk, person: str, *statements: str, workflow: str = "asking") -> list[dict[str, Any]]:
    run = desk.start(workflow=workflow, input={"statements": list(statements)}, on_behalf=person)
    await desk.work()
    found: list[dict[str, Any]] = desk.ended(run)
    return found


async def test_two_people_get_two_answers_to_the_sql_a_model_wrote(reached: Reached) -> None:
    desk = reached(SQL, SQL)
    answers = []
    for person in ("ana", "uma"):
        run = desk.start(workflow="writing", input={"question": "How many customers?"}, on_behalf=person)
        await desk.work()
        answers.append(desk.ended(run)["value"])
    assert answers == [
        [{"region": "eu", "customers": 2, "last": "Bo Berg"}],
        [{"region": "us", "customers": 2, "last": "Di HIDDEN"}],
    ]


async def test_each_person_sees_their_columns_and_masks_and_their_labels(reached: Reached) -> None:
    desk = reached()
    (ana,) = await _asked(desk, "ana", "SELECT * FROM customers ORDER BY id")
    (uma,) = await _asked(desk, "uma", "SELECT * FROM customers ORDER BY id")
    first = ana["value"][0]
    assert [row["income"] for row in ana["value"]] == [41000, 63000]
    assert "iban" not in first and len(first["email"]) == 64  # not cleared; hashed
    assert _day(first["since"]) == "2021-03-01"
    assert [row["income"] for row in uma["value"]] == [80000, 50000]
    assert uma["value"][0]["email"] == "HIDDEN@example.com"
    assert ana["labels"]["email"] == {"sources": ["customers.email"], "tags": []}


async def test_an_agent_that_is_cleared_for_a_tag_sees_its_column_and_the_label_says_so(
    reached: Reached,
) -> None:
    desk = reached()
    (found,) = await _asked(
        desk, "ana", "SELECT iban AS i, id FROM customers ORDER BY id", workflow="clearly"
    )
    assert found["value"][0] == {"i": "DE12345678901234", "id": 1}
    assert found["labels"]["i"] == {"sources": ["customers.iban"], "tags": ["bank"]}


async def test_columns_of_one_name_are_told_apart_and_neither_has_the_label_of_the_other(
    reached: Reached,
) -> None:
    desk = reached()
    counted, hidden, own, cased = await _asked(
        desk,
        "ana",
        "SELECT id, id, id, name AS id_2 FROM customers ORDER BY 1 LIMIT 1",
        # Where a database names the first column max (or max(iban)), its name is that of the second.
        'SELECT max(iban), max(region) AS max, max(name) AS "max(iban)" FROM customers',
        "SELECT region AS a, name AS a_2 FROM customers ORDER BY id LIMIT 1",
        'SELECT max(iban), max(region) AS "MAX" FROM customers',
        workflow="clearly",
    )
    assert counted["value"] == [{"id": 1, "id_3": 1, "id_4": 1, "id_2": "Ana Alba"}]
    assert "customers.id" in counted["labels"]["id_3"]["sources"]
    for found in (hidden, cased):
        bank = [name for name, value in found["value"][0].items() if value == "DE99995678905678"]
        assert len(bank) == 1 and found["labels"][bank[0]]["tags"] == ["bank"]
    assert len(hidden["value"][0]) == 3 and len(cased["value"][0]) == 2
    assert own["labels"] == {
        "a": {"sources": ["customers.region"], "tags": []},
        "a_2": {"sources": ["customers.name"], "tags": []},
    }


async def test_a_name_that_the_database_cuts_short_is_not_taken_for_a_number(reached: Reached) -> None:
    desk = reached()
    name = "n" * 63
    sql = f"SELECT max(region) AS {name}_2, max(iban) AS {name} FROM customers"
    (found,) = await _asked(desk, "ana", sql, workflow="clearly")
    bank = [name for name, value in found["value"][0].items() if value == "DE99995678905678"]
    assert len(found["value"][0]) == 2 and found["labels"][bank[0]]["tags"] == ["bank"]


async def test_two_figures_of_one_function_come_back(reached: Reached) -> None:
    desk = reached()
    sql = "SELECT count(*), count(id), min(since), count(*) FROM customers"
    (found,) = await _asked(desk, "ana", sql)
    (row,) = found["value"]
    assert len(row) == 4 and [value for value in row.values() if value == 2] == [2, 2, 2]
    assert set(found["labels"]) == set(row)


async def test_a_refusal_tells_nothing_and_is_recorded(reached: Reached) -> None:
    desk = reached()
    denied, unknown, changed, none = await _asked(
        desk,
        "ana",
        "SELECT * FROM secrets",
        "SELECT * FROM nowhere",
        "DELETE FROM customers",
        "SELECT iban FROM customers",
    )
    assert denied["words"].replace("secrets", "nowhere") == unknown["words"]
    assert denied["step"] == 3 and denied["rules"] == ["sql.table"]
    assert changed["rules"] == ["sql.statement"]
    assert none["is"] == "failed" and none["code"] == "BH-CON-064"
    assert "iban" not in none.get("words", "")
    refused = desk.entries("action.refused")
    assert len(refused) == 2 + 1 and all(e["action"]["target"] == "sales" for e in refused)
    assert "secrets" not in str(refused)  # what was asked stands in the erasable body
    assert any(
        body["arguments"] == {"sql": "SELECT * FROM secrets"} for body in desk.bodies("action.refused")
    )


async def test_what_the_database_said_is_for_the_owner_alone(reached: Reached) -> None:
    desk = reached()
    run = desk.start(
        workflow="asking", input={"statements": ["SELECT no_such_column FROM customers"]}, on_behalf="ana"
    )
    await desk.work()
    (told,) = desk.ended(run)
    assert told["code"] == "BH-CON-064"
    (body,) = desk.bodies("action.outcome", run)
    assert "no_such_column" in body["private"]
    assert f"{run}/1" in body["fault"]["words"] and "no_such_column" not in body["fault"]["words"]
    assert "look at the names and types of columns" in told["words"]
    (intent,) = desk.bodies("action.intent", run)
    assert "no_such_column" in intent["arguments"]["sql"]
    assert intent["entitled"]["tables"] == ["customers"]
    assert intent["entitled"]["grants"][0].startswith("charter.yaml:")


async def test_whoever_asked_too_much_is_told_what_to_do_and_nothing_of_the_data(reached: Reached) -> None:
    desk = reached()
    (found,) = await _asked(desk, "ana", "SELECT a.id FROM orders a, orders b, orders c, orders d")
    assert found["code"] == "BH-CON-063"
    told = "ask for fewer rows (LIMIT), or for figures (count, sum, avg)"
    assert found["words"] == f"a query of sales gives more than 50 rows; {told}"


async def test_a_named_query_takes_the_same_road(reached: Reached) -> None:
    desk = reached()
    run = desk.start(workflow="named", input={"customers": [1, 3, "x"]}, on_behalf="ana")
    await desk.work()
    own, other, wrong = desk.ended(run)
    assert own["value"] == [{"id": 10, "amount": 120}, {"id": 11, "amount": 80}]
    assert other["value"] == []
    assert wrong["rules"] == ["sql.parameters"]


async def test_of_salaries_only_figures_over_groups_are_given_and_not_many(reached: Reached) -> None:
    desk = reached()
    team = "SELECT team, avg(salary) AS pay FROM salaries GROUP BY team"
    one, groups, again, last = await _asked(
        desk, "hal", "SELECT salary FROM salaries WHERE id = 9", team, team, team
    )
    assert one["rules"] == ["sql.groups"]
    assert [row["team"] for row in groups["value"]] == ["sales"]
    assert again["is"] == "done" and last["is"] == "done"
    (*_, fourth) = await _asked(desk, "hal", team, team, team, team)
    assert fourth["rules"] == ["sql.questions"]


async def test_somebody_switched_to_another_group_sees_what_that_group_sees_at_once(reached: Reached) -> None:
    desk = reached()
    (before,) = await _asked(desk, "ana", "SELECT count(*) AS n FROM orders")
    desk.change("groups: [east], attributes", "groups: [], attributes")
    desk.activate()
    (after,) = await _asked(desk, "ana", "SELECT count(*) AS n FROM orders")
    assert before["value"] == [{"n": 3}]
    assert after["rules"] == ["sql.table"]


def _day(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)[:10]
