"""One deployment at work: its store, its ledger, and a boundary for each of its releases.

Runs keep the release they started under: each release has a boundary of its own, built from its
snapshot. Who is active, and whether the deployment is stopped, is always the active release's say.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bridgehead.assemble import activation, documents, engines
from bridgehead.assemble.drivers import Drivers, stand_ins
from bridgehead.assemble.keys import keys
from bridgehead.check.readiness import readiness
from bridgehead.connect.collections.collection import DocumentCollection
from bridgehead.connect.collections.sync import Synced
from bridgehead.declare import Charter, Deployment, load, load_release, lock, snapshot
from bridgehead.enforce.boundary import Boundary, StepObserver, Unobserved
from bridgehead.kernel.clock import Clock, SystemClock
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import CharterError, ConfigError
from bridgehead.kernel.finding import Finding
from bridgehead.kernel.ports import Driver
from bridgehead.kernel.principal import Principal
from bridgehead.record import Ledger, Work
from bridgehead.rollout.releases import Releases
from bridgehead.rollout.undo import Undo, carried
from bridgehead.run import embedded, runs
from bridgehead.run.code import Code
from bridgehead.run.embedded import EmbeddedEngine
from bridgehead.run.engine import Engine, EngineName
from bridgehead.run.schedules import Schedules
from bridgehead.store import Store, releases, where
from bridgehead.watch.accuracy.drawing import at_end

if TYPE_CHECKING:
    from bridgehead.enforce.policy import CedarPolicy

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
        self._observer, self._drivers = observer, Drivers(state, given, clock)
        self._boundaries: dict[str, Boundary] = {}
        self._building = Lock()  # sweeps ask for them from threads of their own
        self._active = ""
        self._looked = -LOOK_AGAIN
        self.releases = Releases(active=lambda: self.boundary, boundary_of=self.boundary_of)
        self.schedules = Schedules(active=lambda: self.boundary, models=self.stand_ins)

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
        ``drivers`` (``server:NAME``, ``model:NAME``, ``source:NAME``, ``collection:NAME``) take the place
        of those the charter declares: for fakes, and for systems only the caller can reach.

        Raises ``CharterErrors``, ``ConfigError``, ``StoreError``, ``LedgerError``.
        """
        clock = clock or SystemClock()
        deployment = load(folder)
        place = (state or deployment.state).resolve()  # servers run elsewhere and are told this path
        place.mkdir(parents=True, exist_ok=True)
        origin = deployment.charter.origin
        opened = Store.open(where.address(place, store))
        try:
            ledger = Ledger.open(opened, keys(place / "keys", origin, opened), origin=origin, clock=clock)
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
    def declared(self) -> Deployment:
        """Return the active release; before the first one, the folder as it is now."""
        return self.deployment if self._active_digest(missing_ok=True) else load(self.folder)

    @property
    def boundary(self) -> Boundary:
        """Return the boundary of the active release."""
        return self.boundary_of(self._active_digest())

    def boundary_of(self, digest: str) -> Boundary:
        """Return the boundary of a release, every byte of which is checked when it is first used."""
        with self._building:
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
        from bridgehead.enforce import policy
        from bridgehead.enforce.sql import declared
        from bridgehead.watch.contract import misfits as contract

        return readiness(load(self.folder), policy.faults, declared.misfits, contract.misfits)

    def taken_back(self) -> str:
        """Return in words that the folder holds a release that was taken back; empty where it does not."""
        with self.store.reading() as connection:
            error = activation.taken_back(connection, load(self.folder).digest)
        return "" if error is None else f"{error.what[:1].upper()}{error.what[1:]}. {error.means}"

    def activate(self, by: Principal) -> str:
        """Make the folder as it is now the active release; return its digest.

        Nothing happens when it is active already. Raises ``CharterError``: BH-ASM-002 when readiness
        finds something that blocks (a deployment without an owner does not go live), BH-ASM-007 when this
        release was taken back.
        """
        deployment = load(self.folder)
        with self.store.reading() as connection:  # so that nothing is checked and copied in vain
            activation.require_not_undone(connection, deployment.digest)
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
        _policy(deployment)
        files = partial(lock.files, self.state, deployment.digest) if self.store.shared else None
        self.ledger.append(activation.unit(deployment, by, self.clock, files))
        self._active, self._looked = deployment.digest, self.clock.monotonic()
        return deployment.digest

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
        return stand_ins(self.deployment.charter)

    @asynccontextmanager
    async def at_work(
        self, *, concurrency: int = 8, engine: EngineName | None = None, name: str = "", undo: str = ""
    ) -> AsyncIterator[Engine]:
        """Yield the engine; its drivers are opened when first needed and closed at the end.

        ``embedded`` is one process; ``dbos`` is one of many on PostgreSQL, and what is taken there where it
        is installed and nothing else is said. ``name`` is what people call this worker; the host's name if
        empty. With ``undo``, an undo's id, it carries that undo here and nothing else (``embedded``).
        """
        try:
            chosen: EngineName = "embedded" if undo else engine or self.engine()
            yield self._engine(chosen, concurrency, name, undo)
        finally:
            await self._drivers.close()
            self._boundaries.clear()

    def require_free(self) -> None:
        """Raise ``ConfigError`` (BH-RUN-008) where a process works on this store that cannot share it."""
        if self.engine() == "embedded":
            embedded.require_free(self._lock)

    @property
    def _lock(self) -> Path:
        return self.state / "worker.lock"

    def engine(self) -> EngineName:
        """Return the engine that works on this store unless somebody says otherwise."""
        return engines.usual(self.store)

    def _engine(self, engine: EngineName, concurrency: int, name: str, undo: str) -> Engine:
        if engine == "embedded":
            return EmbeddedEngine(
                self.store,
                self.ledger,
                self.clock,
                boot=self.boot,
                boundary=self.boundary_of,
                active=lambda: self.boundary,
                schedules=self.schedules,
                lock=self._lock,
                concurrency=concurrency,
                only=carried(undo) if undo else None,
            )
        engines.require_workers(self.store)
        from bridgehead.run.dbos_engine import DbosEngine  # 1.7 s of CPU: only where it is used

        return DbosEngine(
            self.store,
            self.ledger,
            self.clock,
            boundary=self.boundary_of,
            active=lambda: self.boundary,
            schedules=self.schedules,
            name=name or socket.gethostname(),
            concurrency=concurrency,
        )

    def close(self) -> None:
        """Sign what is new in the ledger and close the store."""
        try:
            self.ledger.close()
        finally:
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

    def _active_digest(self, *, missing_ok: bool = False) -> str:
        if not self._active or self.clock.monotonic() - self._looked >= LOOK_AGAIN:
            self._active, self._looked = activation.active(self.store), self.clock.monotonic()
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
            policy=_policy(deployment),
            drivers=self.drivers_of(deployment),
            function=Code(deployment.folder, deployment.digest).function,
            directory=self._directory,
            boot=self.boot,
            observer=self._observer,
            own={"undo": Undo(self.releases)},
            at_end=at_end,
            mask_secret=self.ledger.derived("mask"),
            access=self._drivers.access(deployment),
            wall_secret=self.ledger.derived("wall"),
            home=self.folder,
            state=self.state,
        )

    def _directory(self) -> Charter:
        return self.boundary.charter

    def collections(self, name: str = "") -> dict[str, DocumentCollection]:
        """Return the collections that are ``declared``, to be looked after.

        Raises ``ConfigError``: BH-ASM-020 for a ``name`` it does not declare, BH-CON-001/002.
        """
        return documents.chosen(documents.collections(self.declared, self.state, self.clock), name)

    def sync(self, name: str = "", *, by: Principal, again: bool = False) -> dict[str, Synced]:
        """Make the index of one collection, or of each, what its folder is now; return what that did.

        The ledger keeps what changed. With no ``name``, indexes of folders that are declared no more go.
        Raises ``ConnectError`` BH-CON-070, 071.
        """
        done: dict[str, Synced] = {}
        for key, collection in self.collections(name).items():
            done[key] = collection.sync(again=again)
            drafts = documents.entries_of(self._active, key, done[key], by)
            if drafts and self._active:
                self.ledger.append(partial(_recording, drafts))
        if not name:
            documents.sweep(self.state, self.collections())
        return done

    def drivers_of(self, deployment: Deployment) -> dict[str, Driver]:
        """Return the drivers of a release, or of the folder as it is now."""
        return self._drivers.of(deployment)


def _recording(drafts: tuple[Draft, ...], _: Connection) -> Work:
    return Work(drafts=drafts)


def _policy(deployment: Deployment) -> CedarPolicy:
    """Return the policies of a release. The engine loads here: what only reads the store does without."""
    from bridgehead.enforce.policy import CedarPolicy

    return CedarPolicy(deployment)
