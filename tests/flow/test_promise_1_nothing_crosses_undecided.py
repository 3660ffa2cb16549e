"""Promise 1. One function performs every action; no decision means refused; a fault means refused."""

from __future__ import annotations

import ast
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings

import bridgehead
from fixtures.hostile import attempts
from fixtures.houses import IDENTIFY, Desk

HOUSE = Path(bridgehead.__file__).parent
MAY_HOLD_A_DRIVER = {
    "kernel/ports.py",  # says what one is
    "assemble/drivers.py",  # builds them
    "assemble/house.py",  # opens and closes them
    "enforce/boundary.py",  # carries them, opaque
    "enforce/execute.py",  # calls them
}


@settings(max_examples=25)
@given(steps=attempts)
async def test_whatever_is_tried_only_what_was_permitted_reaches_the_other_side(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        run = desk.start(IDENTIFY, *steps)
        await desk.work()
        begun = desk.entries("action.intent", run)
        assert {entry["decision"]["result"] for entry in begun} <= {"permit"}
        reached = Counter(call.operation for call in (*desk.system.calls, *desk.printer.calls))
        assert reached == Counter(entry["action"]["target"] for entry in begun)
        desk.close()


def test_no_other_room_holds_a_driver() -> None:
    """``execute`` may be imported by ``perform`` only (import-linter); nobody else has one to call."""
    holders = {
        str(file.relative_to(HOUSE))
        for file in HOUSE.rglob("*.py")
        if any(_names_a_driver(node) for node in ast.walk(ast.parse(file.read_text())))
    }
    rooms = {name for name in holders if not name.startswith(("connect/", "testing/"))}
    assert rooms <= MAY_HOLD_A_DRIVER


def _names_a_driver(node: ast.AST) -> bool:
    annotations = [getattr(node, "annotation", None), getattr(node, "returns", None)]
    return any(
        isinstance(part, ast.Name) and part.id == "Driver"
        for annotation in annotations
        if isinstance(annotation, ast.AST)
        for part in ast.walk(annotation)
    )


def test_only_execute_calls_one() -> None:
    callers = {
        str(file.relative_to(HOUSE))
        for file in (*(HOUSE / "enforce").glob("*.py"), *(HOUSE / "run").glob("*.py"))
        if "driver.call(" in file.read_text() or ".drivers" in file.read_text()
    }
    assert callers == {"enforce/execute.py"}
