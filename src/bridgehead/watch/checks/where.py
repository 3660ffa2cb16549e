"""From what a person names (a file, a folder, an address) to the engine that checks it there."""

from __future__ import annotations

import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.engine import Engine, Limits
from bridgehead.watch.checks.files import Files, find
from bridgehead.watch.contract.model import Table

MOST_REMOTE_BYTES = 4 * 1024**3
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
SERVERS = ("postgresql", "postgres", "postgresql+psycopg")


class Place:
    """Data that are being checked; ``label`` names them without a password. Closes what it opened."""

    def __init__(self, label: str, engine: Engine, folder: Path | None, work: Path | None = None) -> None:
        self.label, self.engine, self.folder, self._work = label, engine, folder, work

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)


def place(data: str, tables: Sequence[Table], *, limits: Limits, clock: Clock, remote: bool = False) -> Place:
    """Open what ``data`` names. Raises ``WatchError`` BH-WAT-014, BH-WAT-016, BH-WAT-017."""
    scheme = scheme_of(data)
    if scheme in SERVERS:
        from bridgehead.watch.checks.postgres import Postgresql

        return Place(label(data), Postgresql(data, limits, clock), None)
    if scheme:
        return _remote(data, scheme, tables, limits, clock, remote)
    path = Path(data)
    return _local(data, path, tables, limits, clock)


def scheme_of(data: str) -> str:
    """Return the scheme of an address, in small letters; nothing for a path."""
    return data.partition(":")[0].lower() if _SCHEME.match(data) else ""


def place_of(files: Mapping[str, Files], tables: Sequence[Table], *, limits: Limits, clock: Clock) -> Place:
    """Open files that were found already, several for an object where need be, by the objects' names."""
    return _opened("files", files, None, tables, limits, clock)


def _local(
    label: str, path: Path, tables: Sequence[Table], limits: Limits, clock: Clock, work: Path | None = None
) -> Place:
    folder = path if path.is_dir() else path.parent
    return _opened(label, find(path, tables), folder if work is None else None, tables, limits, clock, work)


def _opened(
    label: str, files: Mapping[str, Files], folder: Path | None, tables: Sequence[Table], limits: Limits,
    clock: Clock, work: Path | None = None,
) -> Place:  # fmt: skip
    from bridgehead.watch.checks.duckdb_files import DuckdbFiles

    engine = DuckdbFiles(files, limits, clock)
    try:
        engine.prepare(tables)
    except BaseException:
        engine.close()
        raise
    return Place(label, engine, folder, work)


def _remote(
    data: str, scheme: str, tables: Sequence[Table], limits: Limits, clock: Clock, allowed: bool
) -> Place:
    work = Path(tempfile.mkdtemp(prefix="bridgehead-watch-"))
    try:
        file = fetched(data, scheme, work, limits, allowed)
        return _local(label(data), file, tables, limits, clock, work)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def fetched(data: str, scheme: str, work: Path, limits: Limits, allowed: bool) -> Path:
    """Fetch an address into a folder and return the file. Raises ``WatchError`` BH-WAT-016, BH-WAT-017."""
    if not allowed:
        raise WatchError(
            "BH-WAT-017",
            f"{label(data)} is on another machine",
            means="Nothing is fetched unless you ask for it; nothing was checked.",
            fix="Add `--remote` to fetch it over HTTP, or name a file, a folder or a PostgreSQL address.",
        )
    if scheme not in ("http", "https"):
        raise WatchError(
            "BH-WAT-017",
            f"data are not fetched by {scheme}",
            means="Only http and https are; nothing was checked.",
            fix="Copy the data here, or check them where they are with `--render` and its own tools.",
        )
    name = Path(urlsplit(data).path).name or "data"
    file = work / re.sub(r"[^A-Za-z0-9._-]", "_", name)
    _fetch(data, file, limits.seconds)
    return file


class _SameKind(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            fp.close()
            raise urllib.error.URLError(f"it leads to {after}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str, file: Path, seconds: float) -> None:
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler, _SameKind,
                    urllib.request.HTTPErrorProcessor, urllib.request.HTTPDefaultErrorHandler):  # fmt: skip
        opener.add_handler(handler())
    try:
        with opener.open(url, timeout=min(60.0, seconds)) as answer, file.open("wb") as out:
            size = 0
            while chunk := answer.read(1 << 20):
                size += len(chunk)
                if size > MOST_REMOTE_BYTES:
                    raise ValueError(f"it has more than {MOST_REMOTE_BYTES} bytes")
                out.write(chunk)
    except (OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise WatchError(
            "BH-WAT-016",
            f"{label(url)} could not be fetched: {error}",
            means="Nothing was checked; these data count as not checked.",
            fix="Try the address with curl.",
        ) from error


def label(address: str) -> str:
    """Return an address without its password and without what follows a question mark."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    port = f":{parts.port}" if _port(parts) else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _port(parts: Any) -> int | None:
    try:
        port: int | None = parts.port
    except ValueError:
        return None
    return port
