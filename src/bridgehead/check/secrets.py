"""Secrets written into the folder. A release is copied, kept and shown to auditors: they would be too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.declare.lines import Place
from bridgehead.kernel.finding import Finding

WRITTEN = Rule(
    id="BH-CHK-080",
    severity="block",
    title="A secret is written in the deployment",
    why="Every release holds it for good, and everybody who may read the folder has it.",
    fix="Take it out, change it where it is valid, and name an environment variable: `${NAME}`.",
)
NAMED = Rule(
    id="BH-CHK-081",
    severity="block",
    title="A value in the charter is called a key, a token or a password, and is written out",
    why="Every release holds it for good, and everybody who may read the folder has it.",
    fix="Write `${NAME}` and set that variable where Bridgehead runs.",
)

MAX_BYTES = 2 * 1024 * 1024

# Forms that issuers publish, so that scanners can find them.
_KNOWN = re.compile(
    r"(?P<private>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----)"
    r"|\b(?P<api>sk-(?:proj-|ant-|live-)?[A-Za-z0-9_-]{20,})"
    r"|\b(?P<aws>A(?:KIA|SIA)[0-9A-Z]{16})\b"
    r"|\b(?P<github>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"
    r"|\b(?P<slack>xox[abprs]-[A-Za-z0-9-]{10,})"
    r"|\b(?P<google>AIza[0-9A-Za-z_-]{35})"
    r"|\b(?P<stripe>[rs]k_(?:live|test)_[0-9A-Za-z]{16,})"
    r"|\b(?P<gitlab>glpat-[0-9A-Za-z_-]{20,})"
    r"|\b(?P<huggingface>hf_[A-Za-z0-9]{30,})"
    r"|\b(?P<token>eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
    r"|[a-z][a-z0-9+.-]*://[^\s/:@\"']+:(?P<inaddress>[^\s/@\"'${}]{3,})@"
)
_SECRET_NAME = re.compile(r"(?:^|_|-)(key|token|secret|passwd|password|pwd|credential)s?$", re.I)
_PLACE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|\{(?:state|python)\}")


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what looks like a secret, by its place and its first letters only."""
    for path in d.manifest:
        yield from _in_file(d, path)
    for name, server in d.charter.servers.items():
        for variable, value in server.env.items():
            if _SECRET_NAME.search(variable) and _PLACE.sub("", value).strip():
                yield NAMED.found(f"`{variable}` is written out.", d.where("servers", name, "env", variable))
        for header, value in server.headers.items():
            if is_written_out(header, value):
                yield NAMED.found(f"`{header}` is written out.", d.where("servers", name, "headers", header))
        for index, word in enumerate(server.command):
            yield from _in_command(d, word, ("servers", name, "command", index))


def is_written_out(header: str, value: str) -> bool:
    """Say whether a header carries a secret that is written out instead of named."""
    if not (
        _SECRET_NAME.search(header) or header.lower() in ("authorization", "proxy-authorization", "cookie")
    ):
        return False
    return bool(re.sub(r"^(?:basic|bearer|token)\s*", "", _PLACE.sub("", value).strip(), flags=re.I))


def _in_command(d: Deployment, word: str, place: Place) -> Iterator[Finding]:
    name, separator, value = word.lstrip("-").partition("=")
    if separator and _SECRET_NAME.search(name) and _PLACE.sub("", value).strip():
        yield NAMED.found(f"`{name}` is written out.", d.where(*place))


def _in_file(d: Deployment, path: str) -> Iterator[Finding]:
    file = d.folder / path
    try:
        if file.stat().st_size > MAX_BYTES:
            return
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for match in _KNOWN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        secret = match[match.lastgroup or 0]
        yield WRITTEN.found(f"{_KINDS[match.lastgroup or '']} begins `{secret[:4]}...`.", f"{path}:{line}")


_KINDS = {
    "private": "A private key",
    "api": "A model provider's key",
    "aws": "A cloud access key",
    "github": "A repository token",
    "slack": "A chat token",
    "google": "An API key",
    "stripe": "A payment key",
    "gitlab": "A repository token",
    "huggingface": "A model hub token",
    "token": "A signed token",
    "inaddress": "A password in an address",
}

FAMILY = Family("Secrets", (WRITTEN, NAMED), look)
