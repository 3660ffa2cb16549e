"""``bridgehead audit``: results that people look at again, what they say, and how often it was right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import (
    AS,
    ListUnlessNamed,
    again,
    assurance,
    deployment_options,
    opened,
    print_json,
    table,
    visible,
)
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import WatchError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.explain.accuracy import AccuracyLine
    from bridgehead.explain.audits import ItemView, Shown
    from bridgehead.kernel.principal import Principal
    from bridgehead.watch.accuracy.delivered import Delivered

VERDICT = click.Choice(["right", "wrong", "unclear"])


@click.group(cls=ListUnlessNamed)
def audit() -> None:
    """Look at drawn results again, and say how often a workflow is right.

    `bridgehead audit` lists what waits; `list` may be left out.
    """


@audit.command(name="list")
@click.option("--as", "person", default="", help="Only what waits for this person: an id under `people`.")
@click.option("--limit", default=200, show_default=True, help="How many to list.")
@deployment_options
def listed(folder: Path, state: Path | None, as_json: bool, person: str, limit: int) -> None:
    """List results that wait to be looked at, the oldest first. Nobody's answer is shown."""
    from bridgehead.explain.audits import queue
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house, house.store.reading() as connection:
        who = house.person(person, assurance()).id if person else ""
        found = queue(connection, house.boundary_of, who, now=stamp(house.clock.now()), limit=limit)
    if as_json:
        print_json({"waiting": [plain(line) for line in found]})
        return
    table(
        ("run", "workflow", "decided", "answer by", "question"),
        [
            (
                line.run,
                line.workflow,
                f"{line.drawn_at[:16]}Z",
                f"{line.due_at[:16]}Z" + (" overdue" if line.overdue else ""),
                line.question,
            )
            for line in found
        ],
        empty="Nothing waits to be looked at.",
    )
    if found:
        click.echo(again(f"Look at one: `bridgehead audit show {found[0].run}`"))


@audit.command()
@click.argument("run")
@click.option("--as", "person", default="", help="Who you are, to hear whether your answer would count.")
@deployment_options
def show(folder: Path, state: Path | None, as_json: bool, run: str, person: str) -> None:
    """Show the result of RUN as its reviewers see it: blind."""
    from bridgehead.explain.audits import item_view
    from bridgehead.explain.figures import plain
    from bridgehead.watch.accuracy.faults import nothing_there

    with opened(folder, state) as house, house.store.reading() as connection:
        who = house.person(person, assurance()).id if person else ""
        view = item_view(connection, house.boundary_of, run, who)
    if view is None:
        raise nothing_there(run)
    if as_json:
        print_json(plain(view))
        return
    _show(view)


def _show(view: ItemView) -> None:
    click.echo(f"{visible(view.question)}  {view.workflow}, decided {view.decided_at[:16]}Z")
    if view.erased:
        click.echo("  Its content was erased: nobody can tell any more.")
    for words, fields in (("What it was given", view.given), ("What it came to", view.came)):
        if fields and not view.erased:
            click.echo(f"{words}:")
            _print_fields(fields)
    if view.why_not:
        click.echo(f"Not for you: {view.why_not}. {view.fix}")
        return
    command = f"bridgehead audit label {view.run} --as YOU --verdict right|wrong|unclear --reason WORDS"
    click.echo(f"Answer by {view.due_at[:16]}Z: " + again(f"`{command}`"))


def _print_fields(fields: tuple[Shown, ...]) -> None:
    from bridgehead.explain.words import shown

    for each in fields:
        click.echo(f"  {each.name}: {visible(shown(each.value)) if each.there else '(nothing)'}")


@audit.command()
@click.argument("run")
@AS
@click.option("--verdict", type=VERDICT, required=True, help="Was it right?")
@click.option("--reason", default="", help="What is wrong, or why nobody can tell; needed for both.")
@deployment_options
def label(
    folder: Path, state: Path | None, as_json: bool, run: str, person: str, verdict: Any, reason: str
) -> None:
    """Say of the result of RUN whether it was right."""
    from bridgehead.watch.accuracy.labelling import label as count

    with opened(folder, state) as house:
        by = house.person(person, assurance())
        counted = count(_boundary(house, run), run, by=by, verdict=verdict, reason=reason)
    if as_json:
        print_json({"run": run, "verdict": verdict, "new": counted.new, "alarm": counted.raised})
        return
    click.echo("Counted." if counted.new else "You have said so before; nothing changed.")
    if counted.raised:
        click.echo(again("It is right too seldom: the alarm is raised. `bridgehead audit status` says more."))


