"""Which database belongs to a state folder: named once, remembered without its password.

``STATE/store.db`` where nothing else was ever said. Otherwise ``STATE/store.url`` names it; the password,
where one is needed, comes from the address given each time, or from libpq (PGPASSWORD, ~/.pgpass).
Never: opens anything.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bridgehead.kernel.errors import ConfigError

FILE, REMEMBERED = "store.db", "store.url"


def address(state: Path, given: str = "") -> str | Path:
    """Return the address of a state folder's store: the one given, the one remembered, or its SQLite file.

    Raises ``ConfigError`` (BH-STO-015) where another one than the remembered one is given: the runs and the
    ledger of this folder are there, and nobody moves house by mistyping.
    """
    remembered = _remembered(state)
    if not given:
        return remembered or state / FILE
    known = remembered or (str(state / FILE) if (state / FILE).exists() else "")
    if known and _without_password(given) != _without_password(known):
        raise ConfigError(
            "BH-STO-015",
            f"this state folder belongs to the store {_without_password(known)}, not to the one given",
            means="Its runs and its ledger are there. Nothing was opened.",
            fix=f"Leave the store out, or give another state folder. Where the database really moved, change "
            f"{state / REMEMBERED}.",
        )
    return given


def remember(state: Path, given: str) -> None:
    """Write down which store a state folder belongs to, without the password; not for its own file."""
    if not given or _remembered(state) or _without_password(given) == _without_password(str(state / FILE)):
        return
    (state / REMEMBERED).write_text(_without_password(given) + "\n", encoding="utf-8")


def _remembered(state: Path) -> str:
    try:
        return (state / REMEMBERED).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _without_password(text: str) -> str:
    if "://" not in text:
        return str(Path(text).absolute())
    try:
        url = make_url(text)
    except ArgumentError:
        return (
            text.partition("://")[0] + "://"
        )  # the store refuses it; whatever else it holds is not repeated
    if url.get_backend_name() == "sqlite":
        return str(Path(url.database or "").absolute())
    plain = {name: value for name, value in url.query.items() if name != "password"}
    backend = "postgresql" if url.drivername == "postgresql+psycopg" else url.drivername
    return URL.create(
        backend, url.username, host=url.host, port=url.port, database=url.database, query=plain
    ).render_as_string()
