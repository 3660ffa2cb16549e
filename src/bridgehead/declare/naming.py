"""The words and places of a reference that leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from bridgehead.declare import code
from bridgehead.declare.code import Function
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.lines import Place
from bridgehead.declare.validate import dotted
from bridgehead.kernel.errors import CharterError


def fault(
    deployment: Deployment, code: str, what: str, fix: str, *place: str | int, means: str = ""
) -> CharterError:
    """Return an error at a place of the charter."""
    return CharterError(code, what, means=means, fix=fix, where=deployment.where(*place))


def unknown(
    deployment: Deployment, code: str, name: str, section: str, known: Iterable[str], *place: str | int
) -> CharterError:
    """Return the error for a name that ``section`` does not declare."""
    return fault(
        deployment,
        code,
        f"`{_dotted(place)}` names `{name}`, which is not declared under `{section}`",
        f"{did_you_mean(name, known)} Or declare `{name}` under `{section}`.",
        *place,
    )


def function(deployment: Deployment, reference: str, *place: str | int) -> Function | CharterError | None:
    """Return the function a key names, its error, or None where the release could not be listed."""
    known = frozenset(deployment.manifest)
    if not known:
        return None
    try:
        return code.find(deployment.folder, known, reference)
    except CharterError as error:
        if not error.where:
            error.where = deployment.where(*place)
        error.what = f"{error.what} (named by `{_dotted(place)}`)"
        return error


def pure(deployment: Deployment, reference: str, takes: str, *place: str | int) -> CharterError | None:
    """Return the error of a key that must name a plain function of two parameters, ``takes``."""
    found = function(deployment, reference, *place)
    if not isinstance(found, Function):
        return found
    if not found.is_async and len(found.parameters) == 2:
        return None
    return fault(
        deployment,
        "BH-CHA-033",
        f"`{reference}` on line {found.line} of {found.file} must be a plain function of ({takes})",
        f"Write `def {found.name}({takes}):`, without async and with exactly these two parameters.",
        *place,
    )


def missing_file(deployment: Deployment, file: str, *place: str | int) -> CharterError | None:
    """Return the error of a key that names a file the release does not hold."""
    known = frozenset(deployment.manifest)
    if not known or file in known:
        return None
    error = code.missing_file(known, file)
    error.where = deployment.where(*place)
    return error


def _dotted(place: Place) -> str:
    return dotted(place)
