"""``bridgehead watch``: what a person types, what is printed, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridgehead.doors.cli import cli, exit_code
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks import freeze
from fixtures.batches import HEAD

SCHEMA = """schema:
  - name: orders
    customProperties:
      - property: bridgeheadControlTotals
        value: {manifest: m.json, rows: batch.rows, sums: {amount: total}}
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0}
        quality:
          - {metric: nullValues, mustBe: 0, severity: warning}
          - {type: custom, engine: bridgehead, implementation: {metric: psi, mustBeLessThan: 0.2}}
          - {type: text, description: Amounts look right}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(HEAD + SCHEMA)
    batch = tmp_path / "drop"
    batch.mkdir()
    (batch / "orders.csv").write_text("id,amount\n" + "".join(f"{i},{i % 10}\n" for i in range(100)))
    (batch / "m.json").write_text('{"batch": {"rows": 100}, "total": 450.00}')
    return tmp_path


def run(*arguments: object) -> Result:
    """Run a command; a fault of ours is raised."""
    result = CliRunner().invoke(cli, ["watch", *map(str, arguments)], standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_from_a_first_batch_to_a_broken_one(folder: Path) -> None:
    base = ("--contract", folder / "c.yaml", "--data", folder / "drop")
    frozen = run("baseline", *base, "--out", folder / "b.json")
    assert "1 columns frozen (100 rows of orders)" in frozen.output
    held = run("check", *base, "--baseline", folder / "b.json")
    assert held.return_value == 0, held.output
    assert "Every clause holds." in held.output
    assert "not checked" in held.output
    assert "Amounts look right: it is written for people" in held.output
    assert "The data keep their contract as far as it was checked." in held.output

    with (folder / "drop" / "orders.csv").open("a") as out:
        out.write("100,-5\n")
    broken = run("check", *base, "--baseline", folder / "b.json")
    assert broken.return_value == 1
    assert "orders.amount.range: failing keys: 100" in broken.output
    assert "c.yaml:16" in broken.output, "the line of `minimum`"
    assert "101 here, 100 stated by the sender" in broken.output
    assert "3 are broken" in broken.output

    told = json.loads(run("check", *base, "--baseline", folder / "b.json", "--json").output)
    one = next(check for check in told["checks"] if check["id"] == "orders.amount.range")
    assert (one["state"], one["number"], one["failing_keys"]) == ("broken", 1, [["100"]])
    assert (told["ok"], told["rows"]) == (False, {"orders": 101})


def test_very_many_rows_are_frozen_in_little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bin holds about as many, and what is in it is counted exactly."""
    monkeypatch.setattr(freeze, "EXACT", 1000)
    rows = "".join(f"{i},{(i * 7919) % 20011}\n" for i in range(20_000))
    (folder / "drop" / "orders.csv").write_text("id,amount\n" + rows)
    base = ("--contract", folder / "c.yaml", "--data", folder / "drop")
    run("baseline", *base, "--out", folder / "b.json")
    found = json.loads((folder / "b.json").read_text())["tables"]["orders"]["columns"]["amount"]
    assert sum(found["counts"]) == 20_000
    assert all(800 < count < 1200 for count in found["counts"][:20]), found
    told = json.loads(run("check", *base, "--baseline", folder / "b.json", "--all", "--json").output)
    assert next(each for each in told["checks"] if each["id"] == "orders.amount.psi")["state"] == "held"


def test_a_clause_that_only_warns_stops_nothing(folder: Path) -> None:
    (folder / "drop" / "orders.csv").write_text("id,amount\n1,\n2,3\n")
    (folder / "drop" / "m.json").write_text('{"batch": {"rows": 2}, "total": 3}')
    (folder / "c.yaml").write_text((HEAD + SCHEMA).replace("metric: psi", "metric: max"))
    result = run("check", "--contract", folder / "c.yaml", "--data", folder / "drop")
    assert "broken (warns)" in result.output
    assert result.return_value == 1, "max 3 is not below 0.2"
    softer = (HEAD + SCHEMA).replace("metric: psi, mustBeLessThan: 0.2", "metric: max, mustBeLessThan: 9")
    (folder / "c.yaml").write_text(softer)
    assert run("check", "--contract", folder / "c.yaml", "--data", folder / "drop").return_value == 0


def test_without_baseline_or_manifest_the_clause_counts_as_broken(folder: Path) -> None:
    (folder / "drop" / "m.json").unlink()
    told = json.loads(
        run("check", "--contract", folder / "c.yaml", "--data", folder / "drop", "--json").output
    )
    unevaluable = {check["id"] for check in told["checks"] if check["state"] == "unevaluable"}
    assert unevaluable == {
        "orders.amount.psi", "orders.controlTotals.rows", "orders.controlTotals.amount",
    }  # fmt: skip
    (folder / "elsewhere.json").write_text('{"batch": {"rows": 100}, "total": "450.00"}')
    named = run("check", "--contract", folder / "c.yaml", "--data", folder / "drop", "--totals",
                folder / "elsewhere.json", "--all")  # fmt: skip
    assert "450 here, 450.00 stated by the sender" in named.output


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("c.yaml", "not: a contract"), "BH-WAT-00"),
        (("b.json", "{}"), "BH-WAT-015"),
        (("b.json", '{"bridgehead": "baseline", "version": 1, "tables": {"t": 3}}'), "BH-WAT-015"),
        (("totals.json", "{"), "BH-WAT-019"),
        (("gone", ""), "BH-WAT-016"),
        (("drop/orders.txt", ""), "BH-WAT-016"),
    ],
)
def test_what_cannot_be_read_is_a_fault_with_a_code(folder: Path, change: tuple[str, str], code: str) -> None:
    name, text = change
    options: list[object] = ["--contract", folder / "c.yaml", "--data", folder / "drop"]
    if text:
        (folder / name).write_text(text)
    if name == "b.json":
        options += ["--baseline", folder / name]
    if name == "totals.json":
        options += ["--totals", folder / name]
    if name == "drop/orders.txt":
        (folder / name).write_text("x")
    if name in ("gone", "drop/orders.txt"):
        options[3] = folder / name
    with pytest.raises(WatchError) as fault:
        run("check", *options)
    errors = getattr(fault.value, "errors", [fault.value])
    assert all(error.code.startswith(code) for error in errors)
    assert exit_code(fault.value) == 2


@pytest.mark.parametrize(
    "dialect", ["snowflake", "bigquery", "databricks", "trino", "tsql", "oracle", "mysql"]
)
def test_other_dialects_are_written_and_labelled(folder: Path, dialect: str) -> None:
    patterned = "{name: id, logicalType: string, unique: true, logicalTypeOptions: {pattern: ^a}}"
    text = (HEAD + SCHEMA).replace("{name: id, logicalType: integer, primaryKey: true}", patterned)
    (folder / "c.yaml").write_text(text)
    result = run("check", "--contract", folder / "c.yaml", "--render", dialect)
    assert "rendered, not executed here" in result.output
    assert "FILTER" not in result.output
    assert "histogram" not in result.output.lower()
    beyond = dialect in ("snowflake", "tsql", "oracle")
    assert ("reads patterns in another way" in result.output) is beyond


def test_a_dialect_nobody_knows(folder: Path) -> None:
    with pytest.raises(WatchError) as fault:
        run("check", "--contract", folder / "c.yaml", "--render", "cobol")
    assert fault.value.code == "BH-WAT-018"


OLD = """schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: status, logicalType: string, required: true, enum: [{value: new}, {value: paid}]}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 10}
        quality: [{metric: nullValues, unit: percent, mustBeLessThan: 5}]
      - {name: gone, logicalType: string}
