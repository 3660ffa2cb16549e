"""Ways around the one function, planted one at a time: each must break an import contract, with guidance."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")

CHEATS = {
    "a door that builds a driver itself": (
        "drivers",
        "doors/shortcut.py",
        "import bridgehead.connect\n",
        "goes through `enforce.perform`",
    ),
    "a workflow engine that performs": (
        "execute",
        "run/shortcut.py",
        "from bridgehead.enforce import execute\n",
        "Only `enforce.perform` may",
    ),
    "a kernel that knows the database": (
        "kernel",
        "kernel/shortcut.py",
        "import sqlalchemy\n",
        "The nouns are pure",
    ),
    "a ledger that asks the engine": (
        "house",
        "record/shortcut.py",
        "import bridgehead.run\n",
        "A lower room never calls a higher one",
    ),
    "an import hidden inside a function": (
        "house",
        "store/shortcut.py",
        "def later() -> None:\n    import bridgehead.enforce\n",
        "A lower room never calls a higher one",
    ),
    "a fake inside the house": (
        "house",
        "enforce/shortcut.py",
        "import bridgehead.testing\n",
        "A lower room never calls a higher one",
    ),
    "a room nobody placed": (
        "house",
        "shortcuts/__init__.py",
        "",
        "until somebody says",
    ),
    "a verifier that trusts us": (
        "verify",
        "record/verify.py",
        "from bridgehead.kernel import canonical\n",
        "A stranger takes",
    ),
}


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [LINTER, "--no-cache", "--config", ROOT / ".importlinter", "--contract", contract]
    environment = {"PYTHONPATH": str(folder), "PYTHONUTF8": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_is_noticed_and_told_what_to_do_instead(tmp_path: Path, cheat: str) -> None:
    contract, file, text, guidance = CHEATS[cheat]
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    planted = tmp_path / "src" / "bridgehead" / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text((planted.read_text() if planted.exists() else "") + "\n" + text)
    found = lint(tmp_path / "src", contract)
    assert found.returncode == 1, found.stdout + found.stderr
    assert guidance in " ".join(found.stdout.split())
