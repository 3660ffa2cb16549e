"""Settings, a charter and drivers become a running house.

::

    house = House.open(folder)              # read, vote, stop: no driver is touched
    house.activate(by=person)               # the folder as it is now becomes the active release
    async with house.at_work() as engine:   # drivers are reachable, runs are carried forward
        await engine.work()

Runs keep the release they started under: each release has a boundary of its own, built from its
snapshot. Who is active, and whether the deployment is stopped, is always the active release's say.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from bridgehead.check.readiness import readiness
from bridgehead.connect import open_model, open_server, open_source
from bridgehead.declare import Charter, Deployment, load, load_release, lock, snapshot
from bridgehead.enforce import policy
from bridgehead.enforce.boundary import Boundary, StepObserver, Unobserved
from bridgehead.enforce.policy import CedarPolicy
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import Clock, SystemClock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import CharterError, ConfigError
from bridgehead.kernel.finding import Finding
from bridgehead.kernel.ports import Driver, Operation, Reply, Request
from bridgehead.kernel.principal import Principal
from bridgehead.record import Keys, Ledger, Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.rollout.releases import Releases
from bridgehead.rollout.undo import Undo
from bridgehead.run import runs
from bridgehead.run.code import Code
from bridgehead.run.embedded import EmbeddedEngine
from bridgehead.run.engine import Engine, EngineName
from bridgehead.store import Store, releases, where
from bridgehead.store import tables as t

LOOK_AGAIN = 1.0
"""Seconds after which the active release is looked up again: another process may have changed it."""


class House:
    """One deployment: its store, its ledger, a boundary for each release, its drivers."""

    def __init__(
        self,
        folder: Path,
        state: Path,
        store: Store,
        ledger: Ledger,
        clock: Clock,
        observer: StepObserver,
        given: Mapping[str, Driver],
    ) -> None:
        self.folder, self.state, self.store, self.ledger, self.clock = folder, state, store, ledger, clock
        self.boot = f"boot_{secrets.token_hex(8)}"
        self._observer, self._given = observer, given
        self._boundaries: dict[str, Boundary] = {}
        self._drivers: dict[tuple[str, str], Driver] = {}
        self._active = ""
        self._looked = -LOOK_AGAIN
        self.releases = Releases(active=lambda: self.boundary, boundary_of=self.boundary_of)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        state: Path | None = None,
        store: str = "",
        clock: Clock | None = None,
        observer: StepObserver | None = None,
        drivers: Mapping[str, Driver] | None = None,
    ) -> House:
        """Open the house of a deployment folder; its keys are made when there are none.

        ``store`` is the address of its database, ``postgresql://...`` for many machines; the state folder
        remembers it, without the password. Without one: what is remembered, or a SQLite file there.
        ``drivers`` (``server:NAME``, ``model:NAME``, ``source:NAME``) take the place of those the
        charter declares: for fakes, and for systems only the caller can reach.

        Raises ``CharterErrors``, ``ConfigError``, ``StoreError``, ``LedgerError``.
        """
        clock = clock or SystemClock()
        deployment = load(folder)
        place = (state or deployment.state).resolve()  # servers run elsewhere and are told this path
        place.mkdir(parents=True, exist_ok=True)
        origin = deployment.charter.origin
        opened = Store.open(where.address(place, store))
        try:
            ledger = Ledger.open(opened, _keys(place / "keys", origin, opened), origin=origin, clock=clock)
        except BaseException:
            opened.close()
            raise
        where.remember(place, store)
        return cls(deployment.folder, place, opened, ledger, clock, observer or Unobserved(), drivers or {})

    @property
    def deployment(self) -> Deployment:
        """Return the active release. Raises ``ConfigError`` (BH-ASM-001) before the first one."""
        return self.boundary.deployment

    @property
    def boundary(self) -> Boundary:
        """Return the boundary of the active release."""
        return self.boundary_of(self._active_digest())

    def boundary_of(self, digest: str) -> Boundary:
        """Return the boundary of a release, every byte of which is checked when it is first used."""
        known = self._boundaries.get(digest)
        if known is None:
            self._fetch(digest)
            known = self._boundaries[digest] = self._build(load_release(self.state, digest))
        return known

    def _fetch(self, digest: str) -> None:
        """Get the files of a release that another machine activated."""
        if self.store.shared and not lock.has(self.state, digest):
            with self.store.reading() as connection:
                found = list(releases.files(connection, digest))
            if found:
                lock.rebuild(self.state, digest, found)

    def findings(self) -> list[Finding]:
        """Return what readiness finds in the folder as it is now."""
        return readiness(load(self.folder), validate_policies=policy.faults)

    def activate(self, by: Principal) -> str:
        """Make the folder as it is now the active release; return its digest.

        Nothing happens when it is active already. Raises ``CharterError``: BH-ASM-002 when readiness
        finds something that blocks (a deployment without an owner does not go live), BH-ASM-004 when this
        release was taken back.
        """
        deployment = load(self.folder)
        self._require_not_undone(deployment.digest)
        if deployment.digest == self._active_digest(missing_ok=True):
            return deployment.digest
        blocking = [finding for finding in self.findings() if finding.severity == "block"]
        if blocking:
            raise CharterError(
                "BH-ASM-002",
                f"{len(blocking)} findings block this release; the first: {blocking[0].words}",
                where=blocking[0].where,
                means="It was not activated.",
                fix=f"{blocking[0].fix} `bridgehead check` lists all of them.",
            )
        snapshot(deployment, self.state)
        CedarPolicy(deployment)
        activation = _activation(deployment, by, self._active_digest(missing_ok=True), self.clock)
        self.ledger.append(
            self._with_files(deployment.digest, activation) if self.store.shared else activation
        )
        self._active, self._looked = deployment.digest, self.clock.monotonic()
        return deployment.digest

    def _with_files(self, digest: str, activation: UnitOfWork) -> UnitOfWork:
        def work(connection: Connection) -> Work:
            releases.keep(connection, digest, lock.files(self.state, digest))
            return activation(connection)

        return work

    def start(
        self,
        workflow: str,
        input: Mapping[str, Any],
        *,
        bindings: Mapping[str, str] | None = None,
        title: str = "",
        on_behalf: str = "",
        key: str = "",
        models: Mapping[str, str] | None = None,
    ) -> str:
        """Start a run under the active release; return its id. See ``run.runs.start``.

        ``models`` replaces models for this run alone, e.g. by a stand-in; otherwise a model without
        an endpoint is replaced by the stand-in the charter declares for it.
        """
        chosen = dict(self.stand_ins() if models is None else models)
        return runs.start(
            self.boundary,
            workflow=workflow,
            input=input,
            bindings={**(bindings or {}), **{f"model:{name}": other for name, other in chosen.items()}},
            title=title,
            on_behalf=on_behalf,
            key=key,
        )

    def stand_ins(self) -> dict[str, str]:
        """Return which models are replaced here, because no endpoint is set for them."""
        models = self.deployment.charter.models
        return {
            model.instead_of: name
            for name, model in models.items()
            if model.driver == "stand-in"
            and model.instead_of in models
            and not _has_endpoint(models[model.instead_of])
        }

    @asynccontextmanager
    async def at_work(
        self, *, concurrency: int = 8, engine: EngineName | None = None, name: str = ""
    ) -> AsyncIterator[Engine]:
        """Yield the engine; its drivers are opened when first needed and closed at the end.

        ``embedded`` is one process; ``dbos`` is one of many on PostgreSQL, and what is taken there where it
        is installed and nothing else is said. ``name`` is what people call this worker; the host's name if
        empty.
        """
        try:
            yield self._engine(engine or self.engine(), concurrency, name)
        finally:
            for driver in self._drivers.values():
                await driver.close()
            self._drivers.clear()
            self._boundaries.clear()

    def engine(self) -> EngineName:
        """Return the engine that works on this store unless somebody says otherwise."""
        return "dbos" if self.store.shared and find_spec("dbos") else "embedded"

    def _engine(self, engine: EngineName, concurrency: int, name: str) -> Engine:
        if engine == "embedded":
            return EmbeddedEngine(
                self.store,
                self.ledger,
                self.clock,
                boot=self.boot,
                boundary=self.boundary_of,
                active=lambda: self.boundary,
                lock=self.state / "worker.lock",
                concurrency=concurrency,
            )
        _require_workers(self.store)
        from bridgehead.run.dbos_engine import DbosEngine  # 1.7 s of CPU: only where it is used

        return DbosEngine(
            self.store,
            self.ledger,
            self.clock,
            boundary=self.boundary_of,
            active=lambda: self.boundary,
            name=name or socket.gethostname(),
            concurrency=concurrency,
        )

    def close(self) -> None:
        """Sign what is new in the ledger and close the store."""
        self.ledger.close()
        self.store.close()

    def person(self, id: str, assurance: str) -> Principal:
        """Return somebody who takes part. Raises ``ConfigError`` (BH-ASM-003) for anybody else."""
        found = self.deployment.charter.people.get(id)
        if found is None:
            raise ConfigError(
                "BH-ASM-003",
                f"{id!r} does not take part in this deployment",
                fix=f"Choose one of: {', '.join(self.deployment.charter.people)}.",
            )
        return Principal(
            id=id,
            kind="human",
            name=found.name,
            groups=frozenset(found.groups),
            active=found.active,
            assurance=assurance,
        )

    def _require_not_undone(self, digest: str) -> None:
        with self.store.reading() as connection:
            row = connection.execute(
                select(t.release.c.stopped_by).where(
                    t.release.c.digest == digest, t.release.c.state == "stopped"
                )
            ).first()
        if row is not None:
            raise CharterError(
                "BH-ASM-004",
                f"the folder holds release {digest[:12]}, which was taken back by {row.stopped_by}",
                means="It is not made active again; the release before it stays at work.",
                fix="Correct the folder, or restore the release before it, and try again.",
            )

    def _active_digest(self, *, missing_ok: bool = False) -> str:
        if not self._active or self.clock.monotonic() - self._looked >= LOOK_AGAIN:
            with self.store.reading() as connection:
                row = connection.execute(select(t.release.c.digest).where(t.release.c.active == 1)).first()
            self._active, self._looked = (str(row[0]) if row else ""), self.clock.monotonic()
        if not self._active and not missing_ok:
            raise ConfigError(
                "BH-ASM-001",
                "this deployment has no active release",
                means="Nothing has been started in this folder yet.",
                fix="Start it with `bridgehead up`, or start a run with `bridgehead run`.",
            )
        return self._active

    def _build(self, deployment: Deployment) -> Boundary:
        return Boundary(
            deployment=deployment,
            store=self.store,
            ledger=self.ledger,
            clock=self.clock,
            policy=CedarPolicy(deployment),
            drivers=self.drivers_of(deployment),
            function=Code(deployment.folder, deployment.digest).function,
            directory=self._directory,
            boot=self.boot,
            observer=self._observer,
            own={"undo": Undo(self.releases)},
        )

    def _directory(self) -> Charter:
        return self.boundary.charter

    def drivers_of(self, deployment: Deployment) -> dict[str, Driver]:
        """Return a release's drivers. Releases that declare an address alike share one connection; a
        program that is started, a script or a file is of the folder, and so each release's own."""
        charter, folder, own = deployment.charter, deployment.folder, deployment.digest
        found: dict[str, Driver] = {}
        for name, server in charter.servers.items():
            make = _Maker(lambda n=name, s=server: open_server(n, s, state=self.state, folder=folder))
            settings = server.model_dump_json() + ("" if server.url else own)
            found[f"server:{name}"] = self._shared(f"server:{name}", settings, make)
        for name, model in charter.models.items():
            make = _Maker(lambda n=name, m=model: open_model(n, m, folder=folder))
            settings = model.model_dump_json() + (own if model.driver == "stand-in" else "")
            found[f"model:{name}"] = self._shared(f"model:{name}", settings, make)
        for name, source in charter.sources.items():
            make = _Maker(lambda n=name, s=source: open_source(n, s, folder=folder))
            found[f"source:{name}"] = self._shared(f"source:{name}", source.model_dump_json() + own, make)
        return found

    def _shared(self, name: str, settings: str, make: _Maker) -> Driver:
        return self._given.get(name) or self._drivers.setdefault((name, settings), Reached(make))


