"""``bridgehead watch batches``: what came for tables that come in batches, and what became of it."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import (
    again,
    at,
    deployment_options,
    noticed,
    opened,
    print_json,
    table,
    visible,
)


@click.command(name="batches")
@click.argument("name", metavar="[SOURCE.TABLE]", default="")
@click.option("--waiting", is_flag=True, help="Only those that people must decide about.")
@deployment_options
def watch_batches(folder: Path, state: Path | None, as_json: bool, name: str, waiting: bool) -> int:
    """List the batches of SOURCE.TABLE, or of every table that comes in batches: those that wait for people
    first, then the newest.

    Exit code 0: nobody has to decide about one. 1: somebody has.
    """
    from bridgehead.explain.batches import batches, who_decides
    from bridgehead.explain.figures import plain
    from bridgehead.explain.words import as_of

    with opened(folder, state) as house:
        boundary = house.boundary
        known = [f"{s}.{t}" for s, declared in boundary.charter.sources.items() for t in declared.feeds]
        if name and name not in known:
            raise click.BadParameter(
                f"{name!r} does not come in batches; those that do: {', '.join(known) or 'none'}",
                param_hint="SOURCE.TABLE",
            )
        with house.store.reading() as connection:
            found = batches(connection, boundary, name, waiting=waiting)
        people = who_decides(boundary)
    open_ = [line for line in found if line.waits]
    if as_json:
        print_json({"batches": [plain(line) for line in found], "who": [plain(one) for one in people]})
        return 1 if open_ else 0
    table(
        ("batch", "table", "came", "rows", "became", "as of"),
        [
            (
                line.label,
                f"{line.source}.{line.table}",
                at(line.came_at),
                "" if line.rows is None else f"{line.rows:,}",
                f"{line.state}, is read" if line.read else line.state,
                as_of(line.data_as_of),
            )
            for line in found
        ],
        empty="No batch waits for anybody." if waiting else "No batch has come yet.",
    )
    for line in open_:
        for words in line.noticed:
            click.echo(f"{line.label}  {noticed(words)}")
        for each in line.words:
            click.echo(f"{line.label}  {each.person} said {each.answer}: {visible(each.reason)}")
        place = f"{line.source}.{line.table} '{line.name}' --as PERSON --reason WHY"
        needed = ", two different people" if line.people > 1 else ""
        if line.changed:
            told = f"{line.source}.{line.table} [--renamed OLD=NEW] --as PERSON --reason WHY"
            click.echo(f"{line.label}  say what its columns are called now; it is judged again then:")
            click.echo(again(f"    bridgehead watch accept-change {told}"))
        else:
            click.echo(f"{line.label}  publish it as it is{needed}:")
            click.echo(again(f"    bridgehead watch release {place}"))
        click.echo(f"{line.label}  or leave it out for good:")
        click.echo(again(f"    bridgehead watch discard {place}"))
    if open_:
        click.echo(f"Who may: {', '.join(f'{one.person} ({one.why})' for one in people)}.")
    return 1 if open_ else 0
