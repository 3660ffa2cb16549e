"""What people are told: every figure and every sentence resolves, and says what happened."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from bridgehead.assemble import House
from bridgehead.enforce import approve
from bridgehead.explain import (
    Figure,
    Sentence,
    Story,
    Viewer,
    inbox,
    list_runs,
    overview,
    plain,
    queries,
    question,
    story,
    why,
)
from bridgehead.explain.told import evidence_of
from bridgehead.store.tables import crossing, entry, run


def run_of(house: House, **where: str) -> str:
    """Return a run that has a crossing in this state, or this status."""
    with house.store.reading() as connection:
        if "status" in where:
            found = select(run.c.id).where(run.c.status == where["status"])
        else:
            found = select(crossing.c.run).where(
                crossing.c.state == where["state"], crossing.c.kind == "act", crossing.c.effect != "read"
            )
        return str(connection.execute(found.limit(1)).scalar_one())


def told(house: House, run_id: str) -> Story:
    with house.store.reading() as connection:
        found = story(connection, house.ledger, house.deployment.charter, run_id)
    assert found is not None
    return found


def viewer(house: House, person: str) -> Viewer:
    found = Viewer.of(house.deployment.charter, person)
    assert found is not None
    return found


def test_a_figure_without_a_source_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="resolves to no entry"):
        Figure(label="tickets", value="74")


def test_a_sentence_without_an_entry_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="resolves to no entry"):
        Sentence(words="It went well.", entries=())


def test_every_sentence_of_why_rests_on_entries_of_that_run(house: House) -> None:
    with house.store.reading() as connection:
        ids = connection.execute(select(run.c.id)).scalars().all()
        for one in ids:
            known = set(connection.execute(select(entry.c.idx).where(entry.c.run == one)).scalars())
            sentences = why(told(house, one))
            assert len(sentences) >= 2
            assert {index for sentence in sentences for index in sentence.entries} <= known


def test_every_figure_of_a_deployment_is_found_again_by_its_query(house: House) -> None:
    with house.store.reading() as connection:
        seen = overview(connection, house.ledger, house.deployment)
        figures = [*seen.runs, *seen.actions, *seen.money, seen.waiting, seen.unknown, seen.incidents]
        for figure in figures:
            rows = queries.rows(connection, figure.query)
            assert (
                figure.value in _values(rows)
                or figure.value == str(len(rows))
                or _sums_to(rows, figure.value)
            )
    assert seen.money != ()


def _values(rows: list[dict[str, object]]) -> set[str]:
    return {str(value) for row in rows for value in row.values()}


def _sums_to(rows: list[dict[str, object]], value: str) -> bool:
    numbers = [row.get("runs", row.get("amount", 0)) for row in rows]
    return abs(sum(float(str(number)) for number in numbers) - float(value)) < 0.005


def test_every_named_query_runs_and_shows_its_sql(house: House) -> None:
    with house.store.reading() as connection:
        for name in queries.NAMED:
            assert isinstance(queries.rows(connection, name), list)
            assert queries.count(connection, name) == len(queries.rows(connection, name))
            assert queries.sql(connection, name).startswith("SELECT")


def test_a_refused_action_stops_at_the_step_that_refused_it(house: House) -> None:
    found = told(house, run_of(house, state="refused"))
    assert found.deciding is not None
    steps = {step.number: step.state for step in found.deciding.strip}
    assert steps == {1: "done", 2: "stopped", **dict.fromkeys(range(3, 10), "open"), 10: "stopped"}
    assert all(reason.source for reason in found.deciding.reasons), "the rule's file and line"
    assert "refused" in found.sentence


def test_a_permitted_action_reaches_its_outcome_through_all_steps(house: House) -> None:
    found = told(house, run_of(house, state="done"))
    changed = [item for item in found.crossings if item.effect != "read" and item.state == "done"]
    states = [step.state for step in changed[0].strip]
    assert states == ["done"] * 4 + ["skipped"] * 2 + ["done"] * 4
    assert changed[0].strip[7].took != ""
    assert {step.entry for step in changed[0].strip if step.entry is not None} <= set(changed[0].entries)


def test_a_waiting_action_shows_where_it_waits(house: House) -> None:
    found = told(house, run_of(house, status="waiting"))
    assert found.deciding is not None and found.deciding.state == "asked"
    assert [step.state for step in found.deciding.strip] == ["done"] * 4 + ["waiting"] + ["open"] * 5
    assert found.sentence.startswith("The run waits for people: ")


async def test_a_yes_is_seen_on_the_strip_before_it_is_used(house: House, questions: list[str]) -> None:
    maya = viewer(house, "maya")
    with house.store.reading() as connection:
        seen = question(connection, house.boundary, maya, questions[0])
    assert seen is not None
    approve.vote(
        house.boundary,
        questions[0],
        maya.principal("session"),
        answer="approve",
        digest=seen.digest,
        reason="ok",
    )
    with house.store.reading() as connection:
        after = question(connection, house.boundary, maya, questions[0])
    assert after is not None
    assert after.strip[4].state == "done"
    assert after.strip[4].word == "1 of 1 agreed"
    assert [step.state for step in after.strip[5:]] == ["open"] * 5
    assert after.votes[0].reason == "ok"


def test_an_unknown_outcome_is_never_drawn_as_failed(house: House) -> None:
    done = run_of(house, state="done")
    with house.store.writing() as connection:
        connection.execute(
            update(crossing)
            .where(crossing.c.run == done, crossing.c.effect != "read")
            .values(state="unknown")
        )
    found = told(house, done)
    assert found.deciding is not None
    assert found.deciding.strip[7].state == "unknown"
    assert found.deciding.strip[9].state == "unknown"
    assert found.deciding.state_words == "unknown"


def test_reads_made_to_decide_stand_before_what_they_decided(house: House) -> None:
    found = told(house, run_of(house, status="waiting"))
    asked = next(n for n, item in enumerate(found.crossings) if item.state == "asked")
    before = found.crossings[asked - 1]
    assert before.evidence_of == found.crossings[asked].position


@pytest.mark.parametrize(
    ("position", "decides"), [("3", ""), ("4.0.1", ""), ("3.b1-1.order.0", "3"), ("4.2.p12-1", "4.2")]
)
def test_a_position_says_what_it_was_read_for(position: str, decides: str) -> None:
    assert evidence_of(position) == decides


def test_the_inbox_holds_questions_to_ones_own_groups_only(house: House, questions: list[str]) -> None:
    with house.store.reading() as connection:
        for person, expected in (("maya", len(questions)), ("ruth", 0), ("noor", 0)):
            found = inbox(connection, house.boundary, viewer(house, person))
            assert len(found.waiting) == expected
    near = Viewer(id="eve", name="Eve", groups=frozenset({"support-lead", "support_leads", "%"}))
    with house.store.reading() as connection:
        assert inbox(connection, house.boundary, near).waiting == ()


def test_a_question_one_may_not_see_does_not_exist(house: House, questions: list[str]) -> None:
    with house.store.reading() as connection:
        assert question(connection, house.boundary, viewer(house, "jens"), questions[0]) is None
        assert question(connection, house.boundary, viewer(house, "maya"), "apr_none") is None


def test_runs_are_paged_without_a_gap_or_a_repeat(house: House) -> None:
    seen: list[str] = []
    cursor = ""
    with house.store.reading() as connection:
        every = set(connection.execute(select(run.c.id)).scalars())
        while True:
            found = list_runs(connection, before=cursor, limit=2)
            seen += [line.id for line in found.lines]
            cursor = found.older
            if not cursor:
                break
    assert len(seen) == len(set(seen))
    assert set(seen) == every


def test_runs_are_found_by_status_and_by_words(house: House) -> None:
    with house.store.reading() as connection:
        assert {line.status for line in list_runs(connection, status="waiting").lines} == {"waiting"}
        assert [line.title for line in list_runs(connection, text="H2/19").lines] == ["Ticket H2/19"]
        assert list_runs(connection, text="100%").lines == ()


def test_everything_told_is_plain_json(house: House) -> None:
    value = plain(told(house, run_of(house, status="done")))
    assert isinstance(value, dict)
    assert value["run"]["status"] == "done"
    assert all(isinstance(index, int) for item in value["crossings"] for index in item["entries"])
