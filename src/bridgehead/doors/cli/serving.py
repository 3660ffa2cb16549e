"""Work and serve in one process: the engine carries runs forward, the console answers beside it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from bridgehead.kernel.errors import ConfigError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.explain import RunLine

LINK_MINUTES = 12 * 60
WAIT_SECONDS = 600.0
"""How long to wait for a process that is at work on the store already."""
ENDING = "Ending: what was sent is heard first, and nothing new begins. Ctrl-C once more ends it at once."


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket bound to an address; port 0 takes a free one.

    Raises ``ConfigError`` (BH-DOO-022) when the address is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise ConfigError(
                "BH-DOO-022",
                f"{host}:{port} cannot be used: {error.strerror}",
                fix="Choose another with --port, or stop what uses it.",
            ) from error
        yield bound


def told_to_end(end: Callable[[], object]) -> None:
    """Have ``end`` called at every SIGINT and SIGTERM, as long as the running event loop lives."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)


def require_in_step(house: House) -> None:
    """Raise ``ConfigError`` (BH-ASM-008) where this machine's clock is too far off to carry runs."""
    from bridgehead.assemble.engines import require_the_time

    require_the_time(house.store, house.clock)


async def serve(houses: Sequence[House], bound: socket.socket, *, work: bool = True) -> None:
    """Serve the console and work on every house until interrupted (SIGINT, SIGTERM).

    The first interruption ends it in order: what was sent is heard. The second one ends it at once.
    """
    import uvicorn

    from bridgehead.assemble.watching import keep_watch
    from bridgehead.doors.console.app import console

    for house in houses if work else ():
        require_in_step(house)
    app = console(houses, clock=houses[0].clock)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    # Its own way with signals ends the process as soon as the console is closed, in the middle of a call;
    # it has no option for that.
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]  # as said
    async with contextlib.AsyncExitStack() as stack:
        workers = [
            asyncio.create_task(task)
            for house in houses
            if work
            for task in (_work(await stack.enter_async_context(house.at_work())), keep_watch(house))
        ]
        serving = asyncio.create_task(server.serve(sockets=[bound]))

        told = asyncio.Event()

        def end() -> None:
            server.force_exit = told.is_set()
            server.should_exit = True
            told.set()
            for worker in workers:
                worker.cancel()

        def told_to() -> None:
            if not told.is_set():
                click.echo(ENDING, err=True)
            end()

        told_to_end(told_to)
        done, _ = await asyncio.wait([serving, *workers], return_when=asyncio.FIRST_COMPLETED)
        if not told.is_set():
            end()
        await asyncio.gather(serving, *workers, return_exceptions=True)
        for task in done:
            if not task.cancelled() and task.exception() is not None:
                raise task.exception() or AssertionError


async def carry(house: House, undo: str = "") -> None:
    """Carry a house's runs as far as they go without people; with ``undo``, that undo alone."""
    from bridgehead.assemble.watching import watch_once

    require_in_step(house)
    if not undo:  # what takes effects back goes on whatever the data are
        await watch_once(house)
    async with house.at_work(undo=undo) as engine:
        with says_that_it_ends():
            await engine.work(until_idle=True)


def carry_or_wait(house: House, work: Coroutine[Any, Any, None], rests: Callable[[], bool]) -> None:
    """Do ``work`` here; where another process is at work on this store, wait until that has done it."""
    try:
        asyncio.run(work)
    except ConfigError as error:
        if error.code != "BH-RUN-008":
            raise
        until = house.clock.monotonic() + WAIT_SECONDS
        while house.clock.monotonic() < until and not rests():
            time.sleep(0.2)


def carry_run(house: House, run: str) -> RunLine:
    """Carry a run as far as it goes, here or in the process that is at work already; return how it stands."""
    carry_or_wait(house, carry(house), lambda: run_line(house, run).status != "running")
    return run_line(house, run)


def run_line(house: House, run: str) -> RunLine:
    """Return how a run stands."""
    from bridgehead.explain.runs import one_line

    with house.store.reading() as connection:
        line = one_line(connection, run)
    assert line is not None
    return line


@contextlib.contextmanager
def says_that_it_ends() -> Iterator[None]:
    """Say at once that work which was interrupted is ending: what was sent is heard first."""
    try:
        yield
    except asyncio.CancelledError:
        click.echo(ENDING, err=True)
        raise


async def _work(engine: Any) -> None:
    await engine.work()


def print_links(house: House, url: str) -> list[dict[str, str]]:
    """Print one sign-in link for one person of each role, and return them."""
    from bridgehead.doors.console.signin import make_link

    links = []
    for role, person in one_of_each_role(house).items():
        links.append(
            {
                "role": role,
                "person": person,
                "link": make_link(house.store, person, house.clock, url, LINK_MINUTES),
            }
        )
    for link in links:
        click.echo(f"  {link['role']:<10} {link['person']:<8} {link['link']}")
    return links


def one_of_each_role(house: House) -> dict[str, str]:
    """Return the first person of each role the charter gives."""
    found: dict[str, str] = {}
    for person, declared in house.deployment.charter.people.items():
        for role in declared.roles:
            found.setdefault(role, person)
    return found
