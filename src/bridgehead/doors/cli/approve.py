"""``bridgehead approve``: answer a question with yes."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.answering import answer
from bridgehead.doors.cli.terminal import AS, REASON, deployment_options


@click.command()
@click.argument("question")
@AS
@REASON
@click.option("--digest", default="", help="The digest of what you saw; asked on the terminal if not given.")
@deployment_options
def approve(
    folder: Path, state: Path | None, as_json: bool, question: str, person: str, reason: str, digest: str
) -> None:
    """Answer QUESTION with yes. Without --digest you are shown the question first and asked."""
    answer(folder, state, as_json, question, person, reason, digest, "approve")
