"""A model works with a list of actions: ask, act, tell it what happened, until it answers in words.

What the model is shown comes from the charter, never from a server's own descriptions; what it may
do is decided at the boundary, whatever it was shown.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from bridgehead.declare.model import Charter
from bridgehead.enforce import arguments
from bridgehead.kernel.canonical import encode, encoded_bytes
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.outcome import Done, Failed, Fault, Outcome, Refused
from bridgehead.run import query_tools

MAX_CALLS_A_TURN = 8
SAME_CALL_LIMIT = 3
"""How often a model may repeat one refused or failed call before the loop ends."""


class Worker(Protocol):
    """What the loop needs of a run (``workflow.Run``)."""

    def ask(
        self, model: str, *, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Coroutine[Any, Any, Outcome]:
        """Ask a model."""

    def act(self, action: str, /, **arguments: Any) -> Coroutine[Any, Any, Outcome]:
        """Take an action."""

    def query(self, name: str, sql: str | None = None, /) -> Coroutine[Any, Any, Outcome]:
        """Ask a source."""

    def not_offered(self, action: str, /, **arguments: Any) -> Coroutine[Any, Any, Outcome]:
        """Refuse, on the record, an action that was not offered."""

    def tool_schemas(self, actions: Sequence[str], queries: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return what a model is shown of a list of actions, and of sources (tool name -> source)."""


async def loop(
    run: Worker,
    model: str,
    instructions: str,
    input: str,
    tools: Sequence[str],
    max_turns: int,
    queries: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Carry the conversation to its end. ``queries``: tool name -> the source it asks in SQL.

    Failed with BH-RUN-020 when the model does not come to an end, BH-RUN-021 when it repeats itself,
    BH-RUN-022 when its answer is empty.
    """
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": input},
    ]
    shown = run.tool_schemas(tools, queries)
    failures: dict[str, int] = {}
    for turn in range(1, max_turns + 1):
        outcome = await run.ask(model, messages=messages, tools=shown)
        if not isinstance(outcome, Done):
            return outcome
        answer = outcome.value
        calls = answer["tool_calls"][:MAX_CALLS_A_TURN]
        if not calls:
            return _ended(answer, turn)
        messages.append(_assistant(answer, calls))
        for call in calls:
            result = await _one(run, call, tools, queries)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result.content})
            if result.bad:
                failures[result.what] = failures.get(result.what, 0) + 1
                if failures[result.what] >= SAME_CALL_LIMIT:
                    return _failed("BH-RUN-021", f"The model repeated {call['name']} without success.")
    return _failed("BH-RUN-020", f"The model did not come to an end within {max_turns} turns.")


def tool_schemas(charter: Charter, actions: Sequence[str]) -> list[dict[str, Any]]:
    """Return name, description and parameters of each action, as a model is shown them."""
    shown = []
    for name in actions:
        rule = charter.actions.get(name)
        if rule is not None:
            shown.append({"name": name, "description": rule.title, "parameters": arguments.schema(rule)})
    return shown


class _Result:
    """What the model is told about one call, and whether it went wrong."""

    def __init__(self, what: str, content: str, *, bad: bool) -> None:
        self.what = what
        self.content = content
        self.bad = bad


async def _one(
    run: Worker, call: Mapping[str, Any], tools: Sequence[str], queries: Mapping[str, str]
) -> _Result:
    name, what = _clean(call["name"]), f"{call['name']} {call['arguments']}"
    try:
        values = json.loads(call["arguments"] or "{}")
    except (ValueError, RecursionError):
        return _Result(what, "refused: the arguments are not JSON.", bad=True)
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        return _Result(what, "refused: the arguments are not a JSON object.", bad=True)
    try:
        encoded_bytes(values)
    except LedgerError as error:
        return _Result(what, f"refused: the arguments cannot be recorded: {error.what}.", bad=True)
    if name in queries:
        return await _asked(run, what, queries[name], values)
    if name not in tools:
        return _Result(what, told(await run.not_offered(name, **values)), bad=True)
    outcome = await run.act(name, **values)
    return _Result(what, told(outcome), bad=not isinstance(outcome, Done))


async def _asked(run: Worker, what: str, source: str, values: Mapping[str, Any]) -> _Result:
    sql = values.get("sql")
    if set(values) != {"sql"} or not isinstance(sql, str):
        return _Result(what, "refused: it takes one argument, sql: a text with one SELECT.", bad=True)
    outcome = await run.query(source, sql)
    return _Result(what, query_tools.told(outcome), bad=not isinstance(outcome, Done))


def _clean(name: str) -> str:
    """A model can name a tool anything; what is recorded must have a canonical form."""
    return name.encode("utf-8", "replace").decode()[:200]


def told(outcome: Outcome) -> str:
    """Return an outcome as a model reads it."""
    match outcome:
        case Done(value=value):
            return value if isinstance(value, str) else json.dumps(encode(value), ensure_ascii=False)
        case Refused(decision=decision):
            return f"refused: {decision.words()}"
        case Failed(fault=fault):
            return f"error: {fault.words}"


def _assistant(answer: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": answer["content"] or "",
        "tool_calls": [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in calls
        ],
    }


def _ended(answer: Mapping[str, Any], turn: int) -> Outcome:
    if not answer["content"]:
        return _failed("BH-RUN-022", "The model answered with nothing.")
    return Done(value={"text": answer["content"], "turns": turn, "stand_in": bool(answer.get("stand_in"))})


def _failed(code: str, words: str) -> Failed:
    return Failed(fault=Fault(code=code, words=words, effect_state="none"))
