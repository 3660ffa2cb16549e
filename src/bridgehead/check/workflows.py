"""Code that can be run again: no clock, no chance, no file, no connection but through the run.

A run that waits or dies is carried on by running its function again. Whatever comes from outside must
come through the run, where it is recorded; otherwise the second time differs from the first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from bridgehead.check.modules import (
    Module,
    constant_argument,
    pure_modules,
    run_calls,
    workflow_modules,
)
from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.kernel.finding import Finding

CLOCK = Rule(
    id="BH-CHK-040",
    severity="block",
    title="A workflow reads the clock",
    why="On replay it reads another time and may take another way.",
    fix="Use `await run.now()`; in facts and probes, use what the reads return.",
)
CHANCE = Rule(
    id="BH-CHK-041",
    severity="block",
    title="A workflow draws a random number",
    why="On replay it draws another one.",
    fix="Use `await run.random()`, or `run.id` where a unique name is needed.",
)
ENVIRONMENT = Rule(
    id="BH-CHK-042",
    severity="block",
    title="A workflow reads the environment",
    why="It is not part of the release, so the same release behaves differently elsewhere.",
    fix="Declare it in the charter, or give it to the run as input or binding.",
)
FILES = Rule(
    id="BH-CHK-043",
    severity="block",
    title="A workflow opens a file",
    why="What it reads is not recorded, what it writes is not decided.",
    fix="Declare texts under `documents` and read them with `run.document(...)`; write through an action.",
)
NETWORK = Rule(
    id="BH-CHK-044",
    severity="block",
    title="A workflow reaches outside by itself",
    why="Nothing decides, limits or records what happens there.",
    fix="Put it behind a server and call it with `await run.act(...)`.",
)
TASKS = Rule(
    id="BH-CHK-045",
    severity="block",
    title="A workflow starts tasks, threads or waits by itself",
    why="The order of its actions would differ from one time to the next.",
    fix="Use `await run.gather(f(branch), g(branch))`; for time, an approval or a schedule.",
)
HIDDEN = Rule(
    id="BH-CHK-046",
    severity="block",
    title="A workflow runs code that cannot be read",
    why="What it does cannot be checked or reviewed.",
    fix="Write the code out, and import it by name.",
)
NOT_GRANTED = Rule(
    id="BH-CHK-047",
    severity="block",
    title="A workflow asks for something its agent may not do",
    why="It would be refused every time.",
    fix="Grant it to the agent in the charter, or correct the name.",
)


def _table() -> dict[str, Rule]:
    """Return what must not be used, by its full name."""
    clock = (
        "datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today "
        "time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns "
        "time.localtime time.gmtime time.ctime time.strftime"
    )
    chance = "random secrets uuid.uuid1 uuid.uuid4 os.urandom numpy.random"
    files = (
        "open io.open io.FileIO os.open os.listdir os.scandir os.walk os.remove os.unlink os.rename os.mkdir "
        "os.makedirs pathlib.Path.read_text shutil tempfile glob sqlite3"
    )
    network = (
        "requests httpx aiohttp urllib.request urllib3 http.client socket ssl smtplib ftplib imaplib "
        "telnetlib xmlrpc websockets subprocess os.system os.popen os.exec os.spawn openai anthropic "
        "boto3 psycopg sqlalchemy"
    )
    tasks = (
        "asyncio.create_task asyncio.ensure_future asyncio.gather asyncio.wait asyncio.as_completed "
        "asyncio.TaskGroup asyncio.sleep asyncio.to_thread asyncio.wait_for asyncio.timeout asyncio.shield "
        "asyncio.get_event_loop asyncio.get_running_loop threading multiprocessing concurrent.futures "
        "time.sleep signal anyio.create_task_group anyio.sleep"
    )
    hidden = "eval exec compile __import__ importlib runpy pickle marshal ctypes"
    named = (
        (CLOCK, clock),
        (CHANCE, chance),
        (ENVIRONMENT, "os.environ os.environb os.getenv os.getenvb os.getcwd os.getpid socket.gethostname"),
        (FILES, files),
        (NETWORK, network),
        (TASKS, tasks),
        (HIDDEN, hidden),
    )
    return {name: rule for rule, names in named for name in names.split()}


FORBIDDEN = _table()

# Methods of any object that touch a file: pathlib is recognised by what is called, not by where it is from.
FILE_METHODS = frozenset(
    {"read_text", "read_bytes", "write_text", "write_bytes", "unlink", "iterdir", "rglob", "touch", "rmdir"}
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps the deployment's code from being run again with the same result."""
    seen: set[tuple[str, str, str]] = set()
    for module in (*workflow_modules(d), *pure_modules(d)):
        for finding in (*_forbidden(module), *_granted(d, module)):
            key = (finding.rule, finding.where, finding.words)
            if key not in seen:
                seen.add(key)
                yield finding


