"""The deployment's own Python that runs inside a run: workflows, facts, probes, and what they import
from the folder. Programs the deployment merely starts are not among them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from bridgehead.declare import Deployment, code
from bridgehead.kernel.errors import CharterError

RUN_METHODS = frozenset({"act", "ask", "query", "retrieve", "decide", "agent", "document"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One file of the folder as a syntax tree. ``agents`` are those of the workflows in it."""

    file: str
    tree: ast.Module
    agents: frozenset[str]


def workflow_modules(d: Deployment) -> Iterator[Module]:
    """Yield the files that workflows are made of, and what they import from the folder."""
    roots: dict[str, set[str]] = {}
    for workflow in d.charter.workflows.values():
        roots.setdefault(_file(workflow.function), set()).add(workflow.agent)
    yield from _with_imports(d, roots)


def pure_modules(d: Deployment) -> Iterator[Module]:
    """Yield the files of facts and probes, and what they import from the folder."""
    roots: dict[str, set[str]] = {}
    for rule in d.charter.actions.values():
        for reference in (rule.facts and rule.facts.function, rule.probe and rule.probe.landed):
            if reference:
                roots.setdefault(_file(reference), set())
    yield from _with_imports(d, roots)


def run_calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield (method, call) of what looks like ``run.act(...)``: a method of the run, on a plain name."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in RUN_METHODS
            and isinstance(node.func.value, ast.Name)
        ):
            yield node.func.attr, node


def constant_argument(call: ast.Call) -> str | None:
    """Return the first argument if it is written out as text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _with_imports(d: Deployment, roots: dict[str, set[str]]) -> Iterator[Module]:
    waiting = [(file, frozenset(agents)) for file, agents in roots.items()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        file, agents = waiting.pop(0)
        if (file, agents) in seen:
            continue
        seen.add((file, agents))
        try:
            tree = code.parsed(d.folder, frozenset(d.manifest), file)
        except CharterError:
            continue  # a root that cannot be parsed stops ``load``; an imported file fails when it is run
        yield Module(file=file, tree=tree, agents=agents)
        waiting += [(found, agents) for found in _imported(d, file, tree)]


def _imported(d: Deployment, file: str, tree: ast.Module) -> Iterator[str]:
    folder = file.rpartition("/")[0]
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = node.module or ""
            names = [stem, *(f"{stem}.{alias.name}".lstrip(".") for alias in node.names)]
        for name in names:
            path = name.replace(".", "/")
            for place in (folder, ""):
                prefix = f"{place}/" if place else ""
                for candidate in (f"{prefix}{path}.py", f"{prefix}{path}/__init__.py"):
                    if path and candidate in d.manifest:
                        yield candidate


def _file(reference: str) -> str:
    return reference.partition(":")[0]
