"""``bridgehead show``: one run, crossing by crossing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import again, deployment_options, opened, print_json, visible
from bridgehead.kernel.errors import EngineError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.explain.story import Story
    from bridgehead.explain.told import Told

SHOWN = 4000
"""Characters of a run's answer that a terminal is given; ``--json`` gives all of it."""


@click.command()
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Also the reads made only to decide another action.")
@deployment_options
def show(folder: Path, state: Path | None, as_json: bool, run: str, everything: bool) -> None:
    """Show RUN (an id, or the beginning of one, or a title) crossing by crossing."""
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house:
        told = find_story(house, run)
    if as_json:
        print_json(plain(told))
        return
    click.echo(f"{told.run.title}  ({told.run.id})")
    click.echo(told.sentence)
    for moment in told.moments:
        click.echo(f"  {moment.at[:19]}  {moment.words}  [entry {moment.entry}]")
    for crossing in told.crossings:
        if everything or not crossing.evidence_of:
            _tell(crossing)
    tell_answer(told)
    click.echo(
        f"Ledger entries {told.first_entry} to {told.last_entry}. Check them: {again('bridgehead verify')}"
    )


def find_run(house: House, run: str) -> str:
    """Return the id of a run: given whole, by its beginning, or by its title.

    Raises ``EngineError`` (BH-RUN-013) when none or several fit.
    """
    from bridgehead.explain.runs import list_runs, one_line

    with house.store.reading() as connection:
        if one_line(connection, run) is not None:
            return run
        found = list_runs(connection, text=run).lines
    exact = [line for line in found if line.title == run] or [
        line for line in found if line.id.startswith(run) or len(found) == 1
    ]
    if len(exact) == 1:
        return exact[0].id
    what = f"{len(exact)} runs fit {run!r}" if exact else f"there is no run {run!r}"
    raise EngineError("BH-RUN-013", what, fix="`bridgehead runs` lists them with their ids.")


def find_story(house: House, run: str) -> Story:
    """Return the story of a run by id, beginning of an id, or title. Raises as ``find_run`` does."""
    from bridgehead.explain.story import story

    found = find_run(house, run)
    with house.store.reading() as connection:
        told = story(connection, house.ledger, house.deployment.charter, found)
    assert told is not None
    return told


def answer(told: Story) -> Any:
    """Return what the workflow of a run returned; None where it has not ended well, or was erased."""
    from bridgehead.explain.figures import plain

    return plain(told.result.get("result")) if isinstance(told.result, dict) else None


def tell_answer(told: Story) -> None:
    """Print what the workflow of a run returned, where it returned anything."""
    if (value := answer(told)) is None:
        return
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo("It returned:")
    for line in text[:SHOWN].splitlines():
        click.echo(f"  {visible(line)}")
    if len(text) > SHOWN:
        click.echo(again(f"  ... all of it: bridgehead show {told.run.id} --json"))


def _tell(crossing: Told) -> None:
    money = f"  {crossing.amount}" if crossing.amount else ""
    entries = ", ".join(str(entry) for entry in crossing.entries)
    what = f"{visible(crossing.words)}{money}"
    click.echo(f"{crossing.position:>8}  {crossing.state_words}: {what}  [entries {entries}]")
    for reason in crossing.reasons if crossing.asking or crossing.state == "refused" else ():
        click.echo(f"          {reason.words} ({reason.rule}, {reason.source or 'built in'})")
    if crossing.state in ("failed", "unknown") and isinstance(crossing.value, dict):
        click.echo(f"          {crossing.value.get('words', '')}")
    for asking in crossing.asking:
        click.echo(f"          {asking.words}")
