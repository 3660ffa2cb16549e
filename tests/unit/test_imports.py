"""What the import contracts cannot say: the kernel and the verifier stand alone, --help is light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import bridgehead
from bridgehead.doors.cli import cli

HOUSE = Path(bridgehead.__file__).parent


def imported(file: Path) -> Iterator[str]:
    """Yield every module a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where a name comes from"
            yield node.module or ""


def strangers(file: Path, *allowed: str) -> list[str]:
    """Return imports that are neither the standard library's nor below one of the allowed names."""
    return [
        name
        for name in imported(file)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == one or name.startswith(f"{one}.") for one in allowed)
    ]


@pytest.mark.parametrize("file", sorted((HOUSE / "kernel").glob("*.py")), ids=lambda file: file.name)
def test_the_kernel_imports_nothing_but_itself(file: Path) -> None:
    assert strangers(file, "bridgehead.kernel") == []


def test_a_stranger_can_take_the_verifier_alone(tmp_path: Path) -> None:
    """One file, Python and `cryptography`: copied out of the house it still imports and runs."""
    verify = HOUSE / "record" / "verify.py"
    assert strangers(verify, "cryptography") == []
    (tmp_path / "verify.py").write_text(verify.read_text())
    program = (
        "import sys; sys.path.insert(0, '.'); import verify; print([m for m in sys.modules if 'bridge' in m])"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


# The kernel's clock is the only place that may read time; verify.py belongs to strangers.
CLOCK_FREE = [file for file in sorted(HOUSE.rglob("*.py")) if file != HOUSE / "kernel" / "clock.py"]


@pytest.mark.parametrize("file", CLOCK_FREE, ids=lambda file: str(file.relative_to(HOUSE)))
def test_only_the_clock_reads_time(file: Path) -> None:
    readings = {"time", "time_ns", "now", "utcnow", "today", "monotonic", "monotonic_ns"}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in readings:
            owner = ast.unparse(node.func.value)
            assert owner not in ("time", "datetime", "date", "datetime.datetime", "datetime.date"), (
                f"{file}:{node.lineno} reads {owner}.{node.func.attr}(); take a Clock instead"
            )


def test_only_the_adapter_imports_dbos() -> None:
    """Importing it costs 1.7 s of CPU, and its tables are not ours."""
    found = [
        str(file.relative_to(HOUSE))
        for file in sorted(HOUSE.rglob("*.py"))
        if any(name.split(".")[0] == "dbos" for name in imported(file))
    ]
    assert found == ["run/dbos_engine.py"]


@pytest.mark.parametrize(
    "command", [["--help"], ["--version"], ["check", "--help"]], ids=lambda command: " ".join(command)
)
def test_help_is_light(command: list[str]) -> None:
    """No server, no database, no crypto, no model client just to print what a command does."""
    heavy = [
        "sqlalchemy",
        "alembic",
        "starlette",
        "uvicorn",
        "aiohttp",
        "mcp",
        "cedarpy",
        "cryptography",
        "jinja2",
        "dbos",
    ]
    program = (
        "import sys, contextlib\n"
        "from bridgehead.doors.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        f"    sys.argv = ['bridgehead', *{command!r}]; main()\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stderr.strip().splitlines()[-1] == "[]", ran.stderr


def test_a_list_of_runs_loads_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only reads the store waits for no policy engine, no parser of SQL, no server."""
    heavy = ["alembic", "cedarpy", "duckdb", "mcp", "sqlglot", "starlette", "uvicorn"]
    monkeypatch.chdir(tmp_path)
    program = (
        "import sys, contextlib\n"
        "from bridgehead.doors.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    sys.argv = ['bridgehead', 'runs', '--json', '--in', 'desk']; main()\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    made = CliRunner().invoke(cli, ["init", "desk"])
    assert made.exit_code == 0, made.output
    CliRunner().invoke(cli, ["runs", "--in", "desk"])  # makes the store, with the migrations' library
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert json.loads(ran.stdout)["lines"] == []
    assert ran.stderr.strip().splitlines()[-1] == "[]", ran.stderr
