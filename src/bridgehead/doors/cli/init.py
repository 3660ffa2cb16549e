"""``bridgehead init NAME``: a working folder to start from, with the ledger's keys; ``--mcp`` drafts one.

The folder is written beside its place and moved there whole, so a failure leaves nothing behind.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import JSON, print_json, tell_next
from bridgehead.kernel.errors import CharterError

TEMPLATE = Path(__file__).with_name("template")
_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,62}$")


@click.command()
@click.argument("name", required=False)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write it; ./NAME if not given.",
)
@click.option(
    "--organisation", default="my-company", show_default=True, help="With NAME, the ledger's origin."
)
@click.option(
    "--mcp",
    "target",
    metavar="COMMAND|URL",
    default="",
    help="Draft it from the tools of this MCP server: a command in quotes, or an address.",
)
@click.option(
    "--env",
    "env",
    metavar="NAME=VALUE",
    multiple=True,
    help="For a command: its environment; ${NAME} from ours.",
)
@click.option(
    "--header",
    "headers",
    metavar="'NAME: VALUE'",
    multiple=True,
    help="For a URL: sent along; ${NAME} from ours.",
)
@JSON
def init(
    name: str | None,
    folder: Path | None,
    organisation: str,
    target: str,
    env: tuple[str, ...],
    headers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a working deployment folder called NAME.

    It holds a commented charter, a workflow, a policy, and a small help desk to try it on. With --mcp it is
    drafted for that server instead: only its list of tools is read, nothing is called, and every guess is
    marked.
    """
    if not target:
        if env or headers:
            raise click.UsageError("--env and --header go with --mcp.")
        _plain(_missing_name() if name is None else name, folder, organisation, as_json)
        return
    from bridgehead.doors.cli import drafting

    server = drafting.server(target, env, headers)
    name = name or drafting.name_of(target)
    place = folder or Path(name)
    _require_name(name, "NAME")
    _require_name(organisation, "--organisation")
    _require_empty(place)
    draft = drafting.draft_of(name, server)
    vkey = _write(
        place, name, organisation, lambda work: drafting.render(work, name, organisation, server, draft)
    )
    drafting.tell(place, name, f"{organisation}/{name}", vkey, draft, as_json)


def _missing_name() -> str:
    raise click.UsageError("Missing argument 'NAME'.")


def _plain(name: str, folder: Path | None, organisation: str, as_json: bool) -> None:
    _require_name(name, "NAME")
    _require_name(organisation, "--organisation")
    place = folder or Path(name)
    _require_empty(place)
    vkey = _write(place, name, organisation, lambda work: _render(work, name, organisation))
    if as_json:
        print_json({"folder": str(place), "name": name, "origin": f"{organisation}/{name}", "vkey": vkey})
        return
    click.echo(f"Wrote {place}/ with its keys in {place}/.bridgehead/keys/ (keep a copy of them).")
    tell_next(_next(place))


def _next(place: Path) -> tuple[tuple[str, str], ...]:
    return (
        (f"cd {place}", "the deployment: its charter is charter.yaml, every key explained"),
        ("bridgehead check", "does it hold together? every finding with its fix"),
        ('bridgehead run ticket --input \'{"ticket_id": "T-2"}\'', "a refund above the limit: it waits"),
        ("bridgehead approvals", "the question to people; `bridgehead up` shows it in the console"),
    )


def _require_name(name: str, what: str) -> None:
    if not _NAME.match(name):
        raise CharterError(
            "BH-CHA-090",
            f"`{name}` cannot be a name ({what})",
            fix="Use lower case letters, digits, - and _, starting with a letter: help-desk.",
        )


def _require_empty(place: Path) -> None:
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise CharterError(
            "BH-CHA-091",
            f"`{place}` is there already, and not an empty folder",
            means="Nothing was written.",
            fix="Choose another name, or another place with --folder.",
        )


def _write(place: Path, name: str, organisation: str, render: Callable[[Path], None]) -> str:
    """Write the folder with what ``render`` puts into it, and its keys; return the ledger's verifier key."""
    from bridgehead.record import Keys

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=place.parent) as beside:
            work = Path(beside) / name
            render(work)
            keys = Keys.create(work / ".bridgehead" / "keys", f"{organisation}/{name}")
            work.rename(place)
    except OSError as error:
        raise CharterError(
            "BH-CHA-092",
            f"`{place}` cannot be written: {error.strerror or error}",
            means="Nothing was written.",
            fix="Choose a place where this account may write, with some space left.",
        ) from error
    return keys.vkey


def _render(work: Path, name: str, organisation: str) -> None:
    work.mkdir()
    for source in sorted(TEMPLATE.iterdir()):
        if not source.is_file():
            continue  # bytecode that an installer may have left
        target = work / (".gitignore" if source.name == "gitignore" else source.name)
        shutil.copyfile(source, target)
        if source.name in ("charter.yaml", "README.md"):
            text = source.read_text("utf-8")
            text = text.replace("NAME_HERE", name).replace("ORGANISATION_HERE", organisation)
            target.write_text(text, "utf-8")
