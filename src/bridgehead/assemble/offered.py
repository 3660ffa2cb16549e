"""What a system offers, before there is a deployment for it: it is started, asked for its tools, and left.

In: a server as a charter would declare it. Out: its tools. Never: calls one.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bridgehead.connect import open_server
from bridgehead.declare.model import McpServer
from bridgehead.discover.words import plain
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Operation

LAST_LINES = 4
"""How many lines of a program's error output are told when it does not start."""
_NOT_THERE = frozenset({"BH-CON-013", "BH-CON-015", "BH-CON-017"})
"""Faults whose usual fix speaks of a deployment, which there is not yet."""


async def offered(name: str, settings: McpServer) -> Sequence[Operation]:
    """Return the tools of a server. Raises ``ConfigError`` and ``ConnectError`` BH-CON-001 to 022.

    A program works in an empty folder that is thrown away, and what it writes to its error output with it;
    its last words are told when it fails.
    """
    with tempfile.TemporaryDirectory(prefix="bridgehead-init-") as place:
        driver = open_server(name, settings, state=Path(place) / "state", folder=Path(place))
        try:
            await driver.open()
            return await driver.operations()
        except ConnectError as error:
            said = _last_words(Path(place) / "state" / "servers" / f"{name}.log")
            error.means = "\n".join((error.means, *said))
            if error.code in _NOT_THERE:
                error.fix = _try_it(settings)
            raise
        finally:
            await driver.close()


def _try_it(settings: McpServer) -> str:
    if settings.url:
        return f"See whether it is up, and this its address: {settings.url}"
    words = [word.replace("{python}", sys.executable) for word in settings.command]
    again = " ".join((*(f"{name}=..." for name in settings.env), shlex.join(words)))
    return f"See whether it starts by itself: {again}"


def _last_words(log: Path) -> list[str]:
    """Return the last lines a program wrote to its error output: most often why it did not start."""
    try:
        said = log.read_bytes()[-16 * 1024 :].decode("utf-8", "replace")
    except OSError:
        return []
    lines = [line for line in (plain(one, 200) for one in said.splitlines()) if line]
    return ["It said last:", *(f"  {line}" for line in lines[-LAST_LINES:])] if lines else []
