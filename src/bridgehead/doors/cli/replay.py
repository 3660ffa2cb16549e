"""``bridgehead replay``: what a charter would have said to recorded agent traffic. Nothing is performed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import JSON, print_json, visible

if TYPE_CHECKING:
    from bridgehead.assemble.backtest import Line, Report

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--charter", "folder", type=FOLDER, required=True, help="The deployment folder that judges.")
@click.option(
    "--calls", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="JSON lines."
)
@click.option("--against", type=FOLDER, help="A second folder: only what it judges differently is told.")
@click.option("--workflow", default="", help="The workflow the runs belong to, where several could be meant.")
@JSON
def replay(folder: Path, calls: Path, against: Path | None, workflow: str, as_json: bool) -> None:
    """Judge recorded calls by a charter: permitted, asked, refused, and why.

    Each line of the file is one run: docs/reference/recordings.md. Results of calls that are not permitted
    are not taken in. Nothing is sent anywhere, and the store it works in is thrown away.
    """
    from bridgehead.assemble.backtest import differences

    report = _judged(folder, calls, workflow)
    if against is None:
        print_json(report.as_value()) if as_json else _tell(report)
        return
    other = _judged(against, calls, workflow)
    different = differences(report, other)
    if as_json:
        changed = [{"charter": a.as_value(), "against": b.as_value()} for a, b in different]
        print_json({"charter": report.as_value(), "against": other.as_value(), "differences": changed})
        return
    _tell_difference(report, other, different)


def _judged(folder: Path, calls: Path, workflow: str) -> Report:
    from bridgehead.assemble.backtest import backtest

    with calls.open("rb") as lines:
        return asyncio.run(backtest(folder, lines, source=str(calls), workflow=workflow))


def _tell(report: Report) -> None:
    for line in report.lines:
        if line.judged.verdict != "permitted":
            _tell_line(line)
    click.echo(_summed(report))
    for verdict, rule, count in report.rules:
        click.echo(f"  {count:>5}  {verdict}  {rule}")


def _tell_line(line: Line) -> None:
    click.echo(f"{_called(line)}: {line.judged.verdict}")
    for words in line.judged.why:
        click.echo(f"    {visible(words)}")


def _called(line: Line) -> str:
    return f"{visible(line.run)}  call {line.number}  {visible(line.judged.tool)}"


def _tell_difference(report: Report, other: Report, different: list[tuple[Line, Line]]) -> None:
    for before, after in different:
        verdicts = f"{before.judged.verdict} here, {after.judged.verdict} there"
        click.echo(f"{_called(before)}: {verdicts}")
        for words in (after if before.judged.verdict == "permitted" else before).judged.why:
            click.echo(f"    {visible(words)}")
    click.echo(f"here   {_summed(report)}")
    click.echo(f"there  {_summed(other)}")
    click.echo(f"{len(different)} of {len(report.lines)} calls are judged differently.")


def _summed(report: Report) -> str:
    sums = ", ".join(f"{count} {verdict}" for verdict, count in report.sums.items())
    return f"{report.deployment} {report.release[:12]}: {len(report.lines)} calls, {sums}."
