"""The command line. Commands load only when they are called: ``--help`` imports no server and no
database.

In: a folder and a command. Out: words or ``--json``, and an exit code: 0 done, 1 refused or findings,
2 wrong usage or a fault. Never: a rule of its own; it calls the rooms the console calls.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from typing import Any, NoReturn

import click

from bridgehead import __version__
from bridgehead.kernel.errors import ApprovalError, BridgeheadError, SettlementError

COMMANDS = {
    "init": "Write a working deployment folder.",
    "check": "Say whether a deployment folder is ready, and what to fix.",
    "schema": "Print the JSON Schema of the charter.",
    "demo": "Run a main job: 74 support tickets, or twelve weeks of credit decisions.",
    "up": "Run a deployment: carry its runs forward and serve its console.",
    "worker": "Carry runs forward beside other workers, on PostgreSQL.",
    "run": "Start one run of a workflow.",
    "runs": "List runs.",
    "show": "Show one run, crossing by crossing.",
    "why": "Explain one run or crossing in plain sentences.",
    "entitle": "Say who may see what of data and documents, and what SQL becomes.",
    "documents": "Look after the documents that runs search.",
    "approvals": "List the questions that wait for people.",
    "approve": "Answer a question with yes.",
    "refuse": "Answer a question with no.",
    "revoke": "Take back a yes that has not been used.",
    "delegate": "Let somebody answer in your place, for a time.",
    "break-glass": "Permit at once in an emergency; others review it.",
    "effects": "List effects that are open or unclear, and settle one.",
    "replay": "Judge recorded calls by a charter; nothing is performed.",
    "watch": "Check data against their contract, and compare contracts.",
    "audit": "Look at drawn results again, and say how often a workflow is right.",
    "schedules": "List what the clock starts, and start one now.",
    "stop": "Stop a deployment: no new action starts.",
    "resume": "Let a stopped deployment act again.",
    "backup": "Back up a deployment while it is at work.",
    "restore": "Restore a backup elsewhere, verified and stopped.",
    "undo": "Take back what a run or a release did, and count it.",
    "verify": "Check every entry and proof of a ledger, offline.",
    "sign-in": "Make a link that signs a person in to the console, once.",
    "doctor": "Look for what would stop this deployment from running.",
}
EXIT_REFUSED, EXIT_FAULT = 1, 2
ENDLESS = "dbos-executor"
"""What threads are called that may never end."""
NO_SUCH_THING = ("BH-APR-001", "BH-SET-001", "BH-WAT-047")
"""A question, an effect or a batch that is not there: the command named the wrong one."""
_OF_A_REVIEW = ("BH-WAT-074", "BH-WAT-075", "BH-WAT-076", "BH-WAT-077", "BH-WAT-079", "BH-WAT-082")
"""Answers about a result that do not count, and alarms that are not this person's to clear."""
REFUSED_ELSEWHERE = (
    *("BH-ASM-002", "BH-ASM-007", "BH-RUN-015", "BH-UND-002", "BH-UND-003"),
    *_OF_A_REVIEW,
)
"""Refusals that are no answer to a question: by findings, by an undo, of somebody who may not order one."""


class Commands(click.Group):
    """The commands by name; each lives in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"bridgehead.doors.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"No command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bridgehead")
def cli() -> None:
    """Bridgehead: the deployment of an AI system as a product."""


def main() -> None:
    """Run the command line. Faults are told in words; set BRIDGEHEAD_TRACEBACK=1 for a traceback."""
    try:
        status: Any = cli.main(prog_name="bridgehead", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        _end(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        _end(130)
    except BridgeheadError as error:
        if os.environ.get("BRIDGEHEAD_TRACEBACK"):
            raise
        _tell(error)
        _end(exit_code(error))
    _end(status if isinstance(status, int) else 0)


def _end(status: int) -> NoReturn:
    """End the process. A thread of dbos may wait for ever for a segment that others carried to its end while
    this worker was paused: Python would wait for that thread, and the process would not end."""
    if any(thread.name.startswith(ENDLESS) for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def exit_code(error: BridgeheadError) -> int:
    """Return 1 where this person, or this answer, was refused, and 2 for wrong usage or a fault."""
    answered = isinstance(error, ApprovalError | SettlementError) and error.code not in NO_SUCH_THING
    return EXIT_REFUSED if answered or error.code in REFUSED_ELSEWHERE else EXIT_FAULT


def _tell(error: BridgeheadError) -> None:
    every = getattr(error, "errors", None) or [error]
    if "--json" in sys.argv[1:]:
        click.echo(json.dumps({"errors": [one.as_dict() for one in every]}, ensure_ascii=False))
        return
    for one in every:
        place = f"{one.where}: " if one.where else ""
        click.echo(f"{one.code}  {place}{one.what}", err=True)
        for line in (*one.means.splitlines(), one.fix):
            if line:
                click.echo(f"            {line}", err=True)
