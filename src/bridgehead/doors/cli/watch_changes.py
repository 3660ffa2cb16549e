"""``bridgehead watch changes``: schemas that changed without notice, and what may be done about it."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import again, at, deployment_options, opened, print_json, table, visible


@click.command(name="changes")
@deployment_options
def watch_changes(folder: Path, state: Path | None, as_json: bool) -> int:
    """List the changes of schemas that nobody has accepted, and the new names people accepted.

    A change that only adds is accepted by itself. Exit code 0: nothing is open. 1: something is.
    """
    from bridgehead.explain.schema_changes import changes

    with opened(folder, state) as house, house.store.reading() as connection:
        found = changes(connection)
        sources = house.deployment.charter.sources
        fed = {f"{name}.{table}" for name, source in sources.items() for table in source.feeds}
    opened_ones = [one for one in found if one["changes"]]
    if as_json:
        print_json({"tables": found})
        return 1 if opened_ones else 0
    table(
        ("table", "since", "what changed", "that does"),
        [
            (
                one["table"],
                at(one["since"]),
                visible(change["words"]),
                _does(change["response"], one["table"] in fed),
            )
            for one in opened_ones
            for change in one["changes"]
        ],
        empty="No change of a schema is open.",
    )
    for one in found:
        for old, new in one["mapping"].items():
            told = f"is called {visible(new)} now" if new else "is gone"
            click.echo(f"{one['table']}: {visible(old)} {told}, as {one['accepted_by']} accepted")
    for one in opened_ones:
        told = "`bridgehead watch accept-change {} [--renamed OLD=NEW] --reason ...`".format(one["table"])
        click.echo(again(f"{one['table']}: whoever answers for it accepts it with {told}"))
    return 1 if opened_ones else 0


def _does(response: str, fed: bool) -> str:
    """Return what an open change does; of a table that comes in batches, to the batch that brings it."""
    return "its batch is kept apart" if fed and response == "hold" else response
