"""Places in settings: ``{python}``, ``{state}`` and ``${NAME}`` from our environment."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from bridgehead.kernel.errors import ConfigError

_PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\{(python|state)\}")


def substitute(
    text: str, *, used_by: str, state: Path | None = None, environ: Mapping[str, str] | None = None
) -> str:
    """Return ``text`` with its places filled, in one pass: a filled-in value is never read again.

    ``used_by`` names the setting for the error. Raises ``ConfigError`` BH-CON-001 naming the
    variable where ``${NAME}`` is not set or empty.
    """
    source = os.environ if environ is None else environ

    def fill(match: re.Match[str]) -> str:
        if match[2] == "python":
            return sys.executable
        if match[2] == "state":
            return match[0] if state is None else str(state)
        return source.get(match[1]) or _missing(match[1], used_by)

    return _PLACE.sub(fill, text)


def _missing(variable: str, used_by: str) -> str:
    raise ConfigError(
        "BH-CON-001",
        f"{used_by} needs the environment variable {variable}, which is not set",
        means="Nothing was reached.",
        fix=f"Set {variable} for the process that runs Bridgehead.",
    )
