"""Data contracts as people write them: what is read, what is refused, and at which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.watch.checks.compile import checks
from bridgehead.watch.contract.faults import ContractErrors
from bridgehead.watch.contract.model import Contract, Library
from bridgehead.watch.contract.read import parse, read
from fixtures.batches import HEAD, contract

TABLE = "schema:\n  - name: orders\n    properties:\n      - {name: id, logicalType: integer}\n"


def faults(text: str, *, head: str = HEAD) -> list[tuple[str, int, str, str]]:
    """Return code, line, what and fix of everything that is wrong."""
    with pytest.raises(ContractErrors) as broken:
        parse((head + text).encode(), "c.odcs.yaml")
    return [(e.code, int(e.where.rpartition(":")[2]), e.what, e.fix) for e in broken.value.errors]


@pytest.mark.parametrize(
    ("column", "code", "says", "fix"),
    [
        ("{name: a, logicalType: integer, requierd: true}", "BH-WAT-002", "requierd", "mean `required`?"),
        ("{name: a, required: true}", "BH-WAT-003", "logicalType` is missing", "Add `logicalType:`"),
        ("{name: a, logicalType: float}", "BH-WAT-004", "`float`", "Did you mean `number`?"),
        ("{name: a, logicalType: integer, required: 'yes'}", "BH-WAT-004", "true or false", "without quotes"),
        ("{name: a, logicalType: date, logicalTypeOptions: {pattern: x}}", "BH-WAT-002", "pattern", "Known"),
        (
            "{name: a, logicalType: integer, quality: [{metric: nullValues, mustBeLesThan: 1}]}",
            "BH-WAT-002", "mustBeLesThan", "Did you mean `mustBeLessThan`?",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: nulValues, mustBe: 1}]}",
            "BH-WAT-004", "nulValues", "Did you mean `nullValues`?",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: nullValues}]}",
            "BH-WAT-007", "does not say what its number must be", "mustBe: 0",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: nullValues, mustBe: 1, mustBeLessThan: 2}]}",
            "BH-WAT-007", "2 operators", "a clause for each",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: nullValues, mustBeBetween: [5, 1]}]}",
            "BH-WAT-008", "a range that nothing is in", "Write [1, 5]",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: nullValues, mustBe: 0, query: x}]}",
            "BH-WAT-002", "does not belong", "change the `type`",
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 9, maximum: 1}}",
            "BH-WAT-008", "no value", "the smaller one",
        ),
        ("{name: ID, logicalType: integer}", "BH-WAT-006", "described twice", "Keep one"),
        (
            "{name: a, logicalType: date, logicalTypeOptions: {minimum: yesterday}}",
            "BH-WAT-013", "which is no date", "ISO 8601",
        ),
        ("{name: a, logicalType: integer, enum: [{value: one}]}", "BH-WAT-013", "no value of", "quotes"),
        (
            "{name: a, logicalType: integer, relationships: [{to: clients.id}]}",
            "BH-WAT-010", "no object `clients`", "Known here: `orders`",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: rowCount, mustBe: 1}]}",
            "BH-WAT-012", "counts the rows of an object", "at the object",
        ),
        (
            "{name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0}]}",
            "BH-WAT-012", "needs what is valid", "validValues",
        ),
        (
            "{name: a, logicalType: integer, quality: [{metric: nullValues, unit: permille, mustBe: 0}]}",
            "BH-WAT-004", "permille", "rows` or `percent",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_column_is_one_sentence_at_its_line(
    column: str, code: str, says: str, fix: str
) -> None:
    found = faults(TABLE + "      - " + column + "\n")
    assert len(found) == 1, found
    assert found[0][:2] == (code, 11)
    assert says in found[0][2]
    assert fix in found[0][3]


@pytest.mark.parametrize(
    ("prop", "says"),
    [
        ("{property: bridgeheadCadance, value: x}", "Did you mean `bridgeheadCadence`?"),
        ("{property: bridgeheadCadence, value: {cron: 'every day'}}", "has not five fields"),
        (
            "{property: bridgeheadCadence, value: {cron: '0 5 * * *', zone: UTC}}",
            "`zone` is not one of its keys",
        ),
        ("{property: bridgeheadCadence, value: {cron: '0 5 * * *', timezone: Mars/Base}}", "not a time zone"),
        ("{property: bridgeheadMaxStaleness, value: soon}", "is not a duration"),
        ("{property: bridgeheadMaxStaleness, value: 0s}", "longer than nothing"),
        ("{property: bridgeheadNeedBy, value: {at: '25:00'}}", "hour must be in 0..23"),
        ("{property: bridgeheadOnBreach, value: panic}", "not one of record, warn"),
        (
            "{property: bridgeheadOnBreach, value: {default: warn, readers: {pay: stop}}}",
            "'stop' is not one of",
        ),
        ("{property: bridgeheadCriticality, value: 9}", "not one of low, normal"),
        ("{property: bridgeheadEmptyBatch, value: true}", "not one of allowed"),
        ("{property: bridgeheadControlTotals, value: {manifest: m.json}}", "neither `rows` nor `sums`"),
        (
            "{property: bridgeheadControlTotals, value: {manifest: ../../etc/passwd, rows: n}}",
            "beside the data",
        ),
        ("{property: bridgeheadControlTotals, value: {manifest: /m.json, rows: n}}", "beside the data"),
        (
            "{property: bridgeheadControlTotals, value: {manifest: m.json, sums: {price: p}}}",
            "no column `price`",
        ),
    ],
)
def test_our_own_properties_are_refused_when_they_are_wrong(prop: str, says: str) -> None:
    found = faults(TABLE + "    customProperties:\n      - " + prop + "\n")
    assert len(found) == 1
    code, line, what, fix = found[0]
    assert code in ("BH-WAT-009", "BH-WAT-010")
    assert line in (11, 12)
    assert says in what + fix


def test_our_properties_are_typed_and_the_nearest_holds() -> None:
    about = contract(
        """
