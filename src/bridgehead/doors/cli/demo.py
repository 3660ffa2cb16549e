"""``bridgehead demo``: a main job, from charter to proof, on a laptop with no key."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import JSON, opened, operator, print_json

if TYPE_CHECKING:
    from bridgehead.assemble import House


@click.command()
@click.argument("example", type=click.Choice(["retail", "credit"]), default="retail")
@click.option("--no-serve", is_flag=True, help="Print the result and end; no console.")
@JSON
@click.option(
    "--answer-as",
    type=click.Choice(["lead"]),
    help="Let a support lead of the example answer what waits, the way a person would.",
)
@click.option("--tickets", "count", type=click.IntRange(min=1), help="Play only the first so many tickets.")
@click.option("--weeks", type=click.IntRange(1, 12), help="Of `credit`: play only the first so many weeks.")
@click.option("--fresh", is_flag=True, help="Start over; the last play is kept beside the new one.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The deployment folder of the example, if it is not where it was installed.",
)
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Where the play is kept.")
@click.option("--port", default=8321, show_default=True, help="Port of the console; 0 takes a free one.")
def demo(
    example: str,
    no_serve: bool,
    as_json: bool,
    answer_as: str | None,
    count: int | None,
    weeks: int | None,
    fresh: bool,
    folder: Path | None,
    state: Path | None,
    port: int,
) -> None:
    """Work through 74 support tickets on an order system nobody here wrote, or through twelve weeks of credit
    decisions.

    `retail`: every action is decided, some wait for a person, some are refused, everything is recorded.
    Without a model endpoint (OPENAI_BASE_URL) a labelled stand-in plays the benchmark's published tool calls.
    A play that was interrupted is carried on.

    `credit`: real applications, a model trained on a pilot and released to everyone, and a bureau whose
    files are late, broken and incomplete; on a clock of its own, beside the same model without Bridgehead.
    Every play is a new one.
    """
    if example == "credit":
        _refuse_options_of_retail(answer_as, count, fresh)
        _credit(no_serve, as_json, weeks, folder, state, port)
        return
    if weeks is not None:
        raise click.UsageError("--weeks is an option of `bridgehead demo credit`")
    from bridgehead.doors.cli.play import Play, example_folder, place_of
    from bridgehead.doors.cli.serving import listening

    home = folder or example_folder()
    place = place_of(home, state, fresh=fresh)
    with contextlib.ExitStack() as stack:
        # The port first: a play that cannot be looked at should say so before it begins.
        bound = None if no_serve else stack.enter_context(listening("127.0.0.1", port))
        house = stack.enter_context(opened(home, place))
        house.activate(by=operator())
        play = Play(house, home, place, count=count)
        result = asyncio.run(play.carry_on(answer_as=answer_as, tell=None if as_json else click.echo))
        _print(result, as_json)
        if bound is not None:
            _serve(house, bound, "What happened is kept; `bridgehead demo` shows it again.")


def _refuse_options_of_retail(answer_as: str | None, count: int | None, fresh: bool) -> None:
    given = {"--answer-as": answer_as, "--tickets": count, "--fresh": fresh}
    for name, value in given.items():
        if value:
            raise click.UsageError(f"{name} is no option of `bridgehead demo credit`")


def _credit(
    no_serve: bool, as_json: bool, weeks: int | None, folder: Path | None, state: Path | None, port: int
) -> None:
    from bridgehead.doors.cli import play_credit
    from bridgehead.doors.cli.serving import listening

    home = folder or play_credit.example_folder()
    place = play_credit.place_of(home, state)
    how = {} if weeks is None else {"weeks": weeks}
    with contextlib.ExitStack() as stack:
        bound = None if no_serve else stack.enter_context(listening("127.0.0.1", port))
        playing, result = play_credit.play(home, place, _silent if as_json else click.echo, **how)
        stack.callback(playing.house.close)
        if as_json:
            print_json(result)
        else:
            for line in play_credit.told(result):
                click.echo(line)
        if bound is not None:
            playing.let_go()
            kept = f"What happened stays in {result['state']}; `bridgehead demo credit` plays anew beside it."
            _serve(playing.house, bound, kept)


def _silent(_: str) -> None:
    """Say nothing: the result is one JSON object."""


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    from bridgehead.doors.cli.play import told

    for line in told(result):
        click.echo(line)


def _serve(house: House, bound: socket.socket, kept: str) -> None:
    from bridgehead.doors.cli.serving import print_links, serve

    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    click.echo(f"\nConsole: {url}   Sign in as somebody, once each:")
    print_links(house, url)
    click.echo(f"\nEnd with Ctrl-C. {kept}")
    asyncio.run(serve([house], bound))
