"""Find ``file.py:name`` in a deployment's code by reading it. Nothing is imported or run."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from bridgehead.declare.faults import did_you_mean
from bridgehead.kernel.errors import CharterError

_REFERENCE = re.compile(r"^(?P<file>[^:\s]+\.py):(?P<name>[A-Za-z_]\w*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter as it is written. ``types`` are the JSON types it says it takes; empty: any."""

    name: str
    required: bool
    types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as it is written: its parameters, and whether it is ``async``.

    ``named`` are the parameters that can be given by name; ``takes_any`` says that it takes other names too.
    """

    file: str
    name: str
    line: int
    is_async: bool
    parameters: tuple[str, ...]
    named: tuple[Parameter, ...]
    takes_any: bool


def find(folder: Path, known: frozenset[str], reference: str) -> Function:
    """Return the function that ``file.py:name`` names.

    ``known`` are the paths of the release. Raises ``CharterError``: BH-CHA-030 no such file,
    BH-CHA-031 no such function or not written ``file.py:name``, BH-CHA-032 the file is not Python.
    """
    match = _REFERENCE.match(reference)
    if match is None:
        raise CharterError(
            "BH-CHA-031",
            f"`{reference}` does not name a function",
            fix="Write `file.py:name`, with a file of this folder.",
        )
    tree = parsed(folder, known, match["file"])
    functions = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    node = functions.get(match["name"])
    if node is None:
        raise CharterError(
            "BH-CHA-031",
            f"`{match['file']}` has no function `{match['name']}`",
            fix=f"{did_you_mean(match['name'], functions)} It must stand at the top level of the file.",
        )
    return Function(
        file=match["file"],
        name=node.name,
        line=node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        parameters=tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args)),
        named=_named(node.args),
        takes_any=node.args.kwarg is not None,
    )


def _named(arguments: ast.arguments) -> tuple[Parameter, ...]:
    by_place = [*arguments.posonlyargs, *arguments.args]
    required = len(by_place) - len(arguments.defaults)
    found = [(each, number < required) for number, each in enumerate(by_place)]
    defaults = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    found = [*found[len(arguments.posonlyargs) :], *((each, default is None) for each, default in defaults)]
    return tuple(
        Parameter(name=each.arg, required=need, types=_types(each.annotation)) for each, need in found
    )


_JSON = {
    "str": {"text"},
    "int": {"whole number"},
    "float": {"number", "whole number"},
    "bool": {"true or false"},
    "list": {"list"},
    "dict": {"object"},
    "None": {"nothing"},
}


def _types(annotation: ast.expr | None) -> frozenset[str]:
    """Return the JSON types an annotation allows; none where it says something else than those."""
    match annotation:
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            return frozenset(_JSON.get(name, ()))
        case ast.Constant(value=None):
            return frozenset(_JSON["None"])
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            either = (_types(left), _types(right))
            return frozenset().union(*either) if all(either) else frozenset()
        case _:
            return frozenset()


def parsed(folder: Path, known: frozenset[str], file: str) -> ast.Module:
    """Return the syntax tree of a Python file of the release. Raises BH-CHA-030 and BH-CHA-032."""
    if file not in known:
        raise missing_file(known, file)
    try:
        source = (folder / file).read_bytes()
        with warnings.catch_warnings():
            # The author's own linter says these; here only what the code is matters.
            warnings.simplefilter("ignore")
            return ast.parse(source, filename=file)
    except SyntaxError as error:
        raise _not_python(file, error.msg, error.lineno) from error
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise _not_python(file, str(error) or type(error).__name__, None) from error


def missing_file(known: frozenset[str], file: str) -> CharterError:
    """Return the fault for a file that the release does not hold."""
    return CharterError(
        "BH-CHA-030",
        f"there is no file `{file}` in this deployment",
        fix=f"{did_you_mean(file, known)} Paths are relative to the folder; hidden files are not part of it.",
    )


def _not_python(file: str, problem: str, line: int | None) -> CharterError:
    return CharterError(
        "BH-CHA-032",
        f"`{file}` is not Python that can be read: {problem}",
        fix="Correct the file at this line.",
        where=f"{file}:{line or 1}",
    )
