"""What is published about the charter and its checks is what the code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from bridgehead.check import rules
from bridgehead.check.readiness import reference as checks_reference
from bridgehead.declare.schema import reference, schema
from bridgehead.doors.cli.init import TEMPLATE
from bridgehead.doors.cli.schema import schema as command
from fixtures.charters import ROOT
from fixtures.golden import check_file, check_golden


def test_the_schema_is_published() -> None:
    check_golden("charter.schema.json", json.dumps(schema(), indent=2) + "\n")


def test_the_reference_of_the_charter_is_published() -> None:
    check_file(ROOT / "docs" / "reference" / "charter.md", reference())


def test_the_reference_of_the_checks_is_published() -> None:
    text = checks_reference()
    check_file(ROOT / "docs" / "reference" / "checks.md", text)
    assert all(f"`{rule.id}`" in text for _, rule in rules())


def test_the_command_prints_them() -> None:
    assert json.loads(CliRunner().invoke(command, []).output) == schema()
    assert json.loads(CliRunner().invoke(command, ["--json"]).output) == schema()
    assert CliRunner().invoke(command, ["--reference"]).output == reference()


SHIPPED = [
    TEMPLATE,
    *(ROOT / "examples" / name for name in ("credit-decisions", "hostile-erp", "retail-support")),
]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_schema_accepts_what_is_shipped(folder: Path) -> None:
    written = (
        (folder / "charter.yaml").read_text().replace("NAME_HERE", "a").replace("ORGANISATION_HERE", "b")
    )

    Draft202012Validator(schema()).validate(yaml.safe_load(written))


def test_the_schema_refuses_an_unknown_key() -> None:
    written = yaml.safe_load((TEMPLATE / "charter.yaml").read_text())
    written |= {"name": "a", "organisation": "b", "stranger": 1}

    (error,) = Draft202012Validator(schema()).iter_errors(written)

    assert "stranger" in error.message
