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
_LOST = ("08", "57P0", "25P03", "53300")  # connection; shut down or starting; idle too long; too many clients
_NOT_LET_IN = {"28P01", "28000"}  # invalid password, invalid authorization
# Of a connection that is not let in, libpq hands on the server's words and not its code.
_SAYS_SO = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    'FATAL:  role "',
)
# What psycopg says, without a code, of a connection that is closed or whose answers fit no question any more.
_OUT_OF_STEP = ("connection is closed", "got no result from the query")
BUSY, LOST, UNANSWERED = "BH-STO-003", "BH-STO-010", "BH-STO-011"


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise ``StoreError`` for what the database could not do.

    What the caller did wrong (a duplicate key, bad SQL) passes as it is: the caller knows better
    what it means. Codes: BH-STO-003 locked, BH-STO-004 not writable, BH-STO-010 the connection was lost,
    BH-STO-005 anything else.
    """
    try:
        yield
    except PoolTimeout as error:
        raise _locked("every connection to the database is in use") from error
    except (OperationalError, InternalError, InterfaceError) as error:
        raise _fault(error) from error


def is_lost(error: DBAPIError) -> bool:
    """Say whether the server is away or has dropped the connection; with it went the transaction."""
    if getattr(error.orig, "sqlite_errorcode", None) is not None:
        return False
    code = _code(error)
    if code:
        return code.startswith(_LOST)
    # The driver's own words about a broken connection carry no code.
    return isinstance(error, OperationalError) or any(said in str(error.orig) for said in _OUT_OF_STEP)


def commit_failed(error: DBAPIError) -> BaseException:
    """Return the fault for a commit that raised: where its answer was lost, nobody knows how it ended.

    So it is on SQLite where the disk did not confirm: what was written may be found whole at the next start.
    """
    unconfirmed = getattr(error.orig, "sqlite_errorname", "") in (
        "SQLITE_IOERR_FSYNC",
        "SQLITE_IOERR_DIR_FSYNC",
    )
    if not is_lost(error) and not unconfirmed:
        return error
    return StoreError(
        "BH-STO-011",
        f"the connection to the database was lost during a commit: {_words(error)}",
        means="It may have been committed, or not; nobody was told that it was.",
        fix="Start again when the database is reachable: what is recorded then is what happened.",
    )


def was_taken_back(error: StoreError) -> StoreError:
    """Return the fault for a commit that was not answered and, as it turned out, did not happen."""
    return StoreError(
        "BH-STO-010",
        error.what,
        means="The transaction it belonged to was taken back.",
        fix="Look whether the server runs and can be reached; `bridgehead doctor` tries it.",
    )


def cannot_open(address: str, error: DBAPIError) -> StoreError:
    """Return the fault for a store that does not open."""
    if _code(error) in _BUSY:
        return _locked("the database is locked by another process")
    return StoreError(
        "BH-STO-001",
        f"the store {as_given(address)} cannot be opened: {_words(error)}",
        means="Nothing can be recorded, so nothing can run.",
        fix=(
            "The server answered and refused the role or its password: check the role in the address, and "
            "the password in it, in PGPASSWORD or in ~/.pgpass."
            if _not_let_in(error)
            else "Is the server running and reachable, and may this user make tables in that database?"
            if address.startswith("postgresql")
            else "Check the path, its permissions and the free space."
        ),
    )


def as_given(address: str) -> str:
    """Return the address of a database as people write it: without the name of our driver."""
    return address.replace("postgresql+psycopg://", "postgresql://", 1)


def _not_let_in(error: DBAPIError) -> bool:
    return _code(error) in _NOT_LET_IN or any(said in _words(error) for said in _SAYS_SO)


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
    if is_lost(error):
        return StoreError(
            "BH-STO-010",
            f"the connection to the database was lost: {_words(error)}",
            means="The transaction it belonged to was taken back.",
            fix="Look whether the server runs and can be reached; `bridgehead doctor` tries it.",
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
