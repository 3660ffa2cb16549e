"""What a database says when it cannot, in our words; nothing from below leaks.

SQLite is told by its result code (https://www.sqlite.org/rescode.html), PostgreSQL by its SQLSTATE
(https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bridgehead.kernel.errors import StoreError

_BUSY = {"5", "6", "55P03", "40001", "40P01"}  # busy, locked; lock timeout, serialization, deadlock
_UNWRITABLE = {"8", "10", "13", "53100", "25006"}  # readonly, I/O, full; disk full, read-only transaction


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise ``StoreError`` for what the database could not do.

    What the caller did wrong (a duplicate key, bad SQL) passes as it is: the caller knows better
    what it means. Codes: BH-STO-003 locked, BH-STO-004 not writable, BH-STO-005 anything else.
    """
    try:
        yield
    except PoolTimeout as error:
        raise _locked("every connection to the database is in use") from error
    except (OperationalError, InternalError, InterfaceError) as error:
        raise _fault(error) from error


def cannot_open(address: str, error: DBAPIError) -> StoreError:
    """Return the fault for a store that does not open."""
    if _code(error) in _BUSY:
        return _locked("the database is locked by another process")
    return StoreError(
        "BH-STO-001",
        f"the store {address} cannot be opened: {_words(error)}",
        means="Nothing can be recorded, so nothing can run.",
        fix="Check the path, its permissions and the free space.",
    )


def _fault(error: DBAPIError) -> StoreError:
    code = _code(error)
    if code in _BUSY:
        return _locked("the database is locked by another process")
    if code in _UNWRITABLE:
        return StoreError(
            "BH-STO-004",
            f"the database cannot be written: {_words(error)}",
            means="Nothing was written, so no action is performed.",
            fix="Free space or make the store writable, then start again.",
        )
    return StoreError(
        "BH-STO-005",
        f"the database refused: {_words(error)}",
        means="The transaction it belonged to was taken back.",
        fix="Look at the database itself: is it running, reachable, and on the right version?",
    )


def _locked(what: str) -> StoreError:
    return StoreError(
        "BH-STO-003",
        what,
        means="Nothing was written; nothing was lost.",
        fix="Try again; if it stays, look for a process that holds the store open.",
    )


def _code(error: DBAPIError) -> str:
    """Return the primary SQLite result code, or the SQLSTATE, or the empty string."""
    number = getattr(error.orig, "sqlite_errorcode", None)
    if number is not None:
        return str(number & 0xFF)  # extended codes keep the primary one in the low byte
    return str(getattr(error.orig, "sqlstate", None) or "")


def _words(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
