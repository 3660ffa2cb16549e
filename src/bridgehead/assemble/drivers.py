"""The drivers of a house's releases: built and opened when they are first needed, closed at the end.

In: a release. Out: its drivers, which only ``enforce.perform`` calls. Never: calls the other side itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bridgehead.connect import open_access, open_collection, open_model, open_server, open_source
from bridgehead.declare import Charter, Deployment
from bridgehead.declare.model import Model
from bridgehead.kernel.access import Access, AccessSource
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import ConfigError, ConnectError
from bridgehead.kernel.ports import Driver, Operation, Reply, Request


class Drivers:
    """What a house reaches other systems with. ``given`` take the place of what a charter declares."""

    def __init__(self, state: Path, given: Mapping[str, Driver], clock: Clock | None = None) -> None:
        self._state, self._given, self._clock = state, given, clock
        self._open: dict[tuple[str, str], Driver] = {}

    def of(self, deployment: Deployment) -> dict[str, Driver]:
        """Return a release's drivers. Releases that declare an address alike share one connection; a
        program that is started, a script or a file is of the folder, and so each release's own."""
        charter, folder, own = deployment.charter, deployment.folder, deployment.digest
        found: dict[str, Driver] = {}
        for name, server in charter.servers.items():
            settings = server.model_dump_json() + ("" if server.url else own)
            make = partial(open_server, name, server, state=self._state, folder=folder)
            found[f"server:{name}"] = self._shared(f"server:{name}", settings, make)
        for name, model in charter.models.items():
            settings = model.model_dump_json() + (own if model.driver == "stand-in" else "")
            found[f"model:{name}"] = self._shared(
                f"model:{name}", settings, partial(open_model, name, model, folder=folder)
            )
        for name, source in charter.sources.items():
            settings = source.model_dump_json() + own
            found[f"source:{name}"] = self._shared(
                f"source:{name}", settings, partial(open_source, name, source, folder=folder)
            )
        for name, collection in charter.collections.items():
            settings = collection.model_dump_json() + own
            opened = partial(
                open_collection,
                name,
                collection,
                deployment=deployment,
                state=self._state,
                clock=self._clock,
            )
            found[f"collection:{name}"] = self._shared(f"collection:{name}", settings, opened)
        return found

    def access(self, deployment: Deployment) -> dict[str, AccessSource]:
        """Return what says, for each of a release's collections, who may read its documents."""
        return {
            name: AskedWhenNeeded(partial(open_access, name, collection, folder=deployment.folder))
            for name, collection in deployment.charter.collections.items()
            if collection.access is not None
        }

    async def close(self) -> None:
        """Close whatever was opened."""
        for driver in self._open.values():
            await driver.close()
        self._open.clear()

    def _shared(self, name: str, settings: str, make: Callable[[], Driver]) -> Driver:
        return self._given.get(name) or self._open.setdefault((name, settings), Reached(make))


def stand_ins(charter: Charter) -> dict[str, str]:
    """Return which models are replaced here, because no endpoint is set for them."""
    models = charter.models
    return {
        model.instead_of: name
        for name, model in models.items()
        if model.driver == "stand-in"
        and model.instead_of in models
        and not _has_endpoint(models[model.instead_of])
    }


class Reached:
    """A driver that is built and opened when it is first used, and opened again after a failure."""

    def __init__(self, make: Callable[[], Driver]) -> None:
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


class AskedWhenNeeded:
    """Rights that are looked for when they are first asked for: a setting that is missing refuses then."""

    def __init__(self, make: Callable[[], AccessSource | None]) -> None:
        self._make = make
        self._source: AccessSource | None = None

    def now(self) -> Access:
        """Return the rights as they are now. Raises ``ConnectError``: nobody knows them."""
        if self._source is None:
            try:
                self._source = self._make()
            except ConfigError as error:
                raise ConnectError(error.code, error.what, effect_state="none", fix=error.fix) from error
        assert self._source is not None
        return self._source.now()


def _has_endpoint(model: Model) -> bool:
    return bool(model.endpoint or os.environ.get("OPENAI_BASE_URL"))