schema:
  - name: orders
    customProperties:
      - {property: bridgeheadCadence, value: {cron: '0 5 * * 1-5', timezone: Europe/Berlin, country: DE}}
      - {property: bridgeheadNeedBy, value: {at: '06:30', timezone: Europe/Berlin}}
      - {property: bridgeheadMaxStaleness, value: 26h}
      - {property: bridgeheadOnBreach, value: {default: hold, readers: {reports: warn}}}
      - {property: otherVendor, value: {left: alone}}
    properties:
      - name: id
        logicalType: integer
        required: true
        customProperties: [{property: bridgeheadOnBreach, value: toPerson}]
      - {name: b, logicalType: integer, required: true}
"""
    )
    ours = about.tables[0].ours
    assert ours.cadence is not None
    assert (ours.cadence.cron, ours.cadence.country) == ("0 5 * * 1-5", "DE")
    assert ours.max_staleness_seconds == 26 * 3600
    by_id = {one.id: one.on_breach for one in checks(about)}
    of_id, of_b = by_id["orders.id.required"], by_id["orders.b.required"]
    assert of_id is not None
    assert of_b is not None
    assert (of_id.default, of_b.default, of_b.of("reports")) == ("toPerson", "hold", "warn")


def test_version_2_is_refused_before_anything_else() -> None:
    old = "apiVersion: v2.2.2\nkind: DataContract\nuuid: x\ndataset: []\n"
    assert [(code, line) for code, line, *_ in faults(old, head="")] == [("BH-WAT-005", 1)]
    other = "dataContractSpecification: 1.1.0\nid: x\n"
    (found,) = faults(other, head="")
    assert (found[0], "Convert to v3" in found[3]) == ("BH-WAT-005", True)
    assert faults(TABLE, head=HEAD.replace("v3.1.0", "v9.0.0"))[0][0] == "BH-WAT-004"


def test_free_text_rules_of_version_3_0_are_mapped_or_listed() -> None:
    about = contract(
        """
