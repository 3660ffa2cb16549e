"""``bridgehead watch diff``: what changed between two contracts, by what it does to their readers.

Exit codes: 0 nothing breaks a reader, 1 something does, 2 a contract cannot be read.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import JSON, print_json, table


@click.command(name="diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@JSON
def watch_diff(old: Path, new: Path, as_json: bool) -> int:
    """Say what changed from contract OLD to contract NEW: what breaks readers, what only adds.

    Exit code 0: nothing breaks a reader. 1: something does. 2: a contract cannot be read.
    """
    from bridgehead.watch.contract.diff import differences, says_too_little
    from bridgehead.watch.contract.read import read

    before, after = read(old), read(new)
    changes = differences(before, after)
    breaks = any(change.effect == "breaking" for change in changes)
    warning = says_too_little(before, after, changes)
    if as_json:
        print_json({"breaking": breaks, "warning": warning, "changes": [asdict(one) for one in changes]})
        return 1 if breaks else 0
    table(
        ("effect", "of", "what changed", "where"),
        [(one.effect, one.what, one.words, one.where) for one in changes],
        empty="Nothing that a reader would notice changed.",
    )
    if warning:
        click.echo(warning)
    return 1 if breaks else 0
