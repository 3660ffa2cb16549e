"""What ``bridgehead doctor`` finds about the PostgreSQL server of a shared store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bridgehead.kernel.finding import Finding, Severity
from bridgehead.store.health import CONNECTIONS, OF_THE_ENGINE, OLDEST, Health

SKEW = 2.0
"""Seconds two clocks may differ before deadlines are noticeably early or late."""


def findings(server: Health, here: datetime, *, production: bool) -> Iterator[Finding]:
    """Yield what is wrong with a server for us; ``here`` is this machine's clock when it answered."""
    yield from _durable(server, "block" if production else "warn")
    yield from _usable(server)
    apart = abs((server.now - here).total_seconds())
    if apart > SKEW:
        words = f"the clocks of this machine and of the database are {apart:.1f} s apart"
        yield _finding("BH-DOC-014", "warn", words, "Let both follow a time server (NTP).")
    if server.superuser:
        words = "Bridgehead is connected as a superuser of the database"
        fix = "Give it a role that owns its schemas and nothing else: create role ... login."
        yield _finding("BH-DOC-016", "warn", words, fix)


def _durable(server: Health, severity: Severity) -> Iterator[Finding]:
    for name, on in (("fsync", server.fsync), ("full_page_writes", server.full_page_writes)):
        if not on:
            words = f"{name} is off: when its machine dies, the database loses what was acknowledged"
            yield _finding(
                "BH-DOC-011", severity, words, f"Set {name} = on in postgresql.conf, and restart it."
            )
    if server.has_standby and server.synchronous_commit in ("off", "local"):
        words = f"synchronous_commit is {server.synchronous_commit}: a failover loses what was acknowledged"
        fix = "Set it to on, or at least to remote_write."
        yield _finding("BH-DOC-012", severity, words, fix)


def _usable(server: Health) -> Iterator[Finding]:
    if server.version < OLDEST:
        words = f"the server is PostgreSQL {server.version}; {OLDEST} or newer is needed"
        yield _finding("BH-DOC-010", "block", words, "Upgrade it.")
    if server.standby:
        fix = "Name the primary, or a host name that follows it."
        yield _finding("BH-DOC-013", "block", "the server is a standby: nothing can be recorded on it", fix)
    if server.encoding != "UTF8":
        words = f"the database is encoded in {server.encoding}: not every text can be recorded"
        yield _finding(
            "BH-DOC-017", "block", words, "Make it with: createdb --encoding=UTF8 --template=template0"
        )
    most = CONNECTIONS + OF_THE_ENGINE
    if server.free < most:
        words = f"{server.free} connections are left; a worker may take up to {most}"
        yield _finding("BH-DOC-015", "warn", words, "Raise max_connections, or close what else is connected.")


def _finding(rule: str, severity: Severity, words: str, fix: str) -> Finding:
    return Finding(rule=rule, severity=severity, words=words, fix=fix)
