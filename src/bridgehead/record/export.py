"""Write a ledger as JSON lines, so that it can be verified where there is no store.

One object a line, each with a ``type``: ``ledger`` (origin, size, the tree's peaks), ``entry`` (index,
leaf hash, the envelope as the text that was hashed), ``checkpoint`` (size, signed note), and with
``bodies=True`` ``body`` (still encrypted; the keys stay at home). Binary is base64, hashes are hexadecimal.
``docs/reference/ledger.md`` has the format; ``verify.verify_export`` reads it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, TextIO

from sqlalchemy import Connection, select

from bridgehead.store import Store
from bridgehead.store import tables as t

FORMAT = "bridgehead-ledger/1"
_AT_A_TIME = 1_000


def export(store: Store, out: TextIO, *, bodies: bool = False) -> int:
    """Write one moment of the ledger to ``out``; return how many entries it has."""
    with store.reading() as connection:
        head = connection.execute(select(t.ledger_head)).one()
        peaks = _base64(head.frontier)
        _line(
            out,
            type="ledger",
            format=FORMAT,
            origin=head.origin,
            size=head.size,
            frontier=peaks,
            bodies=bodies,
        )
        for row in _rows(connection, select(t.entry).order_by(t.entry.c.idx)):
            _line(out, type="entry", index=row.idx, leaf=row.leaf.hex(), envelope=row.envelope.decode())
        for row in _rows(connection, select(t.body).order_by(t.body.c.idx)) if bodies else ():
            sealed = {name: _base64(getattr(row, name)) for name in ("record_key", "nonce", "ciphertext")}
            _line(out, type="body", index=row.idx, kid=row.kid, **sealed)
        for row in _rows(connection, select(t.checkpoint).order_by(t.checkpoint.c.size)):
            _line(out, type="checkpoint", size=row.size, note=row.note)
        return int(head.size)


def _rows(connection: Connection, query: Any) -> Iterator[Any]:
    yield from connection.execution_options(yield_per=_AT_A_TIME).execute(query)


def _line(out: TextIO, **record: Any) -> None:
    out.write(json.dumps(record, separators=(",", ":")) + "\n")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
