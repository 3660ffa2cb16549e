"""What a system offers, before there is a deployment for it: it is started, asked for its tools, and left.

In: a server as a charter would declare it. Out: its tools. Never: calls one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bridgehead.connect import open_server
from bridgehead.declare.model import McpServer
from bridgehead.discover.words import plain
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Operation


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
            error.means = " ".join(
                (error.means, _last_words(Path(place) / "state" / "servers" / f"{name}.log"))
            )
            raise
        finally:
            await driver.close()


def _last_words(log: Path) -> str:
    """Return the end of what a program wrote to its error output: most often why it did not start."""
    try:
        said = log.read_bytes()[-600:].decode("utf-8", "replace")
    except OSError:
        return ""
    return f"It said last: {plain(said, 600)}" if said.strip() else ""
