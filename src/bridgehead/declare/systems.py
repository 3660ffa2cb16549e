"""Servers, models, sources, documents, policies: each can be reached by exactly one road."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.model import Model
from bridgehead.declare.naming import fault, missing_file, pure, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-030, BH-CHA-031, BH-CHA-070, BH-CHA-073 to BH-CHA-075."""
    yield from _servers(deployment)
    for name, model in deployment.charter.models.items():
        yield from _model(deployment, name, model)
    yield from _regions(deployment)
    yield from _files(deployment)


def _servers(d: Deployment) -> Iterator[CharterError]:
    for name, server in d.charter.servers.items():
        if bool(server.command) == bool(server.url):
            yield fault(
                d,
                "BH-CHA-070",
                f"server `{name}` must be started by a `command` or reached at a `url`",
                "Give one of the two.",
                *("servers", name),
            )
        if server.url and not server.url.startswith(("http://", "https://", "${")):
            yield fault(
                d,
                "BH-CHA-070",
                f"`{server.url}` is not an address",
                "Write `https://...`.",
                *("servers", name, "url"),
            )


def _model(d: Deployment, name: str, model: Model) -> Iterator[CharterError]:
    place = ("models", name)
    if model.driver == "openai":
        if model.script or model.instead_of:
            yield fault(
                d,
                "BH-CHA-073",
                f"model `{name}` is an endpoint and has a stand-in's `script` or `instead_of`",
                "Declare the stand-in as a model of its own, with `driver: stand-in`.",
                *place,
            )
        return
    if not model.script:
        yield fault(
            d,
            "BH-CHA-073",
            f"the stand-in `{name}` has no `script`",
            "Name the function that plays the model: `script: file.py:name`.",
            *place,
        )
    else:
        problem = pure(d, model.script, "messages, tools", *place, "script")
        if problem:
            yield problem
    replaced = d.charter.models.get(model.instead_of)
    if model.instead_of and (replaced is None or replaced.driver == "stand-in"):
        endpoints = [key for key, other in d.charter.models.items() if other.driver != "stand-in"]
        yield unknown(d, "BH-CHA-023", model.instead_of, "models", endpoints, *place, "instead_of")


def _regions(d: Deployment) -> Iterator[CharterError]:
    if d.charter.models and not d.charter.regions:
        yield fault(
            d,
            "BH-CHA-074",
            "`regions` is empty, so no model could ever be asked",
            "List the regions model calls may go to, for example `[eu]`.",
            "regions",
        )
    named = [("servers", name, server.region) for name, server in d.charter.servers.items()] + [
        ("models", name, model.region) for name, model in d.charter.models.items()
    ]
    for section, name, region in named:
        if not region:
            yield fault(
                d,
                "BH-CHA-074",
                f"the region of `{section}.{name}` is empty",
                "Write where it runs, for example `eu` or `local`.",
                *(section, name, "region"),
            )


def _files(d: Deployment) -> Iterator[CharterError]:
    for name, document in d.charter.documents.items():
        if document.path and not document.package:
            problem = missing_file(d, document.path, "documents", name, "path")
            if problem:
                yield problem
    for index, policy in enumerate(d.charter.policies):
        problem = missing_file(d, policy, "policies", index)
        if problem:
            yield problem
