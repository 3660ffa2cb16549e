"""``bridgehead documents``: make the index of a collection what its folder is, and look into it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import deployment_options, opened, operator, print_json, table, visible

if TYPE_CHECKING:
    from bridgehead.assemble.documents import DocumentCollection, Synced

_COLLECTION = click.argument("collection", default="")


@click.group()
def documents() -> None:
    """Look after the documents that runs search. For who may see all of them: titles are told here."""


@documents.command()
@_COLLECTION
@click.option("--again", is_flag=True, help="Read every file anew, not only new and changed ones.")
@deployment_options
def sync(folder: Path, state: Path | None, as_json: bool, collection: str, again: bool) -> None:
    """Read new and changed files of COLLECTION (of all, if none is named); delete what is gone.

    Exit code 1: a file is not read; each is named with the reason, and the others are read all the same. Or
    bytes of what was deleted are still on the disk, because somebody reads; another sync deletes them.
    """
    with opened(folder, state) as house:
        done = house.sync(collection, by=operator(), again=again)
    if as_json:
        print_json({"collections": {name: asdict(one) for name, one in done.items()}})
    else:
        for name, one in done.items():
            _tell(name, one)
    if any(one.refused or not one.erased for one in done.values()):
        click.get_current_context().exit(1)


@documents.command(name="list")
@_COLLECTION
@deployment_options
def listed(folder: Path, state: Path | None, as_json: bool, collection: str) -> None:
    """List what was read, and the files that are not read, with why."""
    with opened(folder, state) as house:
        found = {name: one.listed() for name, one in house.collections(collection).items()}
    if as_json:
        print_json(
            {
                "collections": {
                    name: {"documents": [_plain(k) for k in known], "refused": [asdict(p) for p in broken]}
                    for name, (known, broken) in found.items()
                }
            }
        )
        return
    for name, (known, broken) in found.items():
        rows = [[k.path, k.title, str(k.passages), k.changed_at[:16], k.read_at[:16]] for k in known]
        click.echo(f"{name}:")
        table(["document", "title", "passages", "changed", "read"], rows, empty="nothing was read yet")
        for one in broken:
            click.echo(f"not read: {visible(one.path)}: {visible(one.words)}")


@documents.command()
@click.argument("document")
@click.option("--collection", default="", help="Which collection; the only one if not given.")
@deployment_options
def show(folder: Path, state: Path | None, as_json: bool, document: str, collection: str) -> None:
    """Show the passages of DOCUMENT, each with its citation. Exit code 1: it was not read."""
    with opened(folder, state) as house:
        found = house.collections(collection)
        passages = [one for each in found.values() for one in each.passages(document)]
        refused = [p for each in found.values() for p in each.listed()[1] if p.path == document]
    if as_json:
        print_json({"document": document, "passages": passages, "refused": [asdict(p) for p in refused]})
    else:
        for one in passages:
            click.echo(f"{visible(one['citation'])}  [{one['start']}-{one['end']}]  {one['digest'][:16]}")
            for line in one["text"].splitlines():
                click.echo(f"    {visible(line)}")
        for problem in refused:
            click.echo(f"not read: {visible(problem.words)}")
        if not passages and not refused:
            click.echo("There is no such document in the index; `bridgehead documents sync` reads new ones.")
    if not passages:
        click.get_current_context().exit(1)


def _plain(known: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(known).items() if key not in ("id", "stat", "place")}


def _tell(name: str, done: Synced) -> None:
    counts = f"{len(done.added)} added, {len(done.changed)} changed, {len(done.deleted)} deleted"
    click.echo(f"{name}: {counts}, {done.unchanged} as they were, {len(done.refused)} not read")
    for path, words in done.refused.items():
        click.echo(f"  not read: {visible(path)}: {visible(words)}")
    if not done.erased:
        click.echo(
            "  not done yet: what was deleted is found no more, but somebody reads, and its bytes are still"
        )
        click.echo("  on the disk. Run it again in a moment.")


def only(found: dict[str, DocumentCollection]) -> DocumentCollection:
    """Return the one collection there is, or say that one has to be named."""
    if len(found) != 1:
        raise click.UsageError(f"Name one: {', '.join(found) or 'no collection is declared'}.")
    return next(iter(found.values()))
