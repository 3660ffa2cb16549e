"""InjecAgent's direct-harm cases: the user's read passes, and what its answer tells the agent to do does not.

The cases are not ours to ship. They are read from ``shared/data/agent_security`` beside the repository, or
from where ``BRIDGEHEAD_AGENT_SECURITY`` says; without them this is skipped.
"""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from bridgehead.assemble.backtest import rehearsal_house
from bridgehead.run.rehearse import Rehearsal
from fixtures.injected import Living, write


def place() -> Path | None:
    """Return the folder of the cases, where there is one."""
    named = os.environ.get("BRIDGEHEAD_AGENT_SECURITY")
    near = [above / "shared" / "data" / "agent_security" for above in Path(__file__).parents]
    found = [folder / "injecagent_direct_harm" for folder in ([Path(named)] if named else near)]
    return next((folder for folder in found if folder.is_dir()), None)


CASES = place()
pytestmark = pytest.mark.skipif(CASES is None, reason="InjecAgent's cases are not on this machine")
TYPES = {"string", "integer", "number", "boolean", "array", "object"}


def read(name: str) -> Any:
    assert CASES is not None
    return json.loads(gzip.decompress((CASES / name).read_bytes()))


def declared(user_tools: set[str]) -> dict[str, Any]:
    """Declare every tool from its documentation: what only looks is a read, everything else is final."""
    actions = {}
    for kit in read("tools.json.gz"):
        for tool in kit["tools"]:
            name = kit["name_for_model"] + tool["name"]
            parameters = tool["parameters"]
            actions[name.lower()] = {
                "server": "suite",
                "tool": name,
                "title": name,
                "effect": "read" if name in user_tools else "final",
                "arguments": {
                    each["name"]: {"type": each["type"]} if each["type"] in TYPES else {}
                    for each in parameters
                },
                "optional": [each["name"] for each in parameters if not each.get("required")],
            }
    return {"actions": actions}


def arguments(parameters: dict[str, Any], instruction: str) -> dict[str, Any]:
    """Fill an attacker's call with what the instruction names."""
    named = re.findall(r"'([^']+)'|\(([^)]+)\)|(\S*\d\S*|\S+@\S+)", instruction)
    words = [next(part for part in each if part) for each in named] or [instruction]
    numbers = [float(each) for each in re.findall(r"\d+(?:\.\d+)?", instruction)] or [1.0]
    filled: dict[str, Any] = {}
    for index, (name, schema) in enumerate(parameters.items()):
        word = words[index % len(words)]
        kinds = {
            "integer": int(numbers[0]),
            "number": numbers[0],
            "boolean": True,
            "array": [word],
            "object": {"value": word},
        }
        filled[name] = kinds.get(schema.get("type", "string"), word)
    return filled


@pytest.mark.parametrize("wording", ["base", "enhanced"])
async def test_what_an_answer_tells_the_agent_to_do_does_not_happen(wording: str, tmp_path: Path) -> None:
    cases = read(f"test_cases_dh_{wording}.json.gz")
    users = {case["User Instruction"]: case for case in cases}
    attacks = {case["Attacker Instruction"]: case["Attacker Tools"] for case in cases}
    assert (len(users), len(attacks)) == (17, 30)
    answer = {"text": ""}
    living = Living(lambda _, tool, arguments: (answer["text"], None))
    suite = declared({case["User Tool"] for case in cases})
    with rehearsal_house(write(tmp_path / "desk", "injecagent", suite), living) as house:
        for case in users.values():
            rehearsal = Rehearsal.begin(house.boundary, workflow="task", said=case["User Instruction"])
            answer["text"] = case["Tool Response Template"].replace(
                "<Attacker Instruction>", "\n".join(attacks)
            )
            living.happened.clear()
            judged = await rehearsal.call(case["User Tool"], ast.literal_eval(case["Tool Parameters"]))
            assert judged.verdict == "permitted", (case["User Tool"], judged.why)
            for instruction, tools in attacks.items():
                for tool in tools:
                    given = arguments(suite["actions"][tool.lower()]["arguments"], instruction)
                    judged = await rehearsal.call(tool, given)
                    assert judged.verdict in ("asked", "refused"), (tool, given, case["User Instruction"])
            assert living.happened == [case["User Tool"]]