def _keys(folder: Path, origin: str, store: Store) -> Keys:
    """Return the keys of a ledger, made with the first entry; a second pair could not read what is there."""
    if (folder / "ledger.key").exists():
        return Keys.load(folder)
    if store.shared and _begun(store):
        raise ConfigError(
            "BH-ASM-004",
            f"the store holds a ledger whose keys are not in {folder}",
            means="Without them its entries can be neither read nor continued. Nothing was opened.",
            fix="Copy the folder `keys` of the state folder it was begun in, over a channel you trust.",
        )
    return Keys.create(folder, origin)


def _begun(store: Store) -> bool:
    with store.reading() as connection:
        return bool(connection.execute(select(t.ledger_head.c.size).where(t.ledger_head.c.size > 0)).first())


def _require_workers(store: Store) -> None:
    if not store.shared:
        raise ConfigError(
            "BH-ASM-005",
            "several workers need a store on PostgreSQL; this one is a SQLite file",
            means="A file on one machine is worked on by one process: `bridgehead up`.",
            fix="Give it a database, in a new state folder: --store postgresql://user@host/database",
        )
    if find_spec("dbos") is None:
        raise ConfigError(
            "BH-ASM-006",
            "the engine for several workers is not installed here",
            means="Nothing was started.",
            fix="Install it with: pip install 'bridgehead[dbos]'",
        )


