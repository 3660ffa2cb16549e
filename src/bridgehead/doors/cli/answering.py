"""Answer a question at the terminal: show it whole, then count the answer to exactly that."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import assurance, opened, print_json
from bridgehead.enforce.approve import Answer, vote
from bridgehead.enforce.approve import question as read_question
from bridgehead.enforce.question import Question


def answer(
    folder: Path,
    state: Path | None,
    as_json: bool,
    approval: str,
    person: str,
    reason: str,
    digest: str,
    verdict: Answer,
) -> None:
    """Count one answer and say how the question stands."""
    with opened(folder, state) as house:
        voter = house.person(person, assurance())
        if not digest:
            with house.store.reading() as connection:
                asked = read_question(house.boundary, connection, approval)
            _show(asked)
            verb = "Approve" if verdict == "approve" else "Refuse"
            click.confirm(f"{verb} this as {voter.name}?", abort=True, err=True)
            digest = asked.digest()
        standing = vote(house.boundary, approval, voter, verdict, digest, reason)
    if as_json:
        print_json({"approval": approval, "state": standing.state, "still_needed": standing.still_needed})
        return
    more = f"; {standing.still_needed} more must agree" if standing.still_needed else ""
    click.echo(f"Counted. The question is {standing.state}{more}.")


def _show(asked: Question) -> None:
    click.echo(asked.title + (f"  {asked.amount}" if asked.amount else ""), err=True)
    for line in asked.asked_because:
        click.echo(f"  asked because  {line}", err=True)
    click.echo(f"  effect         {asked.effect}; {asked.can_be_undone}", err=True)
    click.echo(f"  asked by       {asked.requester}", err=True)
    for fact in asked.facts:
        click.echo(f"  {fact.name:<14} {fact.value}  ({fact.source}, {fact.as_of[:19]})", err=True)
    for name, value in asked.arguments.items():
        click.echo(f"  {name:<14} {value}", err=True)
    click.echo(f"  decided by     {asked.who}, until {asked.due_at[:19]}", err=True)
    if asked.stand_in:
        click.echo("  A stand-in plays the agent here; no model was asked.", err=True)
