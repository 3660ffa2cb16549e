"""What people are told when something is refused, and who may do what: two files a lawyer can read.

``make golden`` rewrites them; the diff is reviewed as product text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from bridgehead.declare import load
from bridgehead.declare.questions import able
from bridgehead.enforce.policy import CedarPolicy, PolicyRequest, people_entities
from bridgehead.explain import Viewer
from bridgehead.kernel import quorum
from bridgehead.kernel.decision import Ask, Decision, Permit
from fixtures.error_codes import _calls, _Scope
from fixtures.golden import ROOT, check_golden
from fixtures.houses import FOLDER
from fixtures.retail import deployment as retail

HOUSE = ROOT / "src" / "bridgehead"
RULE = re.compile(r"[a-z]+(\.[a-z_…]+)?")
SAYERS = {"Reason", "_refuse", "_withheld", "_undeclared"}


# --- refusals.txt -----------------------------------------------------------------------------


def said_by_the_boundary() -> dict[str, list[str]]:
    """Return every rule id written in the code, with its words; … stands for what differs."""
    found: dict[str, list[str]] = {}
    for file in (*sorted((HOUSE / "enforce").glob("*.py")), HOUSE / "run" / "workflow.py"):
        for rule, words in _said_in(ast.parse(file.read_text())):
            known = found.setdefault(rule, [])
            known.extend(each for each in words if each not in known)
    return dict(sorted(found.items()))


def _said_in(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for call, enclosing in _calls(tree):
        name = ast.unparse(call.func).split(".")[-1]
        if name not in SAYERS:
            continue
        scope = _Scope(tree, enclosing)
        given: dict[str | None, ast.expr] = {keyword.arg: keyword.value for keyword in call.keywords}
        texts = [(node, _texts(scope, call, node)) for node in (*call.args, *given.values())]
        if isinstance(given.get("rule"), ast.Name):
            continue  # a function that passes on what its callers say
        named = [given["rule"]] if "rule" in given else call.args
        rules = [text for node in named for text in scope.texts(node)[:1] if RULE.fullmatch(text)]
        words = [text for _, found in texts for text in found if " " in text]
        if rules:
            yield rules[0], words
        elif name == "_undeclared":
            yield "undeclared", words


def _texts(scope: _Scope, call: ast.Call, node: ast.expr) -> list[str]:
    """Return the texts of an argument: of a name, those it was last given before the call."""
    if isinstance(node, ast.Name) and scope.function is not None:
        given = [
            step
            for step in ast.walk(scope.function)
            if isinstance(step, ast.Assign)
            and ast.unparse(step.targets[0]) == node.id
            and step.lineno < call.lineno
        ]
        if given:
            return scope.texts(max(given, key=lambda step: step.lineno).value)
    return scope.texts(node)


def answers_of_people() -> dict[str, list[str]]:
    """Return the words for each way in which people did not say yes: they stand in a table."""
    tree = ast.parse((HOUSE / "enforce" / "approve.py").read_text())
    (table,) = (
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == "_answered_no"
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
    )
    scope = _Scope(tree, None)
    return {
        f"approval.{key.value}": scope.texts(value)
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant)
    }


def refusals() -> str:
    """Return the page."""
    lines = ["WHAT A REFUSED ACTION IS TOLD", ""]
    lines += ["Said by the boundary, in every deployment; … stands for what differs.", ""]
    everywhere = {**said_by_the_boundary(), **answers_of_people()}
    everywhere.pop("approval.…", None)
    for rule, words in sorted(everywhere.items()):
        lines += [f"  {rule}", *(f"      {each}" for each in words)]
    lines += [
        "",
        "Said by one deployment: the desk of tests/fixtures/desk, from its charter and policies.",
        "",
    ]
    for rule in sorted(CedarPolicy(load(FOLDER)).rules(), key=lambda rule: rule.id):
        if rule.id.startswith(("grant.", "decide.")) and not rule.ask:
            continue  # permits: they refuse nothing
        lifted = f"   (people may lift it: {rule.ask})" if rule.ask else ""
        lines += [f"  {rule.id}{lifted}", f"      {rule.words}   {rule.source}"]
    return "\n".join(lines) + "\n"


def test_every_refusal_can_be_read_by_a_lawyer() -> None:
    check_golden("refusals.txt", refusals())


def test_every_refusal_has_words_that_are_a_sentence() -> None:
    everywhere = {**said_by_the_boundary(), **answers_of_people()}
    everywhere.pop("approval.…", None)
    assert len(everywhere) >= 25
    for rule, words in everywhere.items():
        assert words, f"{rule} has no words"
        for each in words:
            assert each.endswith((".", "…")), f"{rule}: {each!r} is no sentence"
            assert not re.search(r"[{}_]|BH-|\bNone\b", each), f"{rule}: {each!r} is code, not words"


# --- who-may-do-what.txt ----------------------------------------------------------------------

STATUS = {"return_delivered_order_items": "delivered", "exchange_delivered_order_items": "delivered"}


def usual(action: str) -> dict[str, Any]:
    """Return a case in which nothing is unusual."""
    rule = retail().charter.actions[action]
    facts: dict[str, Any] = {"customer": "ana_1", "status": STATUS.get(action, "pending"), "amount": "1.0000"}
    gives = rule.facts.gives if rule.facts else {}
    arguments = {
        name: [f"{name} 1"] if declared["type"] == "array" else "no longer needed"
        for name, declared in rule.arguments.items()
    }
    return {
        "arguments": arguments,
        "facts": {name: facts.get(name, True) for name in gives},
        "record_changes": 0,
        "unendorsed": [],
        "amount": "1.0000" if rule.amount else None,
        "currency": "USD" if rule.amount else None,
    }


def unusual(action: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield cases with one thing changed, in words."""
    case = usual(action)
    for name, value in case["facts"].items():
        if value is True:
            yield f"{name} is no", case | {"facts": case["facts"] | {name: False}}
        if name == "status":
            yield "status is another", case | {"facts": case["facts"] | {"status": "processed"}}
    if "reason" in case["arguments"]:
        yield "reason is another", case | {"arguments": case["arguments"] | {"reason": "I feel like it"}}
    if case["amount"]:
        yield "amount is 150.01", case | {"amount": "150.0100"}
        yield "amount is 500.01", case | {"amount": "500.0100"}
        yield "currency is another", case | {"currency": "EUR"}
        yield "amount is not known", case | {"amount": None, "currency": None}
    if retail().charter.actions[action].record:
        yield "changed before", case | {"record_changes": 1}


