"""``bridgehead delegate``: let somebody answer in your place, for named rules and a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import REASON, assurance, deployment_options, opened, print_json, table


@click.command()
@click.option("--from", "person", default="", help="Who you are: whose answer it would be.")
@click.option("--to", "to", default="", help="Who answers in your place.")
@click.option("--scope", "rules", multiple=True, help="An approval rule it is for; may be given again.")
@click.option("--since", default="", help="When it begins, e.g. 2026-12-24T08:00+01:00; now if not given.")
@click.option("--until", default="", help="When it ends, e.g. 2027-01-06 (UTC) or with a time and a zone.")
@click.option("--list", "listing", is_flag=True, help="List every delegation.")
@click.option("--end", "ending", default="", metavar="ID", help="End one before its time; give --from, too.")
@REASON
@deployment_options
def delegate(
    folder: Path,
    state: Path | None,
    as_json: bool,
    person: str,
    to: str,
    rules: tuple[str, ...],
    since: str,
    until: str,
    listing: bool,
    ending: str,
    reason: str,
) -> None:
    """Let somebody answer questions in your place, until a time. It is on record and can be ended."""
    if listing:
        _list(folder, state, as_json)
    elif not person:
        raise click.UsageError("Say who you are with --from.")
    elif ending:
        _end(folder, state, as_json, ending, person, reason)
    elif not (to and rules and until):
        raise click.UsageError("Give --to, --scope and --until; or --list, or --end ID.")
    else:
        times = (_moment(since) if since else None, _moment(until))
        _give(folder, state, as_json, person, to, rules, times, reason)


def _give(
    folder: Path,
    state: Path | None,
    as_json: bool,
    person: str,
    to: str,
    rules: tuple[str, ...],
    times: tuple[datetime | None, datetime],
    reason: str,
) -> None:
    from bridgehead.enforce.delegate import give
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house:
        by = house.person(person, assurance())
        given = give(house.boundary, by, to, rules, since=times[0], until=times[1], reason=reason)
    if as_json:
        print_json(plain(given))
        return
    click.echo(
        f"{to} answers for {person} until {given.ends_at[:16]}Z: {', '.join(given.rules)}  ({given.id})"
    )


def _end(folder: Path, state: Path | None, as_json: bool, id: str, person: str, reason: str) -> None:
    from bridgehead.enforce.delegate import end
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house:
        found = end(house.boundary, id, house.person(person, assurance()), reason)
    if as_json:
        print_json(plain(found))
        return
    click.echo(f"Ended. Answers {found.delegate} gave for {found.delegator} to open questions do not count.")


def _list(folder: Path, state: Path | None, as_json: bool) -> None:
    from bridgehead.enforce.delegate import listed
    from bridgehead.explain.figures import plain
    from bridgehead.kernel.clock import stamp

    with opened(folder, state) as house:
        with house.store.reading() as connection:
            found = listed(connection)
        now = stamp(house.clock.now())
    if as_json:
        print_json({"delegations": [plain(each) | {"state": each.state(now)} for each in found]})
        return
    table(
        ("delegation", "from", "to", "for", "begins", "ends", "state"),
        [
            (
                each.id,
                each.delegator,
                each.delegate,
                ", ".join(each.rules),
                f"{each.starts_at[:16]}Z",
                f"{each.ends_at[:16]}Z",
                each.state(now),
            )
            for each in found
        ],
        empty="Nobody answers in another's place.",
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time; write for example 2027-01-06T18:00+01:00") from error
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC)
