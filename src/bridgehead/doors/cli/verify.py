"""``bridgehead verify``: is the record as it was written? For people who are not engineers too.

Everything is decided by ``record.verify``, which an auditor can run without this program.
Exit codes: 0 everything holds, 1 something does not, 2 there is nothing that can be verified.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import FOLDER, JSON, print_json
from bridgehead.kernel.errors import ConfigError
from bridgehead.record.verify import (
    CertificateReport,
    Problem,
    Report,
    Unreadable,
    verify_certificate,
    verify_export,
    verify_store,
)

TAMPERED = 1
SHOWN = 20
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@FOLDER
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its store and keys are; FOLDER/.bridgehead if not given.",
)
@click.option(
    "--store",
    default="",
    envvar="BRIDGEHEAD_STORE",
    help="The store to verify: a file, or postgresql://user@host/database; the state folder's if not given.",
)
@click.option("--export", "exported", type=_FILE, help="Verify an export (JSON lines) instead of a store.")
@click.option(
    "--vkey",
    default="",
    help="The verifier key, as text or as a file; the one beside the store if not given.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=_FILE,
    help="A checkpoint you kept elsewhere. Can be repeated.",
)
@click.option(
    "--save-export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the verified ledger as JSON lines.",
)
@click.option("--certificate", type=_FILE, help="Check the certificate of an undo instead of a ledger.")
@JSON
@click.pass_context
def verify(
    ctx: click.Context,
    folder: Path,
    state: Path | None,
    store: str,
    exported: Path | None,
    vkey: str,
    kept: Sequence[Path],
    save_export: Path | None,
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Check every entry and proof of a ledger, offline.

    Reads the store and changes nothing. Exit code 0: everything holds. 1: something was changed,
    removed or added. 2: there is nothing that can be verified.
    """
    place, keys = _where(store, state or folder / ".bridgehead")
    try:
        if certificate is not None:
            said = verify_certificate(
                certificate.read_text(encoding="utf-8"), vkey=_vkey_of_certificate(vkey, keys)
            )
            print_json(said.as_dict()) if as_json else click.echo("\n".join(_certificate_words(said)))
            ctx.exit(0 if said.ok else TAMPERED)
        notes = [path.read_text(encoding="utf-8") for path in kept]
        if exported is not None:
            report = verify_export(exported, vkey=_vkey(vkey, None), kept=notes)
        elif isinstance(place, str):
            report = _verify_shared(place, _vkey(vkey, keys), notes)
        else:
            secrets = keys if (keys / "kek").is_file() else None
            report = verify_store(place, vkey=_vkey(vkey, keys), kept=notes, keys=secrets)
    except (Unreadable, OSError, UnicodeDecodeError) as error:
        raise _nothing_to_verify(error) from error
    if save_export is not None and exported is None:
        _save(place, save_export)
    if as_json:
        print_json(report.as_dict())
    else:
        click.echo("\n".join(_words(report, independent=bool(vkey or kept))))
    ctx.exit(0 if report.ok else TAMPERED)


def _where(store: str, state: Path) -> tuple[str | Path, Path]:
    """Return what to verify, a file or the address of a database, and where the keys are."""
    from bridgehead.store.where import address

    found = address(state, store if "://" in store else "")
    if "://" in str(found):
        return str(found), state / "keys"
    file = Path(store or found)
    return file, file.parent / "keys"


def _verify_shared(url: str, vkey: str, notes: Sequence[str]) -> Report:
    """Verify a store on PostgreSQL by what a stranger would be given: an export, bodies included."""
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "ledger.jsonl"
        _save(url, exported, bodies=True)
        return verify_export(exported, vkey=vkey, kept=notes)


def _vkey(given: str, beside: Path | None) -> str:
    """Return the verifier key: as given, from a file, or the one that lies beside the store."""
    path = Path(given) if given else beside and beside / "ledger.vkey"
    if path and "\n" not in given and len(given) < 1000 and path.is_file():
        return path.read_text(encoding="utf-8")
    return given


