"""``bridgehead undo``: take back what a run or a release did, and count it to the last effect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from bridgehead.doors.cli.terminal import again, assurance, deployment_options, opened, print_json, table
from bridgehead.kernel.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.explain.undo import UndoView

SHOWN = 40


@click.command()
@click.argument("run", default="")
@click.option("--release", default="", help="Take back what every run of a release did: its digest.")
@click.option(
    "--plan", "mode", flag_value="plan", default=True, help="Only say what would be done (default)."
)
@click.option("--execute", "mode", flag_value="execute", help="Stop it, and take back what people agree to.")
@click.option("--certificate", "mode", flag_value="certificate", help="Print the signed certificate.")
@click.option("--list", "mode", flag_value="list", help="List releases, and what was taken back.")
@click.option("--as", "person", default="", help="Who you are: an id under `people` of the charter.")
@click.option("--reason", default="", help="Why; kept with the order.")
@click.option("--digest", default="", help="With --execute: the digest of the plan you saw.")
@click.option("--rate", default="600/1m", show_default=True, help="Most compensations in a time; '' for any.")
@deployment_options
def undo(
    folder: Path,
    state: Path | None,
    as_json: bool,
    run: str,
    release: str,
    mode: Literal["plan", "execute", "certificate", "list"],
    person: str,
    reason: str,
    digest: str,
    rate: str,
) -> None:
    """Take back what RUN did, or every run of a release.

    Without --execute nothing is stopped or taken back: records are read, and the plan is shown. With it a
    release stops at once and the one before it is active again; then the plan is put before the owner and
    the deputy, and nothing is taken back before one of them agrees.
    """
    with opened(folder, state) as house:
        if mode == "list":
            _print_list(house, as_json)
            return
        scope, target = _target(house, run, release)
        if mode == "certificate":
            _print_certificate(house, target, as_json)
            return
        found = _ordered(house, scope, target, mode, person, reason, digest, rate)
    if as_json:
        from bridgehead.explain.figures import plain

        print_json(plain(found))
        return
    _tell(found)


def _ordered(
    house: House,
    scope: Literal["run", "release"],
    target: str,
    mode: str,
    person: str,
    reason: str,
    digest: str,
    rate: str,
) -> UndoView:
    from bridgehead.rollout.order import Order, order

    if not person:
        raise ConfigError(
            "BH-DOO-040",
            "nobody is named who wants this",
            means="Reading records and taking effects back is done in somebody's name.",
            fix="Add --as PERSON, an id under `people` of the charter.",
        )
    if mode == "execute" and not reason.strip():
        raise ConfigError("BH-DOO-041", "an undo needs a reason", fix='Add --reason "why".')
    by = house.person(person, assurance())
    wanted = Order(
        scope=scope,
        target=target,
        by=by,
        reason=reason.strip(),
        execute=mode == "execute",
        expected=digest,
        rate=rate,
    )
    undo_id = order(house.boundary, wanted)
    _carry(house, undo_id)
    found = _view(house, undo_id)
    assert found is not None
    return found


def _carry(house: House, undo_id: str) -> None:
    """Carry it here and nobody else's run, or wait for the process that is at work on this store already."""
    from bridgehead.doors.cli.progress import said
    from bridgehead.doors.cli.serving import carry, carry_or_wait

    def rests() -> bool:
        found = _view(house, undo_id)
        return found is not None and found.at_rest

    carry_or_wait(house, said(carry(house, undo_id), lambda: _so_far(house, undo_id)), rests)


def _so_far(house: House, undo_id: str) -> str:
    from bridgehead.explain.undos import so_far

    with house.store.reading() as connection:
        return so_far(connection, undo_id)


def _view(house: House, undo_id: str) -> UndoView | None:
    from bridgehead.explain.undo import undo_view

    with house.store.reading() as connection:
        return undo_view(connection, undo_id)


def _target(house: House, run: str, release: str) -> tuple[Literal["run", "release"], str]:
    from bridgehead.doors.cli.show import find_story
    from bridgehead.explain.undos import find_release

    if bool(run) == bool(release):
        raise ConfigError(
            "BH-DOO-042",
            "one thing is taken back at a time",
            fix="Name a run, or --release DIGEST; `bridgehead undo --list` shows the releases.",
        )
    if run:
        return "run", find_story(house, run).run.id
    with house.store.reading() as connection:
        found = find_release(connection, release)
    if len(found) != 1:
        what = f"{len(found)} releases fit {release!r}" if found else f"there is no release {release!r}"
        raise EngineError("BH-UND-001", what, fix="`bridgehead undo --list` lists releases.")
    return "release", found[0]


def _print_certificate(house: House, target: str, as_json: bool) -> None:
    from bridgehead.explain.undos import last_executed
    from bridgehead.rollout.certificate import certified

    with house.store.reading() as connection:
        found = last_executed(connection, target)
    if found is None:
        raise EngineError(
            "BH-UND-005",
            f"nothing of {target[:12]} has been taken back yet",
            fix="Order it with --execute first.",
        )
    note = certified(house.boundary, found)
    if as_json:
        print_json({"undo": found, "certificate": note})
        return
    click.echo(note, nl=False)


def _print_list(house: House, as_json: bool) -> None:
    from bridgehead.explain.figures import plain
    from bridgehead.explain.undos import releases, undos

    with house.store.reading() as connection:
        known, ordered = releases(connection), undos(connection)
    if as_json:
        print_json({"releases": plain(known), "undos": plain(ordered)})
        return
    table(
        ("release", "state", "runs", "effects", "activated", "by"),
        [
            (one.digest[:16], one.words, str(one.runs), str(one.effects), one.activated_at[:19], one.by)
            for one in known
        ],
        empty="No release was activated yet.",
    )
    if ordered:
        click.echo("")
    table(
        ("undo", "of", "state", "ordered by", "at"),
        [
            (one.id, f"{one.scope} {one.target[:16]}", one.words, one.ordered_by, one.created_at[:19])
            for one in ordered
        ],
        empty="",
    )


def _tell(found: UndoView) -> None:
    click.echo(f"{found.id}  {found.words}")
    for group in found.groups:
        click.echo(f"  {group.number:>5}  {group.words}")
    for line in found.items[:SHOWN]:
        money = f"  {line.amount_words}" if line.amount_words else ""
        click.echo(f"  {line.number:>4}  {line.outcome:<10} {line.words}{money}")
        click.echo(
            f"        {line.why}" + (f" {line.person}, until {line.due_at[:10]}." if line.person else "")
        )
    if len(found.items) > SHOWN:
        click.echo(f"  and {len(found.items) - SHOWN} more; --json lists every one.")
    click.echo(f"Plan {found.plan_digest}")
    for words in found.next:
        click.echo(again(words))
