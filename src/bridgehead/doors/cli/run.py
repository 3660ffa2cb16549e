"""``bridgehead run``: start one run of a workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bridgehead.doors.cli.terminal import again, assurance, deployment_options, opened, operator, print_json
from bridgehead.kernel.errors import ConfigError


@click.command()
@click.argument("workflow")
@click.option("--input", "input_text", default="{}", help="The case: JSON, or @FILE.")
@click.option("--bind", "bindings", multiple=True, help="NAME=VALUE, for each binding of the workflow.")
@click.option("--title", default="", help="What people call this run.")
@click.option("--key", default="", help="Starting twice with the same key gives the same run.")
@click.option("--as", "person", default="", help="On whose behalf; the agent's sponsor if not given.")
@click.option("--no-wait", is_flag=True, help="Only start it; `bridgehead up` carries it forward.")
@deployment_options
def run(
    folder: Path,
    state: Path | None,
    as_json: bool,
    workflow: str,
    input_text: str,
    bindings: tuple[str, ...],
    title: str,
    key: str,
    person: str,
    no_wait: bool,
) -> None:
    """Start a run of WORKFLOW under the folder as it is now, and carry it as far as it goes."""
    from bridgehead.doors.cli.serving import carry_run
    from bridgehead.doors.cli.show import answer, find_story, tell_answer

    case = _case(input_text)
    bound = dict(_pair(text) for text in bindings)
    with opened(folder, state) as house:
        house.activate(by=operator())
        if person:
            house.person(person, assurance())
        run_id = house.start(workflow, case, bindings=bound, title=title, key=key, on_behalf=person)
        if not no_wait:
            carry_run(house, run_id)
        told = find_story(house, run_id)
    line = told.run
    if as_json:
        print_json(
            {
                "run": run_id,
                "status": line.status,
                "words": line.words,
                "waiting_for": line.waiting_for,
                "result": answer(told),
            }
        )
        return
    click.echo(f"{run_id}  {line.words}")
    tell_answer(told)
    click.echo(again(f"See it with: bridgehead show {run_id}"))


def _case(text: str) -> dict[str, Any]:
    try:
        raw = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        value = json.loads(raw)
    except (OSError, ValueError) as error:
        raise ConfigError(
            "BH-DOO-020", f"--input cannot be read: {error}", fix="Give a JSON object, or @FILE with one."
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(
            "BH-DOO-020", "--input is not a JSON object", fix="For example: --input '{\"id\": 7}'."
        )
    return value


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ConfigError(
            "BH-DOO-021", f"--bind {text!r} is not NAME=VALUE", fix="For example: --bind case=7."
        )
    return name, value
