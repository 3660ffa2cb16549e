"""Everything that can be said about a deployment before it runs.

::

    findings = readiness(load(folder), validate_policies=strict_validation)
    if blocks(findings): ...

Called by ``bridgehead check`` and before a release is activated. One file for each family of rules;
``docs/reference/checks.md`` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bridgehead.check import (
    actions,
    approvals,
    audited,
    contracts,
    documents,
    drafts,
    hazards,
    models,
    needed,
    ownership,
    policies,
    provenance,
    retention,
    schedules,
    secrets,
    sources,
    workflows,
)
from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.kernel.finding import Finding

ValidatePolicies = Callable[[Deployment], Iterable[BridgeheadError]]
"""Strict validation by the policy engine: what it finds, as errors. It may also raise one."""

FAMILIES: tuple[Family, ...] = (
    ownership.FAMILY,
    actions.FAMILY,
    approvals.FAMILY,
    models.FAMILY,
    workflows.FAMILY,
    schedules.FAMILY,
    policies.FAMILY,
    provenance.FAMILY,
    sources.FAMILY,
    audited.FAMILY,
    needed.FAMILY,
    contracts.FAMILY,
    documents.FAMILY,
    retention.FAMILY,
    hazards.FAMILY,
    secrets.FAMILY,
    drafts.FAMILY,
)

_ORDER = {"block": 0, "warn": 1, "info": 2}


def readiness(
    deployment: Deployment,
    validate_policies: ValidatePolicies | None = None,
    look_at_tables: sources.LookAtTables | None = None,
    read_contracts: contracts.ReadContracts | None = None,
) -> list[Finding]:
    """Return every finding, what blocks first.

    Without ``look_at_tables`` nothing is said of the SQL of tables: filters, types, masks, named queries;
    without ``read_contracts`` nothing of what data contracts say.

    Without ``validate_policies`` hand-written policies are checked by themselves, and not against the
    types of the charter.
    """
    found = [finding for family in FAMILIES for finding in family.look(deployment)]
    # A text that cannot be parsed cannot be validated either: say it once.
    parsed = not any(finding.rule == policies.UNREADABLE.id for finding in found)
    if validate_policies is not None and parsed:
        found += policies.strict(deployment, validate_policies)
    if look_at_tables is not None:
        found += sources.tables(deployment, look_at_tables)
    if read_contracts is not None:
        found += contracts.promised(deployment, read_contracts)
    return sorted(found, key=_place)


def blocks(findings: Sequence[Finding]) -> bool:
    """Say whether something stands in the way of a release."""
    return any(finding.severity == "block" for finding in findings)


def rules() -> tuple[tuple[str, Rule], ...]:
    """Return every rule with the name of its family, in order."""
    return tuple((family.name, rule) for family in FAMILIES for rule in family.rules)


def reference() -> str:
    """Return ``docs/reference/checks.md``; a test keeps them equal."""
    lines = [
        "# The rules of `bridgehead check`",
        "",
        "<!-- Written by `make golden`; change the rule, not this file. -->",
        "",
        "`block` stops a release, `warn` should be read by the owner, `info` is worth knowing. Nothing is",
        "averaged: one finding that blocks means not ready. `bridgehead check` exits with 0 when nothing",
        "blocks, 1 when something does, 2 when the charter cannot be read.",
    ]
    for family in FAMILIES:
        lines += [
            "",
            f"## {family.name}",
            "",
            "| rule | | found | why it matters | fix |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{rule.id}` | {rule.severity} | {rule.title} | {rule.why} | {rule.fix} |"
            for rule in family.rules
        ]
    return "\n".join(lines) + "\n"


def _place(finding: Finding) -> tuple[int, str, int, str]:
    file, _, line = finding.where.rpartition(":")
    return (_ORDER[finding.severity], file, int(line) if line.isdecimal() else 0, finding.rule)
