"""The keys of a deployment's ledger: found in its state folder, or made with the first entry."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bridgehead.kernel.errors import ConfigError
from bridgehead.record import Keys
from bridgehead.store import Store
from bridgehead.store import tables as t


def keys(folder: Path, origin: str, store: Store) -> Keys:
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
