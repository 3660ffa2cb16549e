"""``bridgehead check``: exit codes for scripts, words for people, one object for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridgehead.doors.cli.check import check
from fixtures.charters import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "help-desk")


def checked(folder: Folder, *options: str) -> Result:
    return CliRunner().invoke(check, [str(folder.path), *options])


def test_nothing_in_the_way(folder: Folder) -> None:
    result = checked(folder)

    assert result.exit_code == 0
    assert f"nothing blocks. Release {folder.load().digest[:12]}" in result.output


def test_a_warning_is_told_and_blocks_nothing(folder: Folder) -> None:
    folder.change("  escalation: [jon]\n", "")

    result = checked(folder)

    assert result.exit_code == 0
    assert "BH-CHK-003" in result.output
    assert "1 finding to read" in result.output


def test_what_blocks_is_told_with_place_reason_and_fix(folder: Folder) -> None:
    folder.change("deputy: jon\n", "deputy: ines\n")

    result = checked(folder)

    assert result.exit_code == 1
    for words in (folder.line("deputy: ines"), "BH-CHK-001", "nobody answers", "fix: Name somebody else"):
        assert words in result.output


def test_an_unreadable_charter_has_its_own_exit_code(folder: Folder) -> None:
    folder.change("person: ines", "person: inez")

    result = checked(folder)

    assert result.exit_code == 2
    for words in (folder.line("person: inez"), "BH-CHA-020", "Did you mean `ines`?"):
        assert words in result.output


def test_programs_get_one_object_in_each_case(folder: Folder) -> None:
    ready = json.loads(checked(folder, "--json").output)
    folder.change("deputy: jon\n", "deputy: ines\n")
    blocked = json.loads(checked(folder, "--json").output)
    folder.change("person: ines", "person: inez")
    unreadable = json.loads(checked(folder, "--json").output)

    assert [case["ok"] for case in (ready, blocked, unreadable)] == [True, False, False]
    assert set(blocked["findings"][0]) == {"rule", "severity", "words", "fix", "where"}
    assert set(unreadable["errors"][0]) == {"code", "what", "means", "fix", "where"}


def test_generated_policies_can_be_read(folder: Folder) -> None:
    assert '@id("limit.large-refund.refund_customer")' in checked(folder, "--policies").output


def test_checking_loads_no_database_and_no_server(folder: Folder) -> None:
    code = (
        "import sys; from bridgehead.doors.cli.check import check;"
        f"check([{str(folder.path)!r}], standalone_mode=False);"
        "heavy = {'sqlalchemy', 'starlette', 'uvicorn', 'aiohttp', 'mcp'};"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