def _forbidden(module: Module) -> Iterator[Finding]:
    names = _imports(module.tree)
    for node in ast.walk(module.tree):
        where = f"{module.file}:{getattr(node, 'lineno', 1)}"
        for used in _used(node, names):
            rule = _rule_for(used)
            if rule is not None:
                yield rule.found(f"`{used}` is used.", where)
        if isinstance(node, ast.Attribute) and node.attr in FILE_METHODS:
            yield FILES.found(f"`.{node.attr}` is used.", where)


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return local name -> full name of everything imported: ``dt`` -> ``datetime.datetime``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _used(node: ast.AST, names: Mapping[str, str]) -> Iterable[str]:
    """Return the full names a node uses. Imports count: what is not used need not be imported."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module), level=0):
            return [f"{module}.{alias.name}" for alias in node.names]
        case ast.Attribute():
            full = _full_name(node, names)
            return [full] if full else []
        case ast.Call(func=ast.Name(id=name)) if name not in names:
            return [name]  # a builtin, such as open
        case _:
            return []


def _full_name(node: ast.AST, names: Mapping[str, str]) -> str:
    """Return ``datetime.datetime.now`` for ``dt.now``; empty where it does not start at an import."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in names:
        return ".".join([names[node.id], *reversed(parts)])
    return ""


def _rule_for(used: str) -> Rule | None:
    """Return the rule that forbids a name, or one of the packages it is from."""
    parts = used.split(".")
    for end in range(len(parts), 0, -1):
        rule = FORBIDDEN.get(".".join(parts[:end]))
        if rule is not None:
            return rule
    return None


def _granted(d: Deployment, module: Module) -> Iterator[Finding]:
    """Compare the names a workflow asks for with what every agent that runs it may do."""
    for method, call in run_calls(module.tree):
        name = constant_argument(call)
        if name is None:
            continue
        for agent in sorted(module.agents):
            allowed = _allowed(d, agent, method)
            if name not in allowed:
                yield NOT_GRANTED.found(
                    f"`run.{method}({name!r})`: {_nobody(method, agent)}.",
                    f"{module.file}:{call.lineno}",
                    f"{did_you_mean(name, allowed)} {NOT_GRANTED.fix}",
                )


def _allowed(d: Deployment, agent: str, method: str) -> list[str]:
    charter = d.charter
    match method:
        case "act":
            return charter.agents[agent].actions
        case "ask" | "agent":
            return charter.agents[agent].models
        case "query":
            tables = [table.partition(".")[0] for table in charter.agents[agent].tables]
            return [*charter.agents[agent].queries, *dict.fromkeys(tables)]
        case "retrieve":
            return charter.agents[agent].collections
        case "decide":
            return list(charter.approvals)
        case _:
            return list(charter.documents)


def _nobody(method: str, agent: str) -> str:
    match method:
        case "decide":
            return "no approval rule has this name"
        case "document":
            return "no document has this name"
        case _:
            return f"agent `{agent}` may not"


FAMILY = Family(
    "Workflow code",
    (CLOCK, CHANCE, ENVIRONMENT, FILES, NETWORK, TASKS, HIDDEN, NOT_GRANTED),
    look,
)
