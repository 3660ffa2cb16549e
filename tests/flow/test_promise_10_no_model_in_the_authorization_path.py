"""Promise 10. Decisions are deterministic and replay bit-equal; no model is asked for any of them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bridgehead
from bridgehead.declare import load_release
from bridgehead.enforce.policy import CedarPolicy, PolicyRequest
from bridgehead.kernel.decision import Ask, Decision, Permit
from fixtures.houses import IDENTIFY, Desk, act, ask, decide

HOUSE = Path(bridgehead.__file__).parent
STORY = [
    IDENTIFY,
    act("read_order", order_id="o1"),
    act("read_order", order_id="o9"),
    act("refund", order_id="o1", amount=20),
    act("refund", order_id="o1", amount=30),  # a second one: asked
    act("refund", order_id="o2", amount=150),  # disputed and large: asked
    act("refund", order_id="o1", amount=501),
    act("order_more", pieces=6),
    act("order_more", pieces=2 * 10**7),  # the engine's own fault
    act("drop_tables"),
    ask(),
    decide("Go on?"),
]


async def told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[tuple[PolicyRequest, str, Decision]]:
    """Play the story, and note every question to the policy engine with its answer."""
    asked: list[tuple[PolicyRequest, str, Decision]] = []
    original = CedarPolicy.decide

    def noted(self: CedarPolicy, request: PolicyRequest, people: str) -> Decision:
        answer = original(self, request, people)
        asked.append((request, people, answer))
        return answer

    monkeypatch.setattr(CedarPolicy, "decide", noted)
    run = desk.start(*STORY)
    await desk.work()
    while desk.row(run).status == "waiting":
        question = desk.question()
        for person in ("maya", "rhea"):
            if person == "maya" or "risk" in question.who:
                desk.vote(person, question=question)
        desk.clock.advance(60)
        await desk.work()
    assert desk.row(run).status == "done"
    monkeypatch.undo()
    return asked


def plain(decision: Decision) -> list[Any]:
    """Return a decision as plain values."""
    match decision:
        case Permit(reasons=reasons):
            kind, more = "permit", []
        case Ask(approvals=approvals, reasons=reasons):
            kind, more = "ask", list(approvals)
        case _:
            kind, more, reasons = "refuse", [decision.step], decision.reasons
    return [kind, more, [[reason.rule, reason.words, reason.source] for reason in reasons]]


REPLAY = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
sys.path.insert(0, sys.argv[4])
from test_promise_10_no_model_in_the_authorization_path import plain
from bridgehead.declare import load_release
from bridgehead.enforce.policy import CedarPolicy, PolicyRequest
engine = CedarPolicy(load_release(Path(sys.argv[1]), sys.argv[2]))
for line in sys.stdin:
    asked = json.loads(line)
    request = PolicyRequest(
        principal=tuple(asked["principal"]),
        action=asked["action"],
        resource=tuple(asked["resource"]),
        context=asked["context"],
    )
    print(json.dumps(plain(engine.decide(request, asked["people"]))))
"""


async def test_every_decision_is_the_same_in_another_process_from_the_releases_snapshot(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await told(desk, monkeypatch)
    assert {plain(answer)[0] for _, _, answer in asked} == {"permit", "ask", "refuse"}
    lines = [
        json.dumps(
            {
                "principal": request.principal,
                "action": request.action,
                "resource": request.resource,
                "context": dict(request.context),
                "people": people,
            }
        )
        for request, people, _ in asked
    ]
    here = Path(__file__).parent
    release = desk.house.deployment.digest
    ran = subprocess.run(
        [sys.executable, "-c", REPLAY, desk.state, release, here.parent, here],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    again = [json.loads(line) for line in ran.stdout.splitlines()]
    assert again == [plain(answer) for _, _, answer in asked]


async def test_and_what_the_ledger_says_of_it_is_what_was_decided(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await told(desk, monkeypatch)
    decided = {
        (kind, tuple(rule for rule, _, _ in reasons))
        for kind, _, reasons in (plain(answer) for _, _, answer in asked)
    }
    recorded = [entry for entry in desk.entries() if "decision" in entry]
    by_policy = [entry for entry in recorded if entry.get("step", 2) == 2 and entry["kind"] != "run.noted"]
    said = {(entry["decision"]["result"], tuple(entry["decision"]["rules"])) for entry in by_policy}
    beside_the_engine = {("refuse", ("undeclared",))}
    assert said - beside_the_engine <= decided


async def test_no_model_is_asked_for_anything_but_the_step_that_asks_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(desk, monkeypatch)
    assert len(desk.model.calls) == 1
    intents = [entry for entry in desk.entries("action.intent") if entry["action"]["kind"] == "model"]
    assert len(intents) == 1


@pytest.mark.parametrize("part", ["identity", "policy", "cedar", "authorise", "entitle", "limits", "approve"])
def test_what_decides_knows_no_driver(part: str) -> None:
    tree = ast.parse((HOUSE / "enforce" / f"{part}.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any("connect" in name or "ports" in name or "execute" in name for name in names)
    assert "random" not in names
    assert not any(isinstance(node, ast.Attribute) and node.attr == "drivers" for node in ast.walk(tree))


def test_the_release_is_all_that_decides(tmp_path: Path) -> None:
    """The same snapshot gives the same policies, whatever became of the folder."""
    desk = Desk(tmp_path)
    digest = desk.activate()
    before = CedarPolicy(load_release(desk.state, digest)).digest
    desk.change("refund: amount > 100 USD", "refund: amount > 900 USD")
    assert CedarPolicy(load_release(desk.state, digest)).digest == before
    desk.close()
