"""``bridgehead why``: one run or crossing, explained in plain sentences."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.show import find_story
from bridgehead.doors.cli.terminal import deployment_options, opened, print_json, visible
from bridgehead.kernel.errors import EngineError


@click.command()
@click.argument("run")
@click.argument("position", default="")
@deployment_options
def why(folder: Path, state: Path | None, as_json: bool, run: str, position: str) -> None:
    """Explain RUN, or one crossing of it at POSITION. Every sentence names the entries it rests on."""
    from bridgehead.explain.figures import plain
    from bridgehead.explain.why import why as explain

    with opened(folder, state) as house:
        told = find_story(house, run)
        sentences = explain(told, position)
    if not sentences:
        raise EngineError(
            "BH-DOO-046",
            f"there is nothing at position {position} of {told.run.id}",
            fix=f"`bridgehead show {told.run.id} --all` lists its positions.",
        )
    if as_json:
        print_json({"sentences": plain(sentences)})
        return
    for sentence in sentences:
        entries = ", ".join(str(entry) for entry in sentence.entries)
        rule = f" ({sentence.source})" if sentence.source else ""
        click.echo(f"{visible(sentence.words)}{rule}  [{entries}]")