slaProperties:
  - {property: freshness, element: orders.at, value: 24, unit: h}
""".replace("orders.at", "orders.made").replace(
    "      - {name: gone", "      - {name: made, logicalType: timestamp}\n      - {name: gone"
)


@pytest.mark.parametrize(
    ("before", "after", "effect", "words"),
    [
        ("      - {name: gone, logicalType: string}\n", "", "breaking", "the column is gone"),
        ("{name: gone,", "{name: gone, unique: true,", "additive", "it may no longer occur twice"),
        ("required: true, ", "", "breaking", "it may now be null"),
        ("{value: new}, ", "", "breaking", "new is no value any more"),
        ("{value: new}", "{value: new}, {value: sent}", "behaviour", "sent may occur now"),
        ("minimum: 0", "minimum: -5", "breaking", "minimum is -5, was 0"),
        ("maximum: 10", "maximum: 9", "additive", "maximum is 9, was 10"),
        (", maximum: 10", "", "breaking", "maximum is not limited, was 10"),
        ("mustBeLessThan: 5", "mustBeLessThan: 6", "breaking", "mustBeLessThan 6 %, was mustBeLessThan 5 %"),
        ("mustBeLessThan: 5", "mustBeLessOrEqualTo: 5", "breaking", "mustBeLessOrEqualTo 5 %"),
        ("mustBeLessThan: 5", "mustBe: 0", "additive", "mustBe 0 %"),
        ("unit: percent, ", "", "breaking", "mustBeLessThan 5, was"),
        ("value: 24", "value: 48", "breaking", "freshness at most 48 h, was freshness at most 24 h"),
        ("value: 24", "value: 12", "additive", "freshness at most 12 h"),
        ("logicalType: number", "logicalType: integer", "additive", "its type is integer, was number"),
        (
            "{name: gone, logicalType: string}",
            "{name: gone, logicalType: date}",
            "breaking",
            "its type is date",
        ),
        ("primaryKey: true", "primaryKey: false", "breaking", "the primary key is none, was id"),
        ("- name: orders\n", "- name: orders\n    physicalName: o2\n", "breaking", "now called o2"),
    ],
)
def test_a_difference_is_told_by_what_it_does_to_readers(
    tmp_path: Path, before: str, after: str, effect: str, words: str
) -> None:
    assert before in OLD
    (tmp_path / "old.yaml").write_text(HEAD + OLD)
    (tmp_path / "new.yaml").write_text(HEAD + OLD.replace(before, after, 1))
    result = run("diff", tmp_path / "old.yaml", tmp_path / "new.yaml", "--json")
    (change,) = json.loads(result.output)["changes"]
    assert change["effect"] == effect
    assert words in change["words"]
    assert result.return_value == (1 if effect == "breaking" else 0)


def test_a_breaking_change_wants_a_new_first_number(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(HEAD + OLD)
    (tmp_path / "new.yaml").write_text(
        HEAD.replace("1.0.0", "1.1.0") + OLD.replace("minimum: 0", "minimum: -1")
    )
    assert "from 1.0.0 to 1.1.0" in run("diff", tmp_path / "old.yaml", tmp_path / "new.yaml").output
    same = run("diff", tmp_path / "old.yaml", tmp_path / "old.yaml")
    assert (same.return_value, same.output) == (0, "Nothing that a reader would notice changed.\n")
