"""Money for models: set aside before the call, booked after it; many at once never overspend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from bridgehead.declare.model import Budget, Model, Price
from bridgehead.enforce import budget
from bridgehead.enforce.boundary import Crossing, RunState
from bridgehead.enforce.inspection import MAX_VALUE
from bridgehead.enforce.journal import Denied, new_row
from bridgehead.kernel.action import Action
from bridgehead.kernel.canonical import encoded_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.outcome import Usage
from bridgehead.kernel.ports import Reply
from bridgehead.kernel.principal import Principal
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.testing import Fails, ScriptedModel
from fixtures.houses import START, Desk, ask
from fixtures.waiting import until

DAY = "day:2026-03-02"


def spend(desk: Desk) -> dict[str, tuple[Decimal, Decimal]]:
    """Return (reserved, settled) of each scope; a run is called ``run``."""
    with desk.house.store.reading() as connection:
        rows = connection.execute(select(t.spend)).all()
    return {
        row.scope if row.scope.startswith("day") else "run": (Decimal(row.reserved), Decimal(row.settled))
        for row in rows
    }


def costs(desk: Desk, cost: str) -> None:
    """Let each answer of the model cost this."""
    answer = desk.model.call

    async def call(request: Any) -> Reply:
        reply = await answer(request)
        return Reply(value=reply.value, usage=Usage(input_tokens=3, output_tokens=2, cost=cost))

    desk.model.call = call  # type: ignore[method-assign]


def most_of(text: str) -> Decimal:
    """What the call can cost at most, from the charter's prices: 100 and 1000 USD for a million tokens."""
    arguments = {
        "messages": [{"role": "user", "content": text}],
        "tools": [],
        "schema": None,
        "max_output_tokens": 100,
    }
    return (Decimal(len(encoded_bytes(arguments)) // 2 + 1) * 100 + 100 * 1000) / Decimal(1_000_000)


async def test_a_model_whose_answer_was_lost_is_not_asked_again_on_the_same_money(desk: Desk) -> None:
    desk.model.will(Fails(after=True))
    outcomes = await desk.play(ask("Hello"), workflow="plain")
    assert len(desk.model.calls) == 1
    assert outcomes[0]["is"] == "failed"


async def test_what_is_set_aside_is_given_back_and_what_was_spent_is_booked(desk: Desk) -> None:
    costs(desk, "0.0123")
    seen: list[Any] = []
    desk.on_step[8] = lambda: seen.append(spend(desk))
    await desk.play(ask("Hello"), workflow="plain")
    aside = (most_of("Hello"), Decimal(0))
    assert seen == [{"run": aside, DAY: aside}]
    booked = (Decimal(0), Decimal("0.0123"))
    assert spend(desk) == {"run": booked, DAY: booked}
    outcome = desk.entries("action.outcome")[-1]["outcome"]
    assert outcome["usage"] == {"input_tokens": 3, "output_tokens": 2, "cost": "0.0123"}


async def test_a_call_that_was_not_sent_gives_everything_back(desk: Desk) -> None:
    desk.model.will(Fails("none", temporary=False))
    outcome = await desk.settle(ask(), workflow="plain")
    assert outcome["is"] == "failed"
    assert spend(desk) == {"run": (0, 0), DAY: (0, 0)}


async def test_a_call_whose_answer_was_lost_is_booked_at_its_most_for_it_may_be_charged(desk: Desk) -> None:
    desk.model.will(Fails("unknown", after=True, temporary=False))
    run = desk.start(ask(), workflow="plain")
    await desk.work()
    assert desk.ended(run)[0]["is"] == "failed"
    booked = (Decimal(0), most_of("Please."))
    assert spend(desk) == {"run": booked, DAY: booked}
    assert Decimal(desk.entries("action.outcome")[-1]["outcome"]["usage"]["cost"]) == most_of("Please.")
    assert "0.1050 USD, is booked for it" in desk.bodies("action.outcome")[-1]["fault"]["words"]


async def test_an_answer_too_large_to_keep_costs_what_it_cost(desk: Desk) -> None:
    desk.model = ScriptedModel("support", "x" * (MAX_VALUE + 1))
    costs(desk, "0.0123")
    outcome = await desk.settle(ask(), workflow="plain")
    assert (outcome["is"], outcome["code"]) == ("failed", "BH-ENF-014")
    booked = (Decimal(0), Decimal("0.0123"))
    assert spend(desk) == {"run": booked, DAY: booked}
    assert desk.entries("action.outcome")[-1]["outcome"]["usage"]["cost"] == "0.0123"


async def test_a_call_whose_process_died_is_booked_and_its_repetition_too(desk: Desk) -> None:
    costs(desk, "0.01")
    run = desk.start(ask(), workflow="plain")
    desk.on_step[9] = died
    with pytest.raises(Died):
        await desk.work()
    desk.on_step.clear()
    await desk.work()
    assert desk.ended(run)[0]["is"] == "done"
    booked = (Decimal(0), most_of("Please.") + Decimal("0.01"))
    assert spend(desk) == {"run": booked, DAY: booked}
    assert "is booked for it" in desk.entries("action.claimed")[-1]["note"]


async def test_a_repetition_the_budget_has_no_room_for_is_refused_and_the_lost_call_is_booked(
    desk: Desk,
) -> None:
    desk.change("run_cost: 1 USD", "run_cost: 0.2 USD")
    run = desk.start(ask(), workflow="plain")
    desk.on_step[9] = died
    with pytest.raises(Died):
        await desk.work()
    desk.on_step.clear()
    await desk.work()
    assert desk.ended(run)[0]["rules"] == ["budget.run_cost"]
    booked = (Decimal(0), most_of("Please."))
    assert spend(desk) == {"run": booked, DAY: booked}
    assert "is booked for it" in desk.entries("action.refused")[-1]["note"]


class Died(BaseException):
    """The process is gone. Nothing catches it."""


def died() -> None:
    raise Died


async def test_a_run_may_not_spend_more_than_its_share(desk: Desk) -> None:
    costs(desk, "0.3")
    outcomes = await desk.play(*[ask()] * 5, workflow="plain")  # 1 USD a run; each might cost 0.105
    assert [outcome["is"] for outcome in outcomes] == ["done"] * 3 + ["refused"] * 2
    assert outcomes[-1]["rules"] == ["budget.run_cost"]
    assert "the budget of 1 USD has no room for it" in outcomes[-1]["words"]
    assert spend(desk)["run"] == (0, Decimal("0.9"))


async def test_all_runs_of_a_day_share_a_budget_and_the_next_day_begins_anew(desk: Desk) -> None:
    desk.change("day_cost: 5 USD", "day_cost: 1 USD")
    costs(desk, "0.5")
    outcomes = [await desk.settle(ask(), workflow="plain") for _ in range(3)]
    assert [outcome["is"] for outcome in outcomes] == ["done", "done", "refused"]
    assert outcomes[-1]["rules"] == ["budget.day_cost"]
    desk.clock.advance(24 * 3600)
    assert (await desk.settle(ask(), workflow="plain"))["is"] == "done"


async def test_twenty_at_once_never_set_aside_more_than_there_is(desk: Desk) -> None:
    """Each could cost 0.105 of 1 USD, so that nine fit, however many ask at the same moment."""
    together: list[Decimal] = []
    desk.on_step[8] = lambda: together.append(spend(desk)[DAY][0])
    desk.change("day_cost: 5 USD", "day_cost: 1 USD")
    desk.workflow(
        "async def play(run):\n"
        "    async def one(branch):\n"
        "        messages = [{'role': 'user', 'content': 'Please.'}]\n"
        "        return type(await branch.ask('support', messages=messages)).__name__\n"
        "    return await run.gather(*[one] * 10)\n"
    )
    answer = desk.model.call
    desk.change("run_cost: 1 USD", "run_cost: 9 USD")

    def everybody_has_asked() -> bool:
        return len(together) + len(desk.entries("action.refused")) == 20

    async def late(request: Any) -> Reply:
        """Nobody is answered before everybody has asked: an answer makes room for another."""
        await until(everybody_has_asked, says="that all have asked")
        return await answer(request)

    desk.model.call = late  # type: ignore[method-assign]
    runs = [desk.start(workflow="plain", input={}) for _ in range(2)]
    await desk.work()
    names = [name for run in runs for name in desk.ended(run)]
    assert (names.count("Done"), names.count("Refused")) == (9, 11)
    assert max(together) == 9 * most_of("Please.") <= 1
    assert spend(desk)[DAY] == (0, 0)


async def test_what_is_set_aside_before_midnight_is_given_back_to_that_day(desk: Desk) -> None:
    """Otherwise the new day would get back what it never set aside, and could overspend."""
    desk.clock.advance(14.9999 * 3600)
    desk.on_step[8] = lambda: desk.on_step.clear() or desk.clock.advance(3600)
    await desk.play(ask(), workflow="plain")
    assert spend(desk)[DAY] == (0, 0)


async def test_a_model_without_a_price_is_not_budgeted_and_says_so_in_readiness(desk: Desk) -> None:
    desk.change(
        '    price: {input_per_million: "100", output_per_million: "1000", currency: USD}\n', ""
    ).change("run_cost: 1 USD", "run_cost: 0.0001 USD")
    assert "BH-CHK-031" in {finding.rule for finding in desk.reopen().findings()}
    desk.activate()
    assert (await desk.settle(ask(), workflow="plain"))["is"] == "done"
    assert spend(desk) == {}


async def test_a_price_in_another_currency_than_the_budget_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.change('output_per_million: "1000", currency: USD', 'output_per_million: "1000", currency: EUR')
    monkeypatch.setattr("bridgehead.assemble.House.findings", lambda house: [])  # it would block
    outcome = await desk.settle(ask(), workflow="plain")
    assert outcome["rules"] == ["budget.run_cost"]
    assert desk.model.calls == []


# --- the arithmetic, whatever the order -------------------------------------------------------

MICRO = Decimal("0.000001")
DAYS = (START + timedelta(days=number) for number in count())
calls = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),  # which run
        st.integers(1, 2000),  # output tokens at most
        st.integers(0, 100),  # per cent of the most that it really costs
        st.booleans(),  # answered at once, or at the end
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples; each has a day of its own."""
    store = Store.open(tmp_path_factory.mktemp("budget") / "store.db")
    yield store
    store.close()


@settings(max_examples=50)
@given(calls=calls)
def test_reserving_and_settling_never_overspends_and_always_comes_out_even(
    calls: list[tuple[str, int, int, bool]], kept: Store
) -> None:
    day = next(DAYS)
    under_way: list[tuple[Any, Crossing, Decimal]] = []
    booked = Decimal(0)
    for number, (run, tokens, per_cent, at_once) in enumerate(calls):
        boundary, crossing = a_call(f"{day:%j}-{run}", number, tokens)
        if not reserved(kept, boundary, crossing, day):
            continue
        assert within_limits(kept)
        spent = (budget.most(boundary, crossing)[0] * per_cent / 100).quantize(MICRO)
        under_way.append((boundary, crossing, spent))
        if at_once:
            booked += settle(kept, *under_way.pop())
    while under_way:
        booked += settle(kept, *under_way.pop())
    with kept.reading() as connection:
        rows = {row.scope: row for row in connection.execute(select(t.spend)).all()}
    assert all(Decimal(row.reserved) == 0 for row in rows.values())
    ours = [Decimal(row.settled) for scope, row in rows.items() if scope.startswith(f"run:{day:%j}-")]
    today = [Decimal(row.settled) for scope, row in rows.items() if scope == f"day:{day:%Y-%m-%d}"]
    assert sum(ours) == sum(today) == booked


def reserved(store: Store, boundary: Any, crossing: Crossing, day: datetime) -> bool:
    """Reserve and claim in one transaction, as the boundary does; a refusal takes all of it back."""
    try:
        with store.writing() as connection:
            refused = budget.reserve(connection, boundary, crossing, day)
            if refused is not None:
                raise Denied(refused)
            row = new_row(boundary, crossing, stamp(day)) | {"called_at": stamp(day), "state": "claimed"}
            connection.execute(insert(t.crossing).values(row))
    except Denied:
        return False
    return True


def settle(store: Store, boundary: Any, crossing: Crossing, spent: Decimal) -> Decimal:
    with store.writing() as connection:
        budget.settle(connection, boundary, crossing, spent)
    return spent


def within_limits(store: Store) -> bool:
    """Say whether what is set aside and booked keeps to 1 USD a run and 1.5 USD a day."""
    with store.reading() as connection:
        rows = connection.execute(select(t.spend)).all()
    return all(
        Decimal(row.reserved) + Decimal(row.settled) <= (Decimal("1.5") if row.scope[:3] == "day" else 1)
        for row in rows
    )


def a_call(run: str, number: int, tokens: int) -> tuple[Any, Crossing]:
    price = Price(input_per_million=Decimal(10), output_per_million=Decimal(1000))
    charter = SimpleNamespace(
        models={"m": Model(driver="openai", region="eu", price=price, max_output_tokens=tokens)},
        budget=Budget(run_cost="1 USD", day_cost="1.5 USD"),
    )
    boundary = SimpleNamespace(charter=charter, where=lambda *path: "charter.yaml:1")
    state = RunState(
        id=run,
        release="r",
        workflow="w",
        principal=Principal(id="clerk", kind="agent", name="clerk"),
        bindings={},
        segment=1,
        attempt=1,
    )
    action = Action(kind="model", target="m", arguments={"messages": []}, effect="read")
    return boundary, Crossing(run=state, position=str(number), action=action)
