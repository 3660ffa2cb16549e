"""Recorded agent traffic as a file: one run a line, ``docs/reference/recordings.md``.

::

    {"run": "r1", "as": "clerk", "user": "Refund o1, please.",
     "events": [{"type": "call", "tool": "read_order", "args": {"order_id": "o1"}},
                {"type": "result", "tool": "read_order", "content": {"paid": 20}, "trust": "record"}]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridgehead.kernel.errors import EngineError

MAX_LINE = 16 * 1024 * 1024
"""Characters one line may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, and what was answered then. ``answered`` is false where the recording holds no result."""

    tool: str
    arguments: Mapping[str, Any]
    content: Any = None
    answered: bool = False
    distrusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded run. ``who`` is the agent that acted, or the person on whose behalf; empty: not said."""

    run: str
    who: str
    user: str
    calls: tuple[Call, ...]


def recordings(lines: Iterable[str | bytes], source: str = "") -> Iterator[Recording]:
    """Yield the runs of a file, one a line, empty lines apart. Raises ``EngineError`` (BH-RUN-045).

    ``source`` is the file's name, for people.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _recording(f"{source}:{number}" if source else f"line {number}", number, line)


def _recording(where: str, number: int, line: str | bytes) -> Recording:
    try:
        if len(line) > MAX_LINE:
            raise ValueError(f"it has more than {MAX_LINE} characters")
        read = json.loads(line.decode("utf-8-sig") if isinstance(line, bytes) else line)
        return Recording(
            run=_text(read, "run"),
            who=_text(read, "as", ""),
            user=_text(read, "user", ""),
            calls=tuple(_calls(read["events"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        words = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        raise EngineError(
            "BH-RUN-045",
            f"this is not a recorded run: {words}",
            means="Nothing of the file was judged.",
            fix="Each line is one JSON object with run, as, user and events: docs/reference/recordings.md.",
            where=where,
        ) from error


def _text(read: Mapping[str, Any], key: str, missing: str | None = None) -> str:
    value = read[key] if missing is None else read.get(key, missing)
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is not text")
    return value


def _calls(events: Any) -> list[Call]:
    """Return the calls with their results: a result answers the first call of its tool without one."""
    if not isinstance(events, list):
        raise ValueError("`events` is not a list")
    calls: list[Call] = []
    for event in events:
        match event["type"]:
            case "call":
                arguments = event.get("args", {})
                if not isinstance(arguments, dict):
                    raise ValueError("`args` of a call is not an object")
                calls.append(Call(tool=_text(event, "tool"), arguments=arguments))
            case "result":
                _answer(calls, event)
            case other:
                raise ValueError(f"an event is of type {other!r}, not call or result")
    return calls


def _answer(calls: list[Call], event: Mapping[str, Any]) -> None:
    tool, trust = _text(event, "tool"), event.get("trust", "untrusted")
    if trust not in ("record", "untrusted"):
        raise ValueError(f"`trust` of a result is {trust!r}, not record or untrusted")
    for index, call in enumerate(calls):
        if call.tool == tool and not call.answered:
            calls[index] = Call(
                tool=tool,
                arguments=call.arguments,
                content=event.get("content"),
                answered=True,
                distrusted=trust != "record",
            )
            return
    raise ValueError(f"a result of {tool} answers no call before it")