@audit.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@AS
@click.option("--source", required=True, help="Whose answers these are, such as `collections`.")
@deployment_options
def import_(folder: Path, state: Path | None, as_json: bool, file: Path, person: str, source: str) -> int:
    """Bring in what another system says of results: FILE has one JSON object a line.

    Each names a `run`, or a `workflow` and a `key`, and a `verdict` (right, wrong, unclear); `known_at` and
    `reason` may be left out. Said twice, it counts once; said otherwise than before, it is refused.
    Exit code 1: some lines were refused.
    """
    from bridgehead.watch.accuracy.delivered import read

    lines = read(file.read_bytes(), str(file))
    with opened(folder, state) as house:
        by = house.person(person, assurance())
        _require_known(source)
        told = [_bring_in(house, one, source, by) for one in lines]
    refused = [
        {"line": one.line, **error.as_dict()}
        for one, error in zip(lines, told, strict=True)
        if isinstance(error, WatchError)
    ]
    new = sum(counted is True for counted in told)
    if as_json:
        print_json({"new": new, "known": len(told) - new - len(refused), "refused": refused})
    else:
        click.echo(f"{new} new, {len(told) - new - len(refused)} known before, {len(refused)} refused.")
        for each in refused:
            click.echo(
                f"{file}:{each['line']}: {each['code']} {visible(each['what'])}. {each['fix']}", err=True
            )
    return 1 if refused else 0


def _bring_in(house: House, one: Delivered, source: str, by: Principal) -> bool | WatchError:
    """Return whether a line said something new, or why it was refused."""
    from bridgehead.watch.accuracy.delivered import run_of
    from bridgehead.watch.accuracy.labelling import label_from

    try:
        with house.store.reading() as connection:
            run = run_of(connection, house.boundary, one)
        return label_from(
            _boundary(house, run),
            run,
            source=source,
            by=by,
            verdict=one.verdict,
            known_at=one.known_at or house.clock.now(),
            reason=one.reason,
        ).new
    except WatchError as error:
        return error


def _require_known(source: str) -> None:
    if not (source.replace("-", "").replace("_", "").isalnum() and len(source) <= 63):
        raise click.BadParameter("letters, digits, - and _, at most 63", param_hint="--source")


def _boundary(house: House, run: str) -> Any:
    """Return the boundary of the release a result came from. Raises ``WatchError`` (BH-WAT-073)."""
    from bridgehead.watch.accuracy.labelling import release_of

    with house.store.reading() as connection:
        return house.boundary_of(release_of(connection, run))


@audit.command()
@deployment_options
def status(folder: Path, state: Path | None, as_json: bool) -> int:
    """Say how often each workflow is right, as far as people have looked.

    Exit code 0: nothing is proved to be below its floor. 1: something is.
    """
    from bridgehead.explain.accuracy import accuracy
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house, house.store.reading() as connection:
        found = accuracy(connection, house.deployment, house.clock.now())
    if as_json:
        print_json({"workflows": [plain(line) for line in found]})
    else:
        _print_status(found)
    return 1 if any(line.standing == "below" for line in found) else 0


def _print_status(found: tuple[AccuracyLine, ...]) -> None:
    table(
        ("workflow", "floor", "stands", "audited", "waiting", "overdue", "two agreed"),
        [
            (
                line.workflow,
                line.floor_words,
                line.standing_words,
                f"{line.release.answered} of {line.release.results}",
                str(line.release.waiting or ""),
                str(line.overdue or ""),
                f"{line.agreed} of {line.twice}" if line.twice else "",
            )
            for line in found
        ],
        empty="No workflow of this deployment promises an accuracy.",
    )
    for line in found:
        suggests = line.confidence.words if line.confidence is not None else ""
        for words in (line.lately.words, line.release.words, suggests, line.alarm_words, line.advice):
            if words:
                click.echo(f"{line.workflow}  {visible(words)}")
        if line.touched_runs:
            click.echo(
                f"{line.workflow}  {len(line.touched_runs)} results since {line.changed_at[:16]}Z, which did "
                f"{line.touched_effects} things; look at them again: {', '.join(line.touched_runs[:20])}"
                + (f" and {len(line.touched_runs) - 20} more (--json)" if len(line.touched_runs) > 20 else "")
            )
        click.echo(f"{line.workflow}  It cannot be seen: {visible('; '.join(line.cannot_see))}.")


@audit.command()
@click.argument("workflow")
@AS
@click.option("--reason", required=True, help="Why it may act by itself again; kept on record.")
@deployment_options
def clear(folder: Path, state: Path | None, as_json: bool, workflow: str, person: str, reason: str) -> None:
    """Let WORKFLOW act by itself again after an alarm: the owner or the deputy, with a reason."""
    from bridgehead.watch.accuracy.hearing import clear as end

    with opened(folder, state) as house:
        end(house.boundary, workflow, by=house.person(person, assurance()), reason=reason)
    if as_json:
        print_json({"workflow": workflow, "cleared": True})
    else:
        click.echo("Cleared. The alarm begins anew, from the next answer.")
