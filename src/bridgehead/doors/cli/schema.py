"""``bridgehead schema``: the charter's JSON Schema, for editors and for other programs."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--reference", is_flag=True, help="Print the reference of all keys as Markdown instead.")
@click.option("--json", "_as_json", is_flag=True, help="The schema is JSON with or without this.")
def schema(reference: bool, _as_json: bool) -> None:
    """Print the JSON Schema of charter.yaml.

    Editors use it to complete and check a charter as it is written.
    """
    from bridgehead.declare import schema as published

    text = published.reference() if reference else json.dumps(published.schema(), indent=2) + "\n"
    click.echo(text, nl=False)
