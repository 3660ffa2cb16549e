"""``python -m bridgehead.testing.hostile_erp``: start the system, or read its file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import click

from bridgehead.testing.hostile_erp.book import Book, judge
from bridgehead.testing.hostile_erp.desk import Desk
from bridgehead.testing.hostile_erp.faults import KINDS, MIXES, Faults
from bridgehead.testing.hostile_erp.process import FILE
from bridgehead.testing.hostile_erp.server import Server, remember, remembered

AGAIN = "BRIDGEHEAD_HOSTILE_ERP_AGAIN"
"""Set for a process that takes the place of one that restarted: its address is known already."""


@click.command(
    epilog=f"Faults: {', '.join(KINDS)}; reads-fail for questions. Mixes: "
    + "; ".join(f"{name} ({mix.text() or 'nothing goes wrong'})" for name, mix in MIXES.items())
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("hostile-erp"),
    show_default=True,
    help="Where its file is kept.",
)
@click.option("--port", default=0, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--faults", "mischief", default="none", show_default=True, help="A mix, or NAME=SHARE,...")
@click.option("--seed", default=0, show_default=True, help="Decides which calls are struck.")
@click.option("--keys", is_flag=True, help="Drop repeats of an idempotency key.")
@click.option("--late", default="50ms..300ms", show_default=True, help="When late changes come.")
@click.option("--until-input-ends", is_flag=True, help="Stop when standard input ends.")
@click.option("--judge", "references", default="", help="Do not start: count what is posted. @FILE or a,b,c.")
def main(
    folder: Path,
    port: int,
    mischief: str,
    seed: int,
    keys: bool,
    late: str,
    until_input_ends: bool,
    references: str,
) -> None:
    """A small order system that fails as old systems do. Prints its address and serves until it is stopped.

    Orders are posted over MCP at /mcp or as plain JSON at /postings; /admin/faults shows and changes what
    goes wrong. Everything it did is in FOLDER/erp.db, whatever its callers believe.
    """
    if references:
        click.echo(_judged(folder / FILE, references))
        return
    folder.mkdir(parents=True, exist_ok=True)
    book = Book(folder / FILE, keys=keys)
    kept = remembered(book) if AGAIN in os.environ else None
    if kept is None:
        try:
            soonest, _, latest = late.partition("..")
            kept = Faults.parse(mischief, soonest=_seconds(soonest), latest=_seconds(latest)), seed
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        remember(book, *kept)
    asyncio.run(_serve(Desk(book, *kept), port, until_input_ends))
    book.close()


async def _serve(desk: Desk, port: int, until_input_ends: bool) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    place = {"port": port}
    server = Server(desk, lambda: _start_again(place["port"]))
    place["port"] = await server.start(port)
    if AGAIN not in os.environ:
        print(f"http://127.0.0.1:{place['port']}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    await server.stop()


def _start_again(port: int) -> None:
    """Become a new process at once, as after a crash: every connection breaks, only the file is left.

    A request to start again is the last thing this process does; it never returns.
    """
    given = [part for part in sys.argv[1:] if not part.startswith("--port")]
    if "--port" in sys.argv[1:]:
        at = sys.argv[1:].index("--port")
        given = [*sys.argv[1:][:at], *sys.argv[1:][at + 2 :]]
    os.environ[AGAIN] = "1"
    program = [sys.executable, "-m", "bridgehead.testing.hostile_erp", *given, "--port", str(port)]
    os.execv(sys.executable, program)  # noqa: S606 (no shell, on purpose)


def _judged(file: Path, references: str) -> str:
    if references.startswith("@"):
        found = json.loads(Path(references[1:]).read_text(encoding="utf-8"))
        wanted = [order["reference"] for order in (found["orders"] if isinstance(found, dict) else found)]
    else:
        wanted = references.split(",")
    seen = judge(file, wanted)
    lines = [f"{seen.once} of {len(set(wanted))} orders posted exactly once"]
    lines.append(f"{seen.twice} more than once {', '.join(seen.duplicated)}".rstrip())
    lines.append(f"{seen.missing} not at all {', '.join(seen.absent)}".rstrip())
    if seen.by_the_system:
        lines.append(f"{seen.by_the_system} second postings made by the system itself")
    return "\n".join(lines)


def _seconds(text: str) -> float:
    for unit, factor in (("ms", 0.001), ("s", 1.0)):
        if text.endswith(unit):
            return float(text[: -len(unit)]) * factor
    raise ValueError(f"{text!r} is not a time; write --late 50ms..300ms")


if __name__ == "__main__":
    main()
