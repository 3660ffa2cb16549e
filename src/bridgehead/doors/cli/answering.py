"""Answer a question at the terminal: show it whole, then count the answer to exactly that."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import again, assurance, opened, print_json, visible
from bridgehead.enforce.approve import Answer, Standing, obstacle, vote
from bridgehead.enforce.approve import question as read_question
from bridgehead.enforce.edit import propose
from bridgehead.enforce.question import Question

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bridgehead.assemble import House
    from bridgehead.explain.undo import UndoView
    from bridgehead.kernel.errors import ApprovalError
    from bridgehead.kernel.principal import Principal

    May = Callable[[Connection], ApprovalError | None]
    """Says what is in the way of what somebody is about to do with a question."""

DIGEST = click.option(
    "--digest", default="", help="The digest of what you saw; asked on the terminal if not given."
)
IN_PLACE_OF = click.option("--for", "on_behalf_of", default="", help="In whose place, where they delegated.")


def answer(
    folder: Path,
    state: Path | None,
    as_json: bool,
    approval: str,
    person: str,
    reason: str,
    digest: str,
    verdict: Answer,
    on_behalf_of: str = "",
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Count one answer and say how the question stands."""
    verb = "Approve" if verdict == "approve" else "Refuse"
    with opened(folder, state) as house:
        voter = house.person(person, assurance())
        may = partial(
            obstacle, boundary=house.boundary, approval=approval, voter=voter, on_behalf_of=on_behalf_of
        )
        seen = digest or shown_and_confirmed(house, approval, "Change" if changes else verb, voter, may)
        if changes:
            standing = propose(house.boundary, approval, voter, changes, seen, reason)
        else:
            standing = vote(house.boundary, approval, voter, verdict, seen, reason, on_behalf_of)
    if as_json:
        print_json({"approval": approval, "state": standing.state, "still_needed": standing.still_needed})
        return
    click.echo(_said(standing))


def shown_and_confirmed(house: House, approval: str, verb: str, who: Principal, may: May) -> str:
    """Show a question whole, ask whether to go on, and return the digest of what was shown.

    Raises what ``may`` says is in the way, before anybody reads and answers in vain.
    """
    from bridgehead.explain.undo import asked_about

    with house.store.reading() as connection:
        asked = read_question(house.boundary, connection, approval)
        error = may(connection)
        undo = asked_about(connection, asked.run)
    if error is not None:
        raise error
    _show(asked)
    if undo is not None:
        _show_undo(undo, who.id)
    _confirm(f"{verb} this as {who.name}?", approval)
    return asked.digest()


def _confirm(question: str, approval: str) -> None:
    """Ask whether to go on. Raises ``Abort`` on a no, ``UsageError`` where nobody is there to answer."""
    try:
        yes = click.confirm(question, err=True)
    except click.Abort as error:
        if sys.stdin.isatty():
            raise
        raise click.UsageError(
            "Nobody can be asked here, so nothing was counted: this is no terminal. Answer at one, or give"
            " --digest with the digest of what you saw:"
            f" {again('`bridgehead approvals --json`')} names that of {approval}."
        ) from error
    if not yes:
        raise click.Abort


def changes_of(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments in ``NAME=VALUE``; a value that is JSON is that, anything else is text."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--change")
        found[name] = typed(value)
    return found


def typed(text: str) -> Any:
    """Return what somebody typed: a number, true, a list where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _said(standing: Standing) -> str:
    if standing.state == "superseded":
        return "Changed. Others are asked about it as it is now; you have no part in that answer."
    more = f"; {standing.still_needed} more must agree" if standing.still_needed else ""
    return f"Counted. The question is {standing.state}{more}."


def _show_undo(undo: UndoView, person: str) -> None:
    """Print what the undo that is asked about comes to, and how to read it effect by effect."""
    _line("comes to", undo.sentence)
    target = undo.target if undo.scope == "run" else f"--release {undo.target[:16]}"
    _line("see the plan", again(f"bridgehead undo {target} --as {person}"))


def _show(asked: Question) -> None:
    """Print everything the digest binds to; nothing in it can draw over the rest."""
    from bridgehead.explain.question import arguments

    _line("", asked.title + (f"  {asked.amount}" if asked.amount else ""))
    for line in asked.asked_because:
        _line("asked because", line)
    for reason in asked.reasons:
        _line("rests on", reason)
    _show_changes(asked)
    if asked.only_asks:
        _line("an answer", asked.can_be_undone)
    else:
        _line("effect", f"{asked.effect}; {asked.can_be_undone}")
    if asked.outward:
        _line("outward", "it leaves the company")
    if asked.subject:
        _line("about", asked.subject)
    _line("asked by", asked.requester)
    for fact in asked.facts:
        _line(fact.name, f"{fact.value}  ({fact.source}, {fact.as_of[:19]})")
    for name, value in arguments(asked):
        _line(name, value)
    _line("decided by", f"{asked.who}, until {asked.due_at[:19]}")
    if asked.stand_in:
        _line("stand-in", "A stand-in plays the agent here; no model was asked.")


def _show_changes(asked: Question) -> None:
    if not asked.supersedes:
        return
    by = f" by {asked.changed_by}" if asked.changed_by else ""
    _line("changed", f"since it was asked as {asked.supersedes}{by}:")
    for change in asked.changed:
        _line("", f"  {change.name}: was {change.was}, is now {change.now}")


def _line(name: str, value: object) -> None:
    label = f"  {visible(name):<14} " if name else ""
    click.echo(label + visible(value), err=True)
