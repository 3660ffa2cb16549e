"""What one decision of the policy engine takes: ``python bench/policy.py [--policies N] [--calls N]
[--json]``.

The charter, facts and Cedar policies are those of ``examples/retail-support``, with rules of its kind added
until there are ``--policies`` of them, spread evenly over its eight effects. ``--one-action`` puts all of
them on the action that is permitted, where no policy can be passed over for naming another one. Measured is
the whole of step 2, ``enforce.authorise.decide``: the request and its context are put together, Cedar
evaluates under the strict schema, its answer becomes a decision with reasons. Three answers:

- *permit*: another address for a pending order, on facts read before;
- *ask*: a refund above the limit (two evaluations: would people's yes suffice?);
- *refuse*: a refund to a payment method that is not the customer's.

Time is that of the thread, so that work beside it on a shared machine counts as little as it can; ``scaled``
is the same on the machine the goals were set on, by ``bench/yardstick.py``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from yardstick import json_dumps_us, when_quiet

from bridgehead.assemble import House
from bridgehead.enforce.authorise import decide
from bridgehead.enforce.boundary import Crossing, RunState
from bridgehead.enforce.evidence import Evidence
from bridgehead.kernel.action import Action
from bridgehead.kernel.decision import Decision
from bridgehead.kernel.principal import Principal

FOLDER = Path(__file__).parents[1] / "examples" / "retail-support"
GOALS = {"p50_us": 150.0, "p99_us": 1000.0}
WARM = 200
ROUNDS = 7
ORDER = "#W2378156"
CUSTOMER = "sara_doe_496"
ADDRESS = {
    "order_id": ORDER,
    "address1": "1 Harbour Street",
    "address2": "",
    "city": "Denver",
    "state": "CO",
    "country": "USA",
    "zip": "80202",
}
RULE = """@id("bench.{number}") @words("No more than {number} pieces of this kind at once.")
forbid (principal, action == BH::Action::"{action}", resource)
when {{ context.record_changes > {many} && context.stage == "bench-{number}" }};
"""
SPREAD = (
    "modify_pending_order_address",
    "cancel_pending_order",
    "return_delivered_order_items",
    "modify_pending_order_items",
    "exchange_delivered_order_items",
    "modify_pending_order_payment",
    "modify_user_address",
    "transfer_to_human_agents",
)


def folder_with(policies: int, place: Path, spread: Sequence[str]) -> Path:
    """Return a copy of the example whose charter implies and lists so many policies."""
    folder = place / "retail"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    missing = policies - _policies(folder, place / "counted")
    rules = [
        RULE.format(number=number, many=1000 + number, action=spread[number % len(spread)])
        for number in range(missing)
    ]
    (folder / "policy.cedar").write_text((folder / "policy.cedar").read_text() + "\n" + "\n".join(rules))
    return folder


def _policies(folder: Path, state: Path) -> int:
    house = _house(folder, state)
    try:
        return len(house.boundary.policy.rules())
    finally:
        house.close()


def _house(folder: Path, state: Path) -> House:
    house = House.open(folder, state=state)
    house.activate(by=Principal(id="noor", kind="human", name="Noor"))
    return house


def cases(house: House) -> dict[str, Callable[[], Decision]]:
    """Return one decision of each kind, ready to be made again and again."""
    owner = Principal(id="ruth", kind="human", name="Ruth")
    agent = Principal(id="support-agent", kind="agent", name="support-agent", on_behalf_of=owner)
    refund = {"order_id": ORDER, "item_ids": ["1"], "payment_method_id": "card_1"}
    facts = {"customer": CUSTOMER, "status": "delivered", "payment_known": True, "to_original": True}
    facts |= {"to_gift_card": False, "same_payment_kind": True}
    moved = {"customer": CUSTOMER, "status": "pending"}
    return {
        "permit": _decision(house, agent, "modify_pending_order_address", ADDRESS, moved),
        "ask": _decision(house, agent, "return_delivered_order_items", refund, facts, Decimal("640.00")),
        "refuse": _decision(
            house,
            agent,
            "return_delivered_order_items",
            refund,
            facts | {"payment_known": False},
            Decimal("20.00"),
        ),
    }


def _decision(
    house: House,
    who: Principal,
    target: str,
    arguments: dict[str, Any],
    facts: dict[str, Any],
    amount: Decimal | None = None,
) -> Callable[[], Decision]:
    rule = house.deployment.charter.actions[target]
    run = RunState(
        id="run_bench",
        release=house.deployment.digest,
        workflow="ticket",
        principal=who,
        bindings={"case": "bench"},
        segment=1,
        attempt=1,
        subject=CUSTOMER,
    )
    facts = facts | ({"amount": amount} if amount is not None else {})
    action = Action(kind="act", target=target, arguments=arguments, effect=rule.effect, outward=rule.outward)
    crossing = Crossing(run=run, position="1", action=action)
    evidence = Evidence(facts=facts, amount=amount, currency="USD" if amount is not None else "")
    return lambda: decide(house.boundary, crossing, who, evidence, (), 0)


def timed(ask: Callable[[], Decision], calls: int) -> dict[str, Any]:
    """Return microseconds of this thread for one decision: the median of several rounds, each scaled by how
    fast the machine was right then."""
    for _ in range(WARM):
        ask()
    rounds = [_round(ask, calls // ROUNDS) for _ in range(ROUNDS)]
    found: dict[str, Any] = {name: round(median(one[name] for one, _ in rounds), 1) for name in GOALS}
    found["scaled"] = {
        name: round(median(when_quiet(one[name], speed) for one, speed in rounds), 1) for name in GOALS
    }
    found["json_dumps_us"] = median(speed for _, speed in rounds)
    return found


def _round(ask: Callable[[], Decision], calls: int) -> tuple[dict[str, float], float]:
    spent = []
    for _ in range(calls):
        before = time.thread_time_ns()
        ask()
        spent.append((time.thread_time_ns() - before) / 1000)
    cuts = quantiles(spent, n=100)
    return {"p50_us": cuts[49], "p99_us": cuts[98]}, json_dumps_us()


def run(policies: int, calls: int, spread: Sequence[str]) -> dict[str, Any]:
    """Measure each kind of answer."""
    with tempfile.TemporaryDirectory() as place:
        house = _house(folder_with(policies, Path(place), spread), Path(place) / "state")
        held = len(house.boundary.policy.rules())
        found: dict[str, Any] = {"policies": held, "calls": calls, "goals": GOALS}
        for kind, ask in cases(house).items():
            answer = type(ask()).__name__.lower()
            assert answer == kind, (kind, ask())
            found[kind] = timed(ask, calls)
        found["json_dumps_us"] = found["permit"]["json_dumps_us"]
        house.close()
    return found


def missed(found: dict[str, Any]) -> bool:
    """Say whether a permitted action takes longer than the goals allow, scaled to the quiet machine."""
    return any(found["permit"]["scaled"][name] > goal for name, goal in GOALS.items())


def main() -> None:
    """Measure, print, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=200)
    parser.add_argument("--calls", type=int, default=3500)
    parser.add_argument("--one-action", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = run(given.policies, given.calls, SPREAD[:1] if given.one_action else SPREAD)
    if given.json:
        print(json.dumps(found))
        sys.exit(int(missed(found)))
    print(f"one decision at {found['policies']} policies; json.dumps takes {found['json_dumps_us']} us here")
    for kind in ("permit", "ask", "refuse"):
        here, quiet = found[kind], found[kind]["scaled"]
        print(
            f"{kind:<8} p50 {here['p50_us']:7.1f} us, p99 {here['p99_us']:7.1f} us here; "
            f"{quiet['p50_us']:.1f} and {quiet['p99_us']:.1f} us on a quiet machine"
        )
    sys.exit(int(missed(found)))


if __name__ == "__main__":
    main()
