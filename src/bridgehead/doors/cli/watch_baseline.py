"""``bridgehead watch baseline``: freeze the distributions of data you accept, for PSI and KS clauses."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import JSON, print_json
from bridgehead.doors.cli.watch_check import CONTRACT, DATA, MEMORY, REMOTE, SECONDS


@click.command(name="baseline")
@CONTRACT
@DATA
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@click.option("--replace", is_flag=True, help="Replace the file: what was measured before is not comparable.")
@click.option("--table", "tables", multiple=True, help="Only this object; may be repeated.")
@REMOTE
@SECONDS
@MEMORY
@JSON
def watch_baseline(
    file: Path, data: str | None, out: Path, replace: bool, tables: tuple[str, ...],
    remote: bool, seconds: float, memory: int, as_json: bool,
) -> int:  # fmt: skip
    """Freeze the distributions of data you accept: the edges and counts that PSI and KS are measured against.

    Keep the file in git: taking a new one is a decision.
    """
    from bridgehead.kernel.clock import SystemClock
    from bridgehead.watch.checks.engine import Limits
    from bridgehead.watch.checks.freeze import freeze
    from bridgehead.watch.checks.where import place
    from bridgehead.watch.contract.read import read

    contract, clock = read(file), SystemClock()
    if not data:
        raise click.UsageError("Name the data: --data FILE_FOLDER_OR_ADDRESS.")
    if out.exists() and not replace:
        raise click.UsageError(f"{out} is there; --replace takes a new baseline.")
    limits = Limits(seconds=seconds, memory_mib=memory)
    with place(data, contract.tables, limits=limits, clock=clock, remote=remote) as found:
        baseline = freeze(contract, found.engine, now=clock.now(), tables=tables)
    written = json.dumps(baseline.as_dict(), indent=1)
    out.write_text(written + "\n", encoding="utf-8")
    if as_json:
        print_json({"file": str(out), "rows": dict(baseline.rows), "columns": len(baseline.columns)})
    else:
        rows = ", ".join(f"{count:,} rows of {name}" for name, count in baseline.rows.items())
        click.echo(f"{out}: {len(baseline.columns)} columns frozen ({rows}).")
    return 0
