"""``bridgehead check``: is this folder ready? Every finding with its place and its fix.

Exit codes: 0 nothing blocks, 1 something blocks, 2 the charter cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import FOLDER, JSON, print_json
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.kernel.finding import Finding

if TYPE_CHECKING:
    from bridgehead.declare import Deployment

BLOCKED, UNREADABLE = 1, 2

_MARKS = {"block": ("blocks", "red"), "warn": ("warns", "yellow"), "info": ("notes", "cyan")}


@click.command()
@FOLDER
@JSON
@click.option("--policies", is_flag=True, help="Print the Cedar policies that follow from the charter.")
@click.pass_context
def check(ctx: click.Context, folder: Path, as_json: bool, policies: bool) -> None:
    """Say whether a deployment folder is ready, and what to fix.

    Exit code 0: nothing blocks. 1: something blocks. 2: the charter cannot be read.
    """
    from bridgehead.declare import CharterErrors, load

    try:
        deployment = load(folder)
    except CharterErrors as broken:
        _tell_errors(broken.errors, as_json)
        ctx.exit(UNREADABLE)
    if policies:
        from bridgehead.enforce import cedar

        click.echo(cedar.policies(deployment))
        return
    _tell_findings(ctx, deployment, _findings(deployment), as_json)


def _findings(deployment: Deployment) -> list[Finding]:
    from bridgehead.check import readiness
    from bridgehead.enforce import policy
    from bridgehead.enforce.sql import declared
    from bridgehead.watch.contract import misfits as contract

    return readiness(deployment, policy.faults, declared.misfits, contract.misfits)


def _tell_errors(errors: Sequence[BridgeheadError], as_json: bool) -> None:
    if as_json:
        print_json({"ok": False, "errors": [error.as_dict() for error in errors], "findings": []})
        return
    for error in errors:
        _entry("cannot be read", "red", error.where, error.code, f"{error.what}.", error.means, error.fix)
    click.echo(f"{_count(len(errors), 'error')}. The charter cannot be used.")


def _tell_findings(
    ctx: click.Context, deployment: Deployment, findings: Sequence[Finding], as_json: bool
) -> None:
    from bridgehead.check import blocks

    blocked = blocks(findings)
    if as_json:
        print_json(_as_value(deployment, findings, blocked))
    else:
        for finding in findings:
            mark, colour = _MARKS[finding.severity]
            _entry(mark, colour, finding.where, finding.rule, finding.words, _why(finding.rule), finding.fix)
        _verdict(deployment, findings, blocked)
    ctx.exit(BLOCKED if blocked else 0)


def _as_value(deployment: Deployment, findings: Sequence[Finding], blocked: bool) -> dict[str, Any]:
    return {
        "ok": not blocked,
        "deployment": deployment.charter.name,
        "release": deployment.digest,
        "errors": [],
        "findings": [finding.as_dict() for finding in findings],
    }


def _why(rule_id: str) -> str:
    from bridgehead.check import rules

    return next((rule.why for _, rule in rules() if rule.id == rule_id), "")


def _entry(mark: str, colour: str, where: str, code: str, what: str, why: str, fix: str) -> None:
    click.echo(f"{click.style(mark, fg=colour, bold=True)}  {where}  {click.style(code, dim=True)}")
    for label, words in (("", what), ("", why), ("fix: ", fix)):
        if words:
            click.echo(f"    {label}{words}")
    click.echo()


def _verdict(deployment: Deployment, findings: Sequence[Finding], blocked: bool) -> None:
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in _MARKS}
    name, release = deployment.charter.name, deployment.digest[:12]
    if blocked:
        click.echo(
            f"{name}: {_count(counts['block'], 'finding')} in the way. Nothing is released until fixed."
        )
        return
    rest = counts["warn"] + counts["info"]
    tail = f", {_count(rest, 'finding')} to read" if rest else ""
    click.echo(f"{name}: nothing blocks{tail}. Release {release}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
