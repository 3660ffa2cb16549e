"""Answers that other systems have later: a file of them, one JSON object a line, joined to results.

::

    {"run": "run_01J...", "verdict": "wrong", "known_at": "2026-11-20T00:00:00Z", "reason": "defaulted"}
    {"workflow": "decide", "key": "A-1042", "verdict": "right"}

In: bytes, and the results. Out: answers by run, or why there is none, with the line. A file that cannot be
read as a whole is refused as a whole; a line that fits no result is told and does not stop the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import unstamp
from bridgehead.kernel.errors import WatchError
from bridgehead.store import tables as t
from bridgehead.watch.accuracy.drawing import business_key
from bridgehead.watch.accuracy.labelling import VERDICTS, Verdict

MOST_BYTES = 64 * 1024 * 1024
KEYS = frozenset({"run", "workflow", "key", "verdict", "known_at", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One line: a result by its run, or by its workflow and the number of the case; and what is said of it.

    ``known_at`` is None where the line does not say since when.
    """

    line: int
    verdict: Verdict
    run: str = ""
    workflow: str = ""
    key: str = ""
    known_at: datetime | None = None
    reason: str = ""


def read(raw: bytes, name: str) -> list[Delivered]:
    """Return the lines of a file. Raises ``WatchError`` (BH-WAT-080) for the first that is none."""
    if len(raw) > MOST_BYTES:
        raise _odd(name, 0, f"it has {len(raw)} bytes; at most {MOST_BYTES} are read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _odd(name, line, "it is not UTF-8") from error
    lines = enumerate(text.split("\n"), start=1)
    return [_read(line, number, name) for number, line in lines if line.strip()]


def run_of(connection: Connection, boundary: Boundary, one: Delivered) -> str:
    """Return the run a line speaks of. Raises ``WatchError`` (BH-WAT-081) where none, or several, fit."""
    if one.run:
        return one.run
    found: Sequence[Any] = connection.execute(
        select(t.output.c.run).where(
            t.output.c.workflow == one.workflow,
            t.output.c.business_key == business_key(boundary, one.key),
        )
    ).all()
    if len(found) == 1:
        return str(found[0].run)
    raise WatchError(
        "BH-WAT-081",
        f"{len(found) or 'no'} results of {one.workflow!r} have the number {one.key!r}",
        means="Nothing was written down for this line.",
        fix="Name the `run` itself, or correct the number."
        if found
        else "The charter's `accuracy.key` says where the number stands; results from before it have none.",
    )


def _read(line: str, number: int, name: str) -> Delivered:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _odd(name, number, "it is not JSON") from error
    if not isinstance(value, dict):
        raise _odd(name, number, "it is not an object")
    if strange := sorted(value.keys() - KEYS):
        raise _odd(name, number, f"it has {recordable(strange[0])!r}, which means nothing here")
    if not all(isinstance(each, str) for key, each in value.items() if key != "key"):
        raise _odd(name, number, "every value is text, in quotes")
    return _delivered(value, number, name)


def _delivered(value: dict[str, Any], number: int, name: str) -> Delivered:
    if value.get("verdict") not in VERDICTS:
        raise _odd(name, number, f"`verdict` is one of {', '.join(VERDICTS)}")
    key = str(value.get("key", "")).strip()
    if isinstance(value.get("key", ""), (bool, float, dict, list)) or value.get("key", "") is None:
        raise _odd(name, number, "`key` is text or a whole number")
    if bool(value.get("run")) == bool(key) or bool(key) != bool(value.get("workflow")):
        raise _odd(name, number, "it names either a `run`, or a `workflow` and a `key`")
    return Delivered(
        line=number,
        run=value.get("run", ""),
        workflow=value.get("workflow", ""),
        key=key,
        verdict=value["verdict"],
        known_at=_moment(value["known_at"], number, name) if "known_at" in value else None,
        reason=recordable(value.get("reason", ""))[:2000],
    )


def _moment(text: str, number: int, name: str) -> datetime:
    try:
        return unstamp(text)
    except ValueError as error:
        raise _odd(name, number, f"`known_at` is no moment with a zone: {text[:40]!r}") from error


def _odd(name: str, line: int, why: str) -> WatchError:
    return WatchError(
        "BH-WAT-080",
        f"this is not an answer about a result: {why}",
        means="Nothing of the file was written down.",
        fix="Each line is an object with `run`, or `workflow` and `key`, and `verdict`.",
        where=f"{name}:{line}" if line else name,
    )