def _vkey_of_certificate(given: str, keys: Path) -> str:
    """Return the verifier key a certificate is checked with: it does not carry its own."""
    found = _vkey(given, keys)
    if not found:
        raise ConfigError(
            "BH-REC-041",
            f"no verifier key was found at {keys / 'ledger.vkey'}",
            means="A certificate is checked with the key of the ledger it comes from. Nothing was checked.",
            fix="Name the key with --vkey, or with --state the state folder it is in.",
        )
    return found


def _save(store: str | Path, target: Path, *, bodies: bool = False) -> None:
    from bridgehead.record.export import export
    from bridgehead.store import Store

    opened = Store.open(store)
    try:
        with target.open("w", encoding="utf-8") as out:
            export(opened, out, bodies=bodies)
    finally:
        opened.close()


def _words(report: Report, *, independent: bool) -> Iterator[str]:
    if report.ok:
        yield click.style("The record is whole.", fg="green", bold=True)
    else:
        yield click.style("The record was changed, or part of it is missing.", fg="red", bold=True)
    yield f"  ledger       {report.origin}"
    yield (
        f"  entries      {report.size:,}, each with the bytes it was written with"
        if report.ok
        else (f"  entries      {report.size:,} found")
    )
    yield f"  runs         {report.runs:,}, of which {report.ended_runs:,} have ended"
    if report.open_actions:
        yield f"  open         {report.open_actions:,} actions have begun and have no outcome yet"
    yield f"  contents     {_contents(report)}"
    yield f"  checkpoints  {_signed(report)}"
    yield f"  root         {report.root}"
    yield from _problems(report)
    if report.ok and not independent:
        yield ""
        yield "Checked against keys and checkpoints that lie beside the store. Whoever can change all of"
        yield "these together is only found out by a checkpoint kept elsewhere: --checkpoint FILE."


def _contents(report: Report) -> str:
    said = [f"{report.bodies:,} there"]
    if report.bodies_opened:
        said.append(f"{report.bodies_opened:,} of them decrypted and compared")
    if report.bodies_erased:
        said.append(f"{report.bodies_erased:,} erased lawfully, each by an entry that says so")
    if report.bodies_left_out:
        said.append(f"{report.bodies_left_out:,} not part of this export")
    return ", ".join(said)


def _signed(report: Report) -> str:
    if not report.signed_size:
        return f"{report.checkpoints:,} hold; no signature covers this record"
    return f"{report.checkpoints:,} hold; the signed ones cover the first {report.signed_size:,} entries"


def _problems(report: Report) -> Iterator[str]:
    if report.ok:
        return
    yield ""
    yield f"{report.problem_count:,} found:" if report.problem_count > 1 else "Found:"
    for problem in sorted(report.problems, key=_order)[:SHOWN]:
        yield f"  {_place(problem)}: {problem.words}"
    if report.problem_count > SHOWN:
        yield f"  and {report.problem_count - SHOWN:,} more; --json lists up to {len(report.problems)}"
    yield ""
    yield "Stop using this store. Keep it as it is for the inquiry, and restore a backup that verifies."


def _order(problem: Problem) -> tuple[bool, int]:
    return problem.index is None, problem.index or 0


def _place(problem: Problem) -> str:
    entry = "" if problem.index is None else f"entry {problem.index}"
    run = f"run {problem.run}" if problem.run else ""
    return " of ".join(part for part in (entry, run) if part) or "the ledger"


def _nothing_to_verify(error: Exception) -> ConfigError:
    return ConfigError(
        "BH-REC-040",
        f"nothing can be verified: {error}",
        means="This says nothing about the record, good or bad.",
        fix="Name a deployment folder that has run, a store (--store), or an export (--export).",
    )


def _certificate_words(said: CertificateReport) -> Iterator[str]:
    yield f"Certificate of {said.undo}, of {said.of}, issued {said.issued}."
    yield f"{said.effects} effects: " + ", ".join(f"{n} {name}" for name, n in said.counts.items() if n) + "."
    for currency, of in said.money.items():
        yield f"{currency}: " + ", ".join(f"{name} {amount}" for name, amount in of.items()) + "."
    for problem in said.problems:
        yield f"It does not hold: {problem}."
    if said.ok:
        yield "Its signature holds, and every count adds up."
