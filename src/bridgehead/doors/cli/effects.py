"""``bridgehead effects``: what is under way or unclear, who must act, and a person's answer about one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.show import find_run
from bridgehead.doors.cli.terminal import (
    AS,
    ListUnlessNamed,
    assurance,
    deployment_options,
    opened,
    print_json,
    table,
    visible,
)
from bridgehead.kernel.errors import SettlementError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.enforce.unclear import Case
    from bridgehead.explain.effects import Effects


@click.group(cls=ListUnlessNamed)
def effects() -> None:
    """List effects that are open or unclear: how each stands, what happens next, who must act.

    `bridgehead effects [RUN]` lists; `list` may be left out.
    """


@effects.command(name="list")
@click.argument("run", default="")
@click.option("--open", "which", flag_value="open", default=True, help="What has not ended (the default).")
@click.option("--unknown", "which", flag_value="unknown", help="Only what somebody has to find out about.")
@click.option("--all", "which", flag_value="all", help="Every effect, also those that ended.")
@click.option("--limit", default=200, show_default=True, help="How many to list.")
@deployment_options
def listed(folder: Path, state: Path | None, as_json: bool, run: str, which: Any, limit: int) -> None:
    """List effects of RUN, or of every run."""
    from bridgehead.explain.effects import list_effects
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house, house.store.reading() as connection:
        named = find_run(house, run) if run else ""
        found = list_effects(connection, house.boundary_of, run_id=named, which=which, limit=limit)
    if as_json:
        print_json(plain(found))
        return
    _print(found)


def _print(found: Effects) -> None:
    table(
        ("run", "at", "what", "state", "since", "what happens next", "who must act"),
        [
            (
                line.run,
                line.position,
                line.title + (f"  {line.amount}" if line.amount and line.amount not in line.title else ""),
                line.state_words,
                line.since[:19],
                line.next + (f" at {line.at[:19]}" if line.at else ""),
                line.who + (f": {', '.join(line.people)}" if line.people else ""),
            )
            for line in found.lines
        ],
        empty="No effect is open." if found.which != "all" else "No effect yet.",
    )
    if found.more:
        click.echo("There are more; --limit lists them.")


@effects.command()
@click.argument("run")
@click.argument("position")
@deployment_options
def show(folder: Path, state: Path | None, as_json: bool, run: str, position: str) -> None:
    """Show the effect at POSITION of RUN: what was meant, sent, and answered when asked about."""
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house:
        found = _case(house, find_run(house, run), position)
    if as_json:
        print_json({**plain(found), "digest": found.digest()})
        return
    _show(found)
    click.echo(f"  digest         {found.digest()}")


@effects.command()
@click.argument("run")
@click.argument("position")
@click.option("--happened", "answer", flag_value="happened", help="It happened: adopt it.")
@click.option("--did-not", "answer", flag_value="did-not", help="It did not: it may be sent again.")
@click.option("--leave", "answer", flag_value="leave", help="Nobody can tell: end it, keep the incident.")
@click.option("--reason", required=True, help="How you found out; kept with the answer.")
@click.option("--receipt", default="", help="What the run gets as its value: JSON, or text.")
@click.option("--digest", default="", help="The digest of what you saw; asked on the terminal if not given.")
@AS
@deployment_options
def settle(
    folder: Path,
    state: Path | None,
    as_json: bool,
    run: str,
    position: str,
    answer: Any,
    reason: str,
    receipt: str,
    digest: str,
    person: str,
) -> None:
    """Say what became of the effect at POSITION of RUN. You are shown it first, unless --digest is given."""
    from bridgehead.enforce.settlement import obstacle, settle_by_person

    if answer is None:
        raise click.UsageError("Say one of --happened, --did-not, --leave.")
    with opened(folder, state) as house:
        by = house.person(person, assurance())
        run = find_run(house, run)
        boundary = house.boundary_of(_release(house, run, position))
        with house.store.reading() as connection:
            error = None if digest else obstacle(connection, boundary, run, position, by)
        if error is not None:  # before anybody reads and answers in vain
            raise error
        seen = digest or _confirmed(_case(house, run, position), answer, by.name)
        settled = settle_by_person(
            boundary,
            run,
            position,
            by=by,
            answer=answer,
            digest=seen,
            reason=reason,
            receipt=_value(receipt),
        )
    if as_json:
        print_json({"run": run, "position": position, "state": settled.state, "run_goes_on": settled.woken})
        return
    goes_on = " The run goes on." if settled.woken else ""
    click.echo(f"Settled: {answer.replace('-', ' ')}. The effect is now `{settled.state}`.{goes_on}")


def _release(house: House, run: str, position: str) -> str:
    from bridgehead.enforce.recall import decided_under

    with house.store.reading() as connection:
        found = decided_under(connection, run, position)
    if found is None:
        raise _nothing_there(run, position)
    return found


def _nothing_there(run: str, position: str) -> SettlementError:
    return SettlementError(
        "BH-SET-001",
        f"there is no effect at {position} of {run}",
        fix="`bridgehead effects` lists what is open.",
    )


def _case(house: House, run: str, position: str) -> Case:
    from bridgehead.enforce.unclear import case

    boundary = house.boundary_of(_release(house, run, position))
    with house.store.reading() as connection:
        found = case(connection, boundary, run, position)
    if found is None:
        raise _nothing_there(run, position)
    return found


def _confirmed(case: Case, answer: str, name: str) -> str:
    """Show the whole case and ask; return its digest."""
    _show(case, err=True)
    click.confirm(f"Answer `{answer}` as {name}?", abort=True, err=True)
    return case.digest()


def _show(case: Case, *, err: bool = False) -> None:
    def line(name: str, value: object) -> None:
        click.echo((f"  {visible(name):<14} " if name else "") + visible(value), err=err)

    line("", case.title + (f"  {case.amount}" if case.amount else ""))
    for why in case.why:
        line("why", why)
    for key, value in {**(case.arguments or {}), **case.facts}.items():
        line(key, value)
    line("our key", case.key)
    for told in (*case.calls, *case.probes):
        answered = f": {json.dumps(told.answer, default=str)[:300]}" if told.answer is not None else ""
        line(told.at[:19], f"{told.words}{answered}  [entry {told.entry}]")


def _value(receipt: str) -> Any:
    if not receipt:
        return None
    try:
        return json.loads(receipt)
    except ValueError:
        return receipt
