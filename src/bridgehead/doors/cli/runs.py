"""``bridgehead runs``: what is going on."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import again, deployment_options, opened, print_json, table


@click.command()
@click.option("--status", default="", help="Only runs that are running, waiting, done, failed or stopped.")
@click.option("--find", "text", default="", help="Only runs whose id, title or subject contains this.")
@click.option("--limit", default=50, show_default=True, help="How many runs to list.")
@deployment_options
def runs(folder: Path, state: Path | None, as_json: bool, status: str, text: str, limit: int) -> None:
    """List runs, the newest first."""
    from bridgehead.explain.figures import plain
    from bridgehead.explain.runs import list_runs

    with opened(folder, state) as house, house.store.reading() as connection:
        page = list_runs(connection, status=status, text=text, limit=limit)
    if as_json:
        print_json(plain(page))
        return
    table(
        ("run", "title", "state", "crossings", "started", "words"),
        [
            (line.id, line.title, line.status, str(line.crossings), line.created_at[:19], line.words)
            for line in page.lines
        ],
        empty=again("No runs. Start one with `bridgehead run`."),
    )
    if page.older:
        click.echo(f"There are more; --limit {limit * 2} lists them.")