def decided(engine: CedarPolicy, principal: tuple[str, str], action: str, case: dict[str, Any]) -> Decision:
    context: dict[str, Any] = {
        "purpose": "",
        "stage": "staging",
        "approvals": [],
        "subject": "ana_1",
        "record_changes": case["record_changes"],
        "unendorsed": [],
        "arguments": case["arguments"],
        "facts": {
            name: _decimal(value) if name == "amount" else value for name, value in case["facts"].items()
        },
    }
    if case["amount"] is not None:
        context["amount"] = _decimal(case["amount"])
    if case["currency"] is not None:
        context["currency"] = case["currency"]
    request = PolicyRequest(
        principal=principal, action=action, resource=("Operation", action), context=context
    )
    return engine.decide(request, people_entities(retail().charter))


def _decimal(text: str) -> dict[str, Any]:
    return {"__extn": {"fn": "decimal", "arg": text}}


def in_words(decision: Decision) -> str:
    """Return a decision as one short line."""
    match decision:
        case Permit():
            return "may"
        case Ask(approvals=approvals):
            return f"asks     {', '.join(approvals)}"
        case _:
            return f"refused  {', '.join(reason.rule for reason in decision.reasons)}"


def who_may_do_what() -> str:
    """Return the page: what Cedar decides, for everybody and every action of the retail example."""
    charter, engine = retail().charter, CedarPolicy(retail())
    lines = ["WHO MAY DO WHAT IN examples/retail-support", ""]
    lines += [
        "Decided by the policy engine, for a case in which nothing is unusual, and with one thing",
        "changed.",
        "",
    ]
    for name, agent in sorted(charter.agents.items()):
        lines += [f"agent {name}, on behalf of {agent.sponsor} when nobody is online"]
        for action in sorted(charter.actions):
            lines += [f"  {action:<34}{in_words(decided(engine, ('Agent', name), action, usual(action)))}"]
            for words, case in unusual(action):
                said = in_words(decided(engine, ("Agent", name), action, case))
                if said != "may":
                    lines += [f"      {words:<30}{said}"]
    for person, declared in sorted(charter.people.items()):
        may = [
            action
            for action in charter.actions
            if isinstance(decided(engine, ("Human", person), action, usual(action)), Permit | Ask)
        ]
        lines += ["", f"{person} ({', '.join(declared.roles)})", f"  {', '.join(may) or 'no action at all'}"]
    return "\n".join([*lines, *who_decides(), *who_takes_back()]) + "\n"


def who_takes_back() -> list[str]:
    """Return who may order that what a run or a release did is taken back, and who then agrees."""
    charter = retail().charter
    viewers = {name: Viewer.of(charter, name) for name in sorted(charter.people)}
    may = [name for name, viewer in viewers.items() if viewer is not None and viewer.may("undo")]
    return [
        "",
        "WHO TAKES BACK",
        "",
        "What a run or a release did: planned and ordered by one, agreed to by another under the rule",
        "`undo`; never by whoever ordered it, nor by whoever activated the release.",
        "",
        f"  may order       {', '.join(may)}",
        f"  may agree       {', '.join(sorted(able(charter, charter.approvals['undo'])))}",
    ]


def who_decides() -> list[str]:
    """Return who agrees under each approval rule."""
    charter = retail().charter
    lines = ["", "WHO DECIDES", "", "Never who asks, whom it is about, or who activated the release.", ""]
    for name, rule in sorted(charter.approvals.items()):
        calendar = f", in the working time of {rule.calendar}" if rule.calendar else ""
        lines += [f"{name}: {quorum.words(rule.needs)}, within {rule.within}{calendar}; then it is refused"]
        lines += [f"  may answer      {', '.join(sorted(able(charter, rule))) or 'nobody'}"]
        lines += [f"  after {rung.after:<10}{rung.do} {rung.to or ''}".rstrip() for rung in rule.escalate]
        at_once = rule.emergency.who if rule.emergency else "nobody"
        lines += [f"  at once, alone  {at_once}"]
    changeable = {name: rule.editable for name, rule in charter.actions.items() if rule.editable}
    lines += ["", f"What they may change before others decide: {changeable or 'nothing'}"]
    return lines


def test_who_may_do_what_in_the_retail_example() -> None:
    check_golden("who-may-do-what.txt", who_may_do_what())
