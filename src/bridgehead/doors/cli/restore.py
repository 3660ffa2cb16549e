"""``bridgehead restore``: a backup becomes a deployment again, verified and stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import JSON, again, operator, print_json
from bridgehead.kernel.errors import ConfigError

if TYPE_CHECKING:
    from bridgehead.backup.contents import Manifest
    from bridgehead.backup.judge import Verdict
    from bridgehead.backup.restore import Restored

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The deployment folder to restore into; laid out from the active release where it has no charter.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new state folder; FOLDER/.bridgehead.",
)
@click.option("--store", "url", default="", help="An empty PostgreSQL database, for a backup of one.")
@click.option(
    "--keys",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the ledger's keys are, when they are not in the backup.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=_FILE,
    help="A checkpoint you kept elsewhere. Can be repeated.",
)
@click.option("--vkey", type=_FILE, help="The verifier key you kept elsewhere.")
@click.option("--accept-loss", is_flag=True, help="Restore although a checkpoint counts entries it has not.")
@click.option(
    "--verify",
    is_flag=True,
    help="Check the backup; without a place to restore to, that is all that happens.",
)
@JSON
def restore(
    backup: Path,
    folder: Path | None,
    state: Path | None,
    url: str,
    keys: Path | None,
    kept: Sequence[Path],
    vkey: Path | None,
    accept_loss: bool,
    verify: bool,
    as_json: bool,
) -> None:
    """Restore BACKUP into an empty place: every file compared, the ledger verified, the deployment stopped.

    Nothing starts until its owner lifts the stop. What may have happened after the backup is settled first:
    asked about, sent again under the same key, or put to a person.
    """
    from bridgehead.backup.judge import Evidence
    from bridgehead.backup.restore import Place, check
    from bridgehead.backup.restore import restore as put_back
    from bridgehead.kernel.clock import SystemClock

    notes = [path.read_text(encoding="utf-8") for path in kept]
    evidence = Evidence(kept=notes, vkey=vkey.read_text() if vkey else "", accept_loss=accept_loss)
    target = state or (folder / ".bridgehead" if folder else None)
    if target is None:
        if not verify:
            raise _no_place()
        _say_checked(*check(backup, evidence), as_json=as_json)
        return
    place = Place(state=target.resolve(), url=url, keys=keys)
    done = put_back(backup, place, evidence, clock=SystemClock(), by=operator().label())
    laid_out = _lay_out(place.store(place.state), place.state, folder) if folder else ""
    _say_restored(done, place.state, laid_out, as_json=as_json)


def _lay_out(address: str | Path, state: Path, folder: Path) -> str:
    from bridgehead.backup.folder import lay_out
    from bridgehead.store import Store

    if (folder / "charter.yaml").exists():
        return ""
    store = Store.open(address)
    try:
        return lay_out(store, state, folder)
    finally:
        store.close()


def _say_checked(manifest: Manifest, verdict: Verdict, *, as_json: bool) -> None:
    report = verdict.report
    if as_json:
        print_json({"ok": True, "taken_at": manifest.taken_at, "entries": report.size, "lost": verdict.lost})
        return
    click.echo(
        f"The backup of {manifest.origin} of {manifest.taken_at[:19]} is whole: {report.size:,} entries."
    )
    _say_lost(verdict)


def _say_restored(done: Restored, state: Path, laid_out: str, *, as_json: bool) -> None:
    found, report = done.aftermath, done.verdict.report
    if as_json:
        said = {"state": str(state), "taken_at": done.manifest.taken_at, "entries": report.size}
        said |= {"lost": done.verdict.lost, "stop": found.stop, "open_runs": found.open_runs}
        print_json(
            said | {"unclear_effects": found.unclear, "asked_again": found.asked_again, "release": laid_out}
        )
        return
    click.echo(f"Restored {done.manifest.origin} as it was at {done.manifest.taken_at[:19]} into {state}.")
    click.echo(f"  verified     {report.size:,} entries, {report.checkpoints:,} checkpoints")
    click.echo(f"  under way    {found.open_runs:,} runs; {found.unclear:,} effects nobody knows the end of")
    click.echo(f"  asked again  {found.asked_again:,} questions that were answered and not yet used")
    if laid_out:
        click.echo(f"  folder       laid out from release {laid_out[:12]}")
    _say_lost(done.verdict)
    click.echo("It is stopped. What those runs did after the backup is settled before anything new is sent.")
    click.echo(
        again("Look at the other systems, then the owner or the deputy lifts the stop: bridgehead resume")
    )


def _say_lost(verdict: Verdict) -> None:
    if verdict.lost:
        words = (
            f"{verdict.lost:,} entries are missing that a checkpoint counts: effects since then are unknown."
        )
        click.secho(words, fg="red", bold=True, err=True)


def _no_place() -> ConfigError:
    return ConfigError(
        "BH-DOO-030",
        "no place to restore to was named",
        means="Nothing was done.",
        fix="Name a folder with --folder or --state, or only check the backup with --verify.",
    )
