"""``bridgehead doctor``: what would stop this deployment from running here?"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import FOLDER, JSON, STATE, at, opened, print_json, table
from bridgehead.kernel.errors import BridgeheadError, ConfigError
from bridgehead.kernel.finding import Finding, Severity

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.declare import Deployment
    from bridgehead.run.workers import Worker

FREE_BYTES = 200 * 1024 * 1024


@click.command()
@FOLDER
@STATE
@JSON
def doctor(folder: Path, state: Path | None, as_json: bool) -> int:
    """Look at FOLDER, its store, its keys, its disk, and try every server and source. Changes nothing."""
    with opened(folder, state) as house:
        found = [*house.findings(), *_disk(house), *_keys(house), *asyncio.run(_systems(house))]
        found += [*_server(house), *_schedules(house), *_watch(house)]
        workers = _workers(house)
        found += _missing_workers(workers)
    blocking = [finding for finding in found if finding.severity == "block"]
    if as_json:
        listed = [asdict(worker) | {"alive": worker.alive} for worker in workers or ()]
        print_json(
            {"ok": not blocking, "findings": [finding.as_dict() for finding in found], "workers": listed}
        )
    else:
        if workers is not None:
            _show_workers(workers)
        table(
            ("", "rule", "what", "fix", "where"),
            [(f.severity, f.rule, f.words, f.fix, f.where) for f in found],
            empty="Nothing found: this deployment can run here.",
        )
    return 1 if blocking else 0


def _server(house: House) -> list[Finding]:
    """Ask the server of a shared store about itself."""
    if not house.store.shared:
        return []
    from bridgehead.declare import load
    from bridgehead.doors.cli.server import findings
    from bridgehead.store.health import health

    production = load(house.folder).charter.stage == "production"
    return list(findings(health(house.store), house.clock.now(), production=production))


def _schedules(house: House) -> Iterator[Finding]:
    """Say which schedules are late, were missed, or failed the last time."""
    from bridgehead.explain.schedules import list_schedules

    try:
        deployment = house.deployment
    except ConfigError:  # nothing has been started in this folder yet
        return
    with house.store.reading() as connection:
        found = list_schedules(connection, deployment, house.clock.now())
    for line in found:
        if line.standing not in ("on time", "held"):
            words = f"schedule {line.name}: {line.words}"
            fix = "`bridgehead schedules` says more; `bridgehead schedules run` makes up for one."
            yield _finding("BH-DOC-018", "warn", words, fix, deployment.where("schedules", line.name))


def _watch(house: House) -> Iterator[Finding]:
    """Say that nobody watches the data any more."""
    from bridgehead.watch.alive import silent_since

    with house.store.reading() as connection:
        since = silent_since(connection, house.clock.now())
    if since and any(source.contract for source in house.declared.charter.sources.values()):
        yield Finding(
            rule="BH-DOC-020",
            severity="warn",
            words=f"nobody has watched the data since {at(since)}: no batch is taken in, none is missed",
            fix="Start `bridgehead serve` or `worker`; where one runs, see its log, and start it again.",
        )


def _workers(house: House) -> list[Worker] | None:
    """Return the workers of a shared store; None where one process works on a file."""
    if not house.store.shared:
        return None
    from bridgehead.run.workers import every

    with house.store.reading() as connection:
        return every(connection)


def _missing_workers(workers: list[Worker] | None) -> Iterator[Finding]:
    if workers is not None and not any(worker.alive for worker in workers):
        yield Finding(
            rule="BH-DOC-006",
            severity="warn",
            words="no worker is alive: runs are recorded and wait",
            fix="Start `bridgehead worker`, on this machine or another.",
        )


def _show_workers(workers: list[Worker]) -> None:
    table(
        ("worker", "host", "process", "state", "runs", "since", "last heard of"),
        [
            (
                worker.name,
                worker.host,
                str(worker.pid),
                "alive" if worker.alive else "ended" if worker.left else "dead",
                f"{worker.under_way} of {worker.concurrency}",
                worker.started_at[:19],
                f"{worker.silent:.0f} s ago",
            )
            for worker in workers
        ],
        empty="No worker has ever worked on this store.",
    )
    click.echo()


def _disk(house: House) -> Iterator[Finding]:
    free = shutil.disk_usage(house.state).free
    if free < FREE_BYTES:
        yield Finding(
            rule="BH-DOC-001",
            severity="block",
            words=f"only {free // 2**20} MiB are free where the store is",
            fix="Free some space: without room for an intent nothing is performed.",
        )


def _keys(house: House) -> Iterator[Finding]:
    for name in ("ledger.key", "kek"):
        path = house.state / "keys" / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding(
                rule="BH-DOC-002",
                severity="warn",
                words=f"{name} can be read by other accounts of this machine",
                fix=f"chmod 600 {path}",
            )


async def _systems(house: House) -> list[Finding]:
    """Open every server and compare what it offers with what the charter names."""
    from bridgehead.declare import load

    deployment = load(house.folder)
    found: list[Finding] = []
    drivers = house.drivers_of(deployment)
    for name, server in deployment.charter.servers.items():
        driver = drivers[f"server:{name}"]
        try:
            offered = {operation.name for operation in await driver.operations()}
        except BridgeheadError as error:
            words = f"server {name} cannot be used: {error.what}"
            found.append(_finding("BH-DOC-003", "block", words, error.fix, deployment.where("servers", name)))
            continue
        finally:
            await driver.close()
        for action, rule in deployment.charter.actions.items():
            tool = rule.tool or action
            if rule.server == name and tool not in offered:
                words = f"action {action} names the tool {tool}, which server {name} does not offer"
                fix = f"It offers: {', '.join(sorted(offered))}."
                found.append(_finding("BH-DOC-004", "block", words, fix, deployment.where("actions", action)))
        named = {
            rule.tool or action for action, rule in deployment.charter.actions.items() if rule.server == name
        }
        for tool in sorted(offered - named - set(server.hidden)):
            words = f"server {name} offers {tool}, which no action names: it is refused"
            fix = "Nothing to do; declare it, or list it under `hidden`, if that is meant."
            found.append(_finding("BH-DOC-005", "info", words, fix, deployment.where("servers", name)))
    return [*found, *await _sources(house, deployment)]


async def _sources(house: House, deployment: Deployment) -> list[Finding]:
    """Open every source: a database that is not there, and a role that may do more than read."""
    found = []
    for name in deployment.charter.sources:
        driver = house.drivers_of(deployment)[f"source:{name}"]
        try:
            await driver.open()
        except BridgeheadError as error:
            words = f"source {name} cannot be read: {error.what}"
            found.append(_finding("BH-DOC-019", "block", words, error.fix, deployment.where("sources", name)))
        finally:
            await driver.close()
    return found


def _finding(rule: str, severity: Severity, words: str, fix: str, where: str) -> Finding:
    return Finding(rule=rule, severity=severity, words=words, fix=fix, where=where)
