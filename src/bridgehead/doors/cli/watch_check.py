"""``bridgehead watch check``: every clause of a contract, what was found, and where the clause is written.

Exit codes: 0 no clause that blocks is broken, 1 one is broken or could not be evaluated, 2 the contract, the
data or the baseline cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import JSON, print_json, table, visible

if TYPE_CHECKING:
    from bridgehead.watch.checks.check import Report
    from bridgehead.watch.checks.judge import Verdict
    from bridgehead.watch.contract.model import Contract

CONTRACT = click.option(
    "--contract",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    help="The contract: an ODCS v3 file.",
)
DATA = click.option(
    "--data",
    envvar="BRIDGEHEAD_WATCH_DATA",
    help="A file, a folder, postgresql://ROLE@HOST/DATABASE, or with --remote an http address. Also from "
    "BRIDGEHEAD_WATCH_DATA, so that no password stands on the command line.",
)
REMOTE = click.option("--remote", is_flag=True, help="Fetch data over http or https.")
SECONDS = click.option("--seconds", default=600.0, show_default=True, help="How long it may take.")
MEMORY = click.option("--memory", default=512, show_default=True, help="MiB that a query may hold.")
_MARKS = {"held": ("holds", "green"), "broken": ("broken", "red"), "unevaluable": ("not evaluated", "red")}


@click.command(name="check")
@CONTRACT
@DATA
@click.option("--baseline", type=click.Path(path_type=Path), help="The frozen distributions for PSI and KS.")
@click.option("--totals", type=click.Path(path_type=Path), help="The sender's control totals, a JSON file.")
@click.option("--table", "tables", multiple=True, help="Check only this object; may be repeated.")
@click.option("--now", "at", help="Judge freshness at this time (ISO 8601 with zone), not now.")
@click.option("--render", metavar="DIALECT", help="Print the queries for a dialect; nothing is run.")
@click.option("--all", "every", is_flag=True, help="List what holds, too.")
@REMOTE
@SECONDS
@MEMORY
@JSON
def watch_check(
    file: Path, data: str | None, baseline: Path | None, totals: Path | None, tables: tuple[str, ...],
    at: str | None, render: str | None, every: bool, remote: bool, seconds: float, memory: int, as_json: bool,
) -> int:  # fmt: skip
    """Check data against their contract, clause by clause.

    Each line names the clause's file and line, what was found and what was promised. A clause that could not
    be evaluated counts as broken. Exit code 0: nothing that blocks is broken. 1: something is. 2: the
    contract or the data cannot be read.
    """
    from bridgehead.kernel.clock import SystemClock
    from bridgehead.watch.checks import baseline as baselines
    from bridgehead.watch.checks.check import check
    from bridgehead.watch.checks.engine import Limits
    from bridgehead.watch.checks.where import place
    from bridgehead.watch.contract.read import read

    contract, clock = read(file), SystemClock()
    _known(tables, contract)
    frozen = baselines.read(baseline) if baseline else None
    if render:
        from bridgehead.watch.checks.render import rendered

        return _show_sql(rendered(contract, frozen, render, tables), as_json)
    if not data:
        raise click.UsageError("Name the data: --data FILE_FOLDER_OR_ADDRESS (or --render DIALECT).")
    limits = Limits(seconds=seconds, memory_mib=memory)
    with place(data, contract.tables, limits=limits, clock=clock, remote=remote) as found:
        now = _moment(at) if at else clock.now()
        report = check(contract, found, now=now, baseline=frozen, tables=tables, totals=totals)
    if as_json:
        print_json(report.as_dict())
    else:
        _tell(report, every)
    return 0 if report.holds else 1


def _known(tables: Sequence[str], contract: Contract) -> None:
    from bridgehead.declare.faults import did_you_mean

    names = [one.name for one in contract.tables]
    for name in tables:
        if name not in names:
            raise click.BadParameter(f"no object {name!r}. {did_you_mean(name, names)}", param_hint="--table")


def _moment(text: str) -> datetime:
    from bridgehead.kernel.clock import unstamp

    try:
        return unstamp(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--now") from error


def _show_sql(sql: Sequence[tuple[str, str]], as_json: bool) -> int:
    if as_json:
        print_json({"queries": [{"about": about, "sql": text} for about, text in sql]})
        return 0
    for about, text in sql:
        click.echo(f"-- {about}\n{text};\n")
    return 0


def _tell(report: Report, every: bool) -> None:
    shown = report.verdicts if every else report.breaches
    unread = dict(_unread(report.verdicts))
    table(
        ("check", "stands", "found", "promised", "clause"),
        [
            *((name, _MARKS["unevaluable"][0], *said) for name, said in unread.items()),
            *(_row(verdict) for verdict in shown if verdict.check.table not in unread),
        ],
        empty="Every clause holds.",
    )
    for verdict in report.breaches:
        keys = report.samples.get(verdict.check.id, ())
        if keys:
            listed = ", ".join("+".join(visible(part) for part in key) for key in keys)
            click.echo(f"{verdict.check.id}: failing keys: {listed}")
    for one in report.unchecked:
        click.echo(f"not checked  {one.where}  {visible(one.what)}: {one.why}")
    for name, columns in report.more.items():
        if columns:
            click.echo(f"{name}: not in the contract: {', '.join(visible(column) for column in columns)}")
    for name, columns in report.absent.items():
        if columns:
            click.echo(f"{name}: optional and absent: {', '.join(columns)}")
    click.echo(_sentence(report))


def _unread(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield the objects no clause of which could be evaluated, all for one reason: told once."""
    for name in dict.fromkeys(verdict.check.table for verdict in verdicts):
        mine = [verdict for verdict in verdicts if verdict.check.table == name]
        reasons = {verdict.words for verdict in mine if verdict.state == "unevaluable"}
        if len(mine) > 1 and len(reasons) == 1 and all(one.state == "unevaluable" for one in mine):
            yield name, (reasons.pop(), f"all {len(mine)} clauses", mine[0].check.source.where)


def _row(verdict: Verdict) -> tuple[str, str, str, str, str]:
    one = verdict.check
    words = verdict.words + (f" ({verdict.note})" if verdict.note else "")
    return one.id, _mark(verdict), words, one.source.clause, one.source.where


def _mark(verdict: Verdict) -> str:
    mark = _MARKS[verdict.state][0]
    return (
        f"{mark} ({'warns' if verdict.check.severity == 'warn' else 'notes'})" if _is_soft(verdict) else mark
    )


def _is_soft(verdict: Verdict) -> bool:
    return verdict.is_breach and verdict.check.severity != "block"


def _sentence(report: Report) -> str:
    broken = sum(verdict.state == "broken" for verdict in report.verdicts)
    unevaluated = sum(verdict.state == "unevaluable" for verdict in report.verdicts)
    held = len(report.verdicts) - broken - unevaluated
    name = f"{report.contract.name} {report.contract.version}"
    rows = ", ".join(f"{count:,} rows of {table}" for table, count in report.numbers.rows.items())
    parts = [f"{held} of {len(report.verdicts)} clauses hold"]
    parts += [f"{broken} {'is' if broken == 1 else 'are'} broken"] if broken else []
    parts += [f"{unevaluated} could not be evaluated, which counts as broken"] if unevaluated else []
    verdict = "The data keep their contract" if report.holds else "The data do not keep their contract"
    if not report.breaches and report.unchecked:
        verdict += " as far as it was checked"
    return f"{name}: {', '.join(parts)} ({rows or 'no rows read'}). {verdict}."