class _Maker:
    """Builds a driver when it is first needed."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self) -> Driver:
        driver: Driver = self._make()
        return driver


class Reached:
    """A driver that is built and opened when it is first used, and opened again after a failure."""

    def __init__(self, make: _Maker) -> None:
        self._make = make
        self._driver: Driver | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Build and open the driver. Raises ``ConnectError`` or ``ConfigError``."""
        async with self._opening:
            if self._driver is None:
                driver = self._make()
                await driver.open()
                self._driver = driver

    async def close(self) -> None:
        """Close the driver if it was opened."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    async def operations(self) -> Sequence[Operation]:
        """Return what the other side offers now."""
        return await (await self._opened()).operations()

    async def call(self, request: Request) -> Reply:
        """Perform one call, opening the driver first if need be."""
        return await (await self._opened()).call(request)

    async def _opened(self) -> Driver:
        if self._driver is None:
            await self.open()
        assert self._driver is not None
        return self._driver


def _has_endpoint(model: Any) -> bool:
    return bool(model.endpoint or os.environ.get("OPENAI_BASE_URL"))


def _activation(deployment: Deployment, by: Principal, parent: str, clock: Clock) -> Any:
    now = stamp(clock.now())
    values = {
        "charter": deployment.charter.model_dump_json(),
        "manifest": canonical_bytes(dict(deployment.manifest)).decode(),
        "activated_at": now,
        "activated_by": by.label(),
        "activators": by.label(),
        "active": 1,
        "parent": parent,
    }

    def work(connection: Any) -> Work:
        connection.execute(update(t.release).values(active=0))
        known = connection.execute(
            select(t.release.c.digest).where(t.release.c.digest == deployment.digest)
        ).first()
        if known is None:
            connection.execute(insert(t.release).values(digest=deployment.digest, **values))
        else:
            connection.execute(
                update(t.release)
                .where(t.release.c.digest == deployment.digest)
                .values(active=1, activated_at=now, activators=t.release.c.activators + f" {by.label()}")
            )
        draft = Draft(
            kind="release.activated",
            actor=by.label(),
            fields={"release": deployment.digest, "note": f"parent {parent or 'none'}"},
            body={"assurance": by.assurance, "manifest": dict(deployment.manifest)},
        )
        return Work(drafts=(draft,))

    return work
