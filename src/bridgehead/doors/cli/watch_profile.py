"""``bridgehead watch profile``: what the columns of a table look like, and how far they have moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import again, at, deployment_options, opened, print_json, table, visible
from bridgehead.doors.cli.watch_accept import named

if TYPE_CHECKING:
    from bridgehead.explain.drift import ColumnDrift, Measured, TableDrift

_WIDE = 24


@click.command(name="profile")
@click.argument("of", metavar="SOURCE.TABLE[.COLUMN]")
@deployment_options
def watch_profile(folder: Path, state: Path | None, as_json: bool, of: str) -> int:
    """Say how far the columns of a table lie from what was accepted, or show one of them.

    Exit code 0: no column has moved so far that it matters. 1: one has, or nobody accepted what is normal.
    """
    from bridgehead.explain.drift import column, drift
    from bridgehead.explain.figures import plain

    place, _, name = of.partition(".")
    name, _, wanted = name.partition(".")
    with opened(folder, state) as house:
        source, name = named(house.deployment.charter.sources, f"{place}.{name}")
        with house.store.reading() as connection:
            now = house.clock.now()
            found = drift(connection, source, name, now)
            one = column(connection, source, name, wanted, now) if wanted else None
    if found is None:
        words = f"{source}.{name} was never counted: no batch of it was published, or nobody looked."
        if as_json:
            print_json({"table": f"{source}.{name}", "counted": 0, "columns": []})
        else:
            click.echo(again(f"{words} Look with `bridgehead watch look`."))
        return 1
    if wanted and one is None:
        known = ", ".join(line.column for line in found.columns)
        raise click.BadParameter(f"{source}.{name} has no column {wanted!r}; known: {known}")
    if as_json:
        print_json(plain(one) if one is not None else plain(found))
    elif one is not None:
        _column(one)
    else:
        _table(found)
    lines = (one.line,) if one is not None else found.columns
    return 0 if found.accepted_by and not any(line.standing == "moved" for line in lines) else 1


def _table(found: TableDrift) -> None:
    name = f"{found.source}.{found.table}"
    table(
        ("column", "stands", "largest move", "size", "matters from", "chance brings", "counted"),
        [
            (
                line.column,
                line.standing,
                line.worst.name if line.worst else "",
                _size(line.worst, "size"),
                _size(line.worst, "matters"),
                _size(line.worst, "noise"),
                f"{line.counted}{', as hashes' if line.personal else ''}",
            )
            for line in found.columns
        ],
        empty=f"{name} has no column that is counted.",
    )
    _told(found)
    for line in found.columns:
        if line.standing == "moved":
            click.echo(visible(line.words))


def _told(found: TableDrift) -> None:
    name = f"{found.source}.{found.table}"
    if not found.accepted_by:
        click.echo("Nobody has accepted what is normal for it: nothing is compared, and nobody would hear.")
        command = f"bridgehead watch accept-baseline {name} --as YOU --reason WHY"
        click.echo(again(f"Next, once it is as it should be: `{command}`"))
        return
    click.echo(
        f"Baseline: {found.rows:,} rows ({', '.join(map(visible, found.batches[-3:]))}), accepted by "
        f"{found.accepted_by} on {at(found.accepted_at)}. Newest: {visible(found.newest)}, "
        f"{found.newest_rows:,} rows."
    )


def _column(one: ColumnDrift) -> None:
    from bridgehead.explain.words import as_of

    click.echo(f"{one.table.source}.{one.table.table}.{one.line.column}: {visible(one.means)}")
    before, now = one.missing
    click.echo(f"Without a value: {before:.1%} accepted, {now:.1%} in {visible(one.table.newest)}.")
    largest = max((max(bar.before, bar.now) for bar in one.bars), default=0.0) or 1.0
    table(
        ("bin or value", "accepted", "", "newest", ""),
        [
            (
                visible(bar.label)[:40],
                f"{bar.before:.1%}",
                _drawn(bar.before / largest),
                f"{bar.now:.1%}",
                _drawn(bar.now / largest),
            )
            for bar in one.bars
        ],
        empty="Of this column only missing values are counted.",
    )
    for moment in one.history[-10:]:
        mark = "moved" if moment.moved else "within"
        times = f"{moment.times:.2f} of what matters ({moment.measure})"
        click.echo(f"{as_of(moment.day)}  {visible(moment.part)}  {times}, {mark}")


def _drawn(share: float) -> str:
    return "#" * round(_WIDE * share)


def _size(worst: Measured | None, which: str) -> str:
    if worst is None:
        return ""
    size = float(getattr(worst, which))
    return f"{size:.1%}" if worst.measure in ("null_rate", "unseen") else f"{size:.3g}"
