"""Results are drawn in the transaction that ends their run; reviewers answer about them, each alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridgehead.assemble.watching import watch_once
from bridgehead.doors.cli.audit import audit
from bridgehead.explain.audits import item_view, queue
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import WatchError
from bridgehead.store import tables as t
from bridgehead.watch.accuracy import labelfree
from bridgehead.watch.accuracy.delivered import read
from bridgehead.watch.accuracy.estimating import Estimated, estimated
from fixtures import sick_data
from fixtures.audited import PLAIN, PROMISE, audited, decide, items, look
from fixtures.houses import Desk
from fixtures.stores import store_url as store_url


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = audited(tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk_on_each(tmp_path: Path, store_url: str) -> Iterator[Desk]:
    made = audited(tmp_path, store=store_url)
    yield made
    made.close()


def outputs(desk: Desk) -> list[object]:
    with desk.house.store.reading() as connection:
        return list(connection.execute(select(t.output).order_by(t.output.c.at)))


async def test_every_result_is_kept_and_the_drawn_ones_with_their_chance(desk_on_each: Desk) -> None:
    desk = desk_on_each
    runs = await decide(desk, range(3))
    assert [row.run for row in outputs(desk)] == runs
    first = outputs(desk)[0]
    assert (first.segment, first.amount, first.proxy) == ("fi", 1000.0, 0.9)
    assert "A-0" not in first.business_key and len(first.business_key) == 64
    found = items(desk)
    assert list(found) == runs
    assert all(row.core == 1 and row.probability == 1.0 for row in found.values())
    drawn = desk.entries("audit.drawn", runs[0])
    ended = desk.entries("run.ended", runs[0])
    assert drawn[0]["seq"] + 1 == ended[0]["seq"]  # before what it came to is on record
    look(desk, runs[0], "right")
    assert desk.verified().ok


async def test_what_has_no_promise_and_what_fails_is_not_drawn(desk: Desk) -> None:
    other = desk.start(workflow="case", input={"application": {"decision": "yes"}})
    failed = desk.start(workflow="plain", input={"application": {}})
    await desk.work()
    assert (desk.row(other).status, desk.row(failed).status) == ("done", "failed")
    assert outputs(desk) == [] and items(desk) == {}


async def test_a_small_share_is_drawn_and_the_same_by_whoever_holds_the_key(tmp_path: Path) -> None:
    desk = audited(tmp_path, PROMISE.replace("share: 1.0, at_least: 20", "share: 0.02, at_least: 14"))
    runs = await decide(desk, range(40), at_once=5)
    drawn = items(desk)
    assert 2 <= len(drawn) < 25  # the first two for certain: two a day are fourteen a week
    body = next(iter(desk.bodies("audit.drawn")))
    assert body["share"] <= 1 and not body["raised"]
    assert set(drawn) <= set(runs)
    desk.close()


async def test_drifting_data_are_looked_at_four_times_as_closely(tmp_path: Path) -> None:
    desk = sick_data.watched(tmp_path)
    promise = PROMISE.replace("shows: [input.application.income, input.application.note, result.decision]",
                              "shows: [result]").replace("      proxy: result.sure\n", "")  # fmt: skip
    promise = promise.replace("share: 1.0, at_least: 20", "share: 0.25, at_least: 0")
    desk.change(PLAIN, PLAIN + promise.lstrip("\n") + "    rests_on: [sales.customers]\n")
    sick_data.healthy(desk)
    shares = []
    for broken in ((), (sick_data.broken("raiseAudit", clause="psi"),)):
        sick_data.look(desk, *broken)
        for _ in range(8):
            sick_data.begin(desk, [], [])
            await desk.work()
        shares.append(
            [body["share"] for body in desk.bodies("audit.drawn") if body["raised"] == bool(broken)]
        )
    assert all(share == pytest.approx(0.25) for share in shares[0])
    assert shares[1] == [1.0] * 8
    desk.close()


async def test_nobody_looks_at_their_own_case_or_one_they_decided(desk: Desk) -> None:
    (run,) = await decide(desk, [1])
    with pytest.raises(WatchError, match="not among its reviewers") as error:
        look(desk, run, "right", person="maya")
    assert error.value.code == "BH-WAT-074" and "rhea" in error.value.fix
    mine = desk.start(workflow="plain", input={"application": {"decision": "no"}}, on_behalf="rhea")
    await desk.work()
    with pytest.raises(WatchError, match="on your behalf"):
        look(desk, mine, "right")
    assert look(desk, mine, "right", person="lee").new


async def test_who_agreed_to_a_case_does_not_look_at_it(desk: Desk) -> None:
    desk.workflow(
        "async def play(run, application, then=()):\n"
        '    await run.decide("go-ahead", question="Go on?")\n'
        '    return {"decision": "yes", "sure": 0.9}\n'
    )
    run = desk.start(workflow="plain", input={"application": {"income": 1}})
    await desk.work()
    desk.vote("lee")
    await desk.work()
    with pytest.raises(WatchError, match="you decided about this case"):
        look(desk, run, "right", person="lee")
    assert look(desk, run, "right").new


async def test_an_answer_counts_once_and_is_not_replaced(desk: Desk) -> None:
    (run,) = await decide(desk, [1])
    with pytest.raises(WatchError) as error:
        look(desk, run, "wrong", reason=" ")
    assert error.value.code == "BH-WAT-077"
    assert look(desk, run, "wrong").new
    assert not look(desk, run, "wrong").new
    with pytest.raises(WatchError) as error:
        look(desk, run, "right")
    assert error.value.code == "BH-WAT-075"
    assert items(desk)[run].verdict == "wrong"
    assert len(desk.entries("audit.labelled")) == 1


async def test_reviewers_see_what_the_charter_shows_and_nothing_else(desk: Desk) -> None:
    (run,) = await decide(desk, [1])
    with desk.house.store.reading() as connection:
        view = item_view(connection, desk.house.boundary_of, run, "rhea")
        waiting = queue(connection, desk.house.boundary_of, "rhea", now=stamp(desk.clock.now()))
        nothing = queue(connection, desk.house.boundary_of, "maya", now=stamp(desk.clock.now()))
    assert view is not None and not view.why_not
    assert {each.path: each.value for each in (*view.given, *view.came)} == {
        "input.application.income": 1001,
        "input.application.note": "n",
        "result.decision": "yes",
    }
    assert "0.9" not in repr(view) and "wanted" not in repr(view)
    assert [line.run for line in waiting] == [run] and nothing == ()


async def test_odd_values_of_a_deployments_own_stop_nothing(desk: Desk) -> None:
    odd = {"sure": "very", "income": {"a": 1}, "country": ["\x00"], "number": ""}
    (run,) = await decide(desk, [1], **odd)
    row = outputs(desk)[0]
    assert (row.proxy, row.amount, row.business_key) == (None, None, "")
    assert desk.row(run).status == "done"


async def test_answers_come_from_elsewhere_by_run_or_by_the_number_of_the_case(
    desk: Desk, tmp_path: Path
) -> None:
    runs = await decide(desk, range(3))
    look(desk, runs[2], "right")
    file = tmp_path / "outcomes.jsonl"
    lines = [
        {"run": runs[0], "verdict": "wrong", "known_at": "2026-03-02T10:00:00Z", "reason": "defaulted"},
        {"workflow": "plain", "key": "A-1", "verdict": "right"},
        {"run": runs[2], "verdict": "wrong"},
        {"workflow": "plain", "key": "A-77", "verdict": "right"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    desk.house.close()
    told = _import(desk, file)
    assert told.exit_code == 1 or told.return_value == 1
    said = json.loads(told.output)
    assert (said["new"], said["known"]) == (3, 0)
    assert [(one["line"], one["code"]) for one in said["refused"]] == [(4, "BH-WAT-081")]
    desk.reopen()
    found = items(desk)
    assert [found[run].verdict for run in runs] == [
        "wrong",
        "right",
        "right",
    ]  # the first definite one counts
    desk.house.close()
    file.write_text("".join(json.dumps({"run": run, "verdict": "wrong"}) + "\n" for run in runs[:2]))
    said = json.loads(_import(desk, file).output)
    assert (said["new"], said["known"]) == (0, 1)
    assert [one["code"] for one in said["refused"]] == ["BH-WAT-075"]
    desk.reopen()


def _import(desk: Desk, file: Path, person: str = "olga") -> object:
    args = ["import", str(file), "--as", person, "--source", "collections", "--in", str(desk.folder)]
    return CliRunner().invoke(audit, [*args, "--state", str(desk.state), "--json"], standalone_mode=False)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "not JSON"),
        ("[]", "not an object"),
        ('{"run": "r", "verdict": "maybe"}', "`verdict` is one of"),
        ('{"verdict": "right"}', "either a `run`"),
        ('{"run": "r", "key": "k", "workflow": "w", "verdict": "right"}', "either a `run`"),
        ('{"key": "k", "verdict": "right"}', "either a `run`"),
        ('{"run": "r", "verdict": "right", "known_at": "yesterday"}', "no moment"),
        ('{"run": "r", "verdict": "right", "colour": "red"}', "means nothing here"),
        ('{"run": 7, "verdict": "right"}', "in quotes"),
        ('{"workflow": "w", "key": 1.5, "verdict": "right"}', "whole number"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_none_is_refused_whole_with_its_line(line: str, why: str) -> None:
    good = '{"run": "r", "verdict": "right"}'
    with pytest.raises(WatchError, match=why) as error:
        read(f"{good}\n\n{line}\n".encode(), "outcomes.jsonl")
    assert (error.value.code, error.value.where) == ("BH-WAT-080", "outcomes.jsonl:3")
    with pytest.raises(WatchError, match="UTF-8"):
        read(good.encode() + b"\n\xff\n", "outcomes.jsonl")


async def test_only_the_owner_brings_in_what_others_say(desk: Desk, tmp_path: Path) -> None:
    (run,) = await decide(desk, [1])
    file = tmp_path / "outcomes.jsonl"
    file.write_text(json.dumps({"run": run, "verdict": "right"}))
    desk.house.close()
    assert json.loads(_import(desk, file, person="sam").output)["refused"][0]["code"] == "BH-WAT-082"
    desk.reopen()


async def test_the_command_line_shows_and_counts(desk: Desk) -> None:
    (run,) = await decide(desk, [1])
    desk.house.close()
    place = ["--in", str(desk.folder), "--state", str(desk.state)]

    def said(*args: str) -> str:
        return (
            CliRunner().invoke(audit, [*args, *place], standalone_mode=False, catch_exceptions=False).output
        )

    assert run in said("list", "--as", "rhea")
    shown = said("show", run, "--as", "rhea")
    assert "application, income: 1001" in shown and "sure" not in shown
    assert "Counted." in said("label", run, "--as", "rhea", "--verdict", "right")
    desk.reopen()
    assert items(desk)[run].verdict == "right"


async def test_confidence_is_written_down_apart_and_draws_more_where_it_does_not_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelfree, "LEAST", 12)
    features = "      features: [input.application.income, input.application.country]\n"
    desk = audited(tmp_path, PROMISE + features)
    await watch_once(desk.house)
    assert "too few" in confidence(desk).words and not confidence(desk).closer
    for run in await decide(desk, range(16), at_once=8):
        look(desk, run, "right")
    desk.clock.advance(8 * 86_400)
    await decide(desk, range(16, 32), at_once=8, country="atlantis")
    await watch_once(desk.house)
    found = confidence(desk)
    assert found.state == "not estimable" and "unknown before" in found.words and found.closer
    before = len(desk.bodies("audit.drawn"))
    await decide(desk, range(32, 35))
    assert [body["raised"] for body in desk.bodies("audit.drawn")[before:]] == [True] * 3
    desk.close()


def confidence(desk: Desk) -> Estimated:
    with desk.house.store.reading() as connection:
        found = estimated(connection, "plain", desk.house.deployment.digest)
    assert found is not None
    return found