schema:
  - name: orders
    properties:
      - name: unit
        logicalType: string
        quality:
          - {rule: duplicateCount, mustBeLessThan: 10, unit: rows}
          - {rule: validValues, validValues: [pounds, kg]}
          - {rule: nullCheck, description: no gaps}
          - {type: library, rule: looksNice, mustBe: 1}
    quality:
      - {rule: rowCount, mustBeBetween: [100, 120]}
      - {type: library, rule: countCheck, description: Ensure the volume}
""".replace("v3.1.0", "v3.0.2")
    )
    rules = [clause.rule for clause in (*about.tables[0].columns[0].clauses, *about.tables[0].clauses)]
    assert [rule.metric for rule in rules if isinstance(rule, Library)] == [
        "duplicateValues", "invalidValues", "nullValues", "rowCount",
    ]  # fmt: skip
    assert [one.what for one in about.unchecked] == [
        "rule: looksNice",
        "rule: countCheck (Ensure the volume)",
    ]


def test_what_nobody_checks_is_listed_with_its_line() -> None:
    about = contract(
        """
schema:
  - name: orders
    properties:
      - name: address
        logicalType: object
        properties: [{name: zip, logicalType: string}]
      - {name: mail, logicalType: string, logicalTypeOptions: {format: email}}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {timezone: true}}
      - name: s
        logicalType: string
        quality:
          - {type: text, description: Values look friendly}
          - {type: custom, engine: soda, implementation: 'checks for s'}
slaProperties:
  - {property: latency, value: 4, unit: h}
  - {property: loveliness, value: 1}
"""
    )
    assert [(one.what, int(one.where.split(":")[1])) for one in about.unchecked] == [
        ("what is inside `orders.address`", 13),
        ("`format` of `orders.mail`", 14),
        ("`timezone` of `orders.at`", 15),
        ("Values look friendly", 19),
        ("soda", 20),
        ("latency 4 h", 22),
        ("loveliness 1", 23),
    ]


def test_every_fault_of_a_file_is_told_once_and_sorted() -> None:
    text = (
        TABLE.replace("integer", "float")
        + "      - {name: b, logicalType: strin, uniqe: true}\ncolour: red\n"
    )
    found = faults(text)
    assert [(code, line) for code, line, *_ in found] == [
        ("BH-WAT-004", 10), ("BH-WAT-002", 11), ("BH-WAT-004", 11), ("BH-WAT-002", 12),
    ]  # fmt: skip


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractErrors) as broken:
        read(tmp_path / "no.yaml")
    assert broken.value.code == "BH-WAT-001"


def test_a_clause_that_can_never_run_becomes_a_fault_not_a_gap() -> None:
    about: Contract = contract(
        r"""
schema:
  - name: t
    properties:
      - {name: s, logicalType: string, logicalTypeOptions: {pattern: '^(?!x)a'}}
      - name: n
        logicalType: string
        quality:
          - {type: custom, engine: bridgehead, implementation: {metric: mean, mustBe: 1}}
          - {metric: invalidValues, arguments: {pattern: '(a)\1'}, mustBe: 0}
          - {metric: invalidValues, arguments: {validValues: [1, 2]}, mustBe: 0}
      - {name: i, logicalType: integer}
    quality:
      - type: custom
        engine: bridgehead
        implementation: {metric: pair, left: s, operator: '<', right: i, mustBe: 0}
"""
    )
    assert {one.id: one.fault for one in checks(about) if one.fault} == {
        "t.s.pattern": "the pattern '^(?!x)a' cannot be run: look-ahead, look-behind and options inside `(?` "
        "are not read by every engine",
        "t.n.mean": "mean of a string is not a number a threshold can be put on",
        "t.n.invalidValues": r"the pattern '(a)\\1' cannot be run: `\1` is not read by every engine",
        "t.n.invalidValues#2": "1 is no value of a column of type string",
        "t.pair": "a string is not compared with an integer",
    }


def test_the_contract_of_the_page_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "check-a-data-contract.md"
    text = page.read_text().partition("```yaml\n")[2].partition("```")[0]
    about = parse(text.encode(), "page.yaml")
    assert [table.name for table in about.tables] == ["orders", "customers"]
    assert not [one for one in checks(about) if one.fault]
