"""``bridgehead schedules``: what the clock starts, when next, how the last one ended; start one now, and say
that what was missed has been seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
)

if TYPE_CHECKING:
    from bridgehead.explain.schedules import ScheduleLine


@click.group(cls=ListUnlessNamed)
def schedules() -> None:
    """List schedules: when each is due, how the last one ended, which are late.

    `bridgehead schedules` lists; `list` may be left out.
    """


@schedules.command(name="list")
@deployment_options
def listed(folder: Path, state: Path | None, as_json: bool) -> int:
    """List the schedules of the active release. Exits with 1 when one is late, was missed or has failed."""
    from bridgehead.explain.figures import plain
    from bridgehead.explain.schedules import list_schedules

    with opened(folder, state) as house, house.store.reading() as connection:
        found = list_schedules(connection, house.deployment, house.clock.now())
    if as_json:
        print_json({"schedules": [plain(line) for line in found]})
    else:
        _print(found)
    return 0 if all(line.standing in ("on time", "held") for line in found) else 1


def _print(found: tuple[ScheduleLine, ...]) -> None:
    table(
        ("schedule", "when", "next", "last", "how it ended", "stands"),
        [
            (
                line.name,
                f"{line.when}  {line.timezone}" + (f", {line.calendar}" if line.calendar else ""),
                f"{line.coming[0][:16]}Z" if line.coming else "never",
                f"{line.last.at[:16]}Z" if line.last else "",
                (f"{line.last.words}  {line.last.run}".rstrip()) if line.last else "not due yet",
                line.standing + (f" since {line.due_since[:16]}Z" if line.due_since else ""),
            )
            for line in found
        ],
        empty="The charter declares no schedules.",
    )
    for line in found:
        if line.words:
            click.echo(f"{line.name}: {line.words}")


@schedules.command()
@click.argument("name")
@click.option("--reason", required=True, help="What you know or did about it; kept with the answer.")
@AS
@deployment_options
def seen(folder: Path, state: Path | None, as_json: bool, name: str, reason: str, person: str) -> None:
    """Close the incident about what NAME missed: the owner or the deputy has seen it."""
    with opened(folder, state) as house:
        closed = house.schedules.seen(name, house.person(person, assurance()), reason)
    if as_json:
        print_json({"schedule": name, "closed": closed})
        return
    click.echo(f"Closed: {name}." if closed else f"Nothing is open about {name}.")


@schedules.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why now; kept with the run's start.")
@click.option("--no-wait", is_flag=True, help="Only start it; `bridgehead up` carries it forward.")
@AS
@deployment_options
def run(
    folder: Path, state: Path | None, as_json: bool, name: str, reason: str, no_wait: bool, person: str
) -> None:
    """Start NAME now, beside its times, on behalf of its principal. `{date}` and `{occurrence}` are now."""
    from bridgehead.doors.cli.serving import carry_run, run_line

    with opened(folder, state) as house:
        found = house.schedules.start_now(name, house.person(person, assurance()), reason)
        line = run_line(house, found) if no_wait else carry_run(house, found)
    if as_json:
        print_json({"run": found, "status": line.status, "words": line.words})
        return
    click.echo(f"{found}  {line.words}")
    click.echo(again(f"See it with: bridgehead show {found}"))
