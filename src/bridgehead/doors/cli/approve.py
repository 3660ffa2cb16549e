"""``bridgehead approve``: answer a question with yes."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.answering import DIGEST, IN_PLACE_OF, answer, changes_of
from bridgehead.doors.cli.terminal import AS, REASON, deployment_options


@click.command()
@click.argument("question")
@AS
@REASON
@DIGEST
@IN_PLACE_OF
@click.option(
    "--change",
    "changes",
    multiple=True,
    help="NAME=VALUE: agree only to this; others are then asked about the changed action.",
)
@deployment_options
def approve(
    folder: Path,
    state: Path | None,
    as_json: bool,
    question: str,
    person: str,
    reason: str,
    digest: str,
    on_behalf_of: str,
    changes: tuple[str, ...],
) -> None:
    """Answer QUESTION with yes. Without --digest you are shown the question first and asked."""
    if changes and on_behalf_of:
        raise click.UsageError("Change what is asked in your own name: --change goes without --for.")
    asked = changes_of(changes)
    answer(folder, state, as_json, question, person, reason, digest, "approve", on_behalf_of, asked)
