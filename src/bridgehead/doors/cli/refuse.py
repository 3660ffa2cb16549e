"""``bridgehead refuse``: answer a question with no."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.answering import DIGEST, IN_PLACE_OF, answer
from bridgehead.doors.cli.terminal import AS, REASON, deployment_options


@click.command()
@click.argument("question")
@AS
@REASON
@DIGEST
@IN_PLACE_OF
@deployment_options
def refuse(
    folder: Path,
    state: Path | None,
    as_json: bool,
    question: str,
    person: str,
    reason: str,
    digest: str,
    on_behalf_of: str,
) -> None:
    """Answer QUESTION with no. Without --digest you are shown the question first and asked."""
    answer(folder, state, as_json, question, person, reason, digest, "refuse", on_behalf_of)
