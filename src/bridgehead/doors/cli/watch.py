"""``bridgehead watch``: are the data what their readers were promised? Its commands load when called."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "look": "Look at every source of a deployment that has a contract, and write down what was found.",
    "status": "Say which data of a deployment are in order, and what those that are not hold back.",
    "batches": "List the batches of tables that come in some, and what became of each.",
    "release": "Publish a batch that was kept apart, as it is.",
    "discard": "Leave a batch that was kept apart out for good.",
    "arrivals": "Say which batches came, which did not, and what is expected next.",
    "accept": "Accept, as the owner, that a schedule changed or a batch is lost.",
    "changes": "List schemas that changed without notice, and who is held by it.",
    "accept-change": "Accept that a schema changed, and what its columns are called now.",
    "refuse-change": "Say that a change of a schema is not accepted, and why.",
    "profile": "Say how far the columns of a table have moved from what was accepted.",
    "accept-baseline": "Accept what a table looks like: later batches are compared with that.",
    "check": "Check data against their contract, clause by clause.",
    "draft": "Draft a contract from data alone: a file, a folder, a database.",
    "diff": "Compare two contracts: what breaks readers, what only adds.",
    "baseline": "Freeze the distributions of data you accept.",
}


class WatchCommands(click.Group):
    """The commands by name; ``watch NAME`` lives in the module ``watch_NAME``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = f"watch_{cmd_name.replace('-', '_')}"
        module = importlib.import_module(f"bridgehead.doors.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=WatchCommands)
def watch() -> None:
    """Check data against their contract (Open Data Contract Standard v3): a deployment's, or any."""
