"""The files of releases in a store that several machines share: each content once, whoever names it.

In: a connection and files. Out: the same files. Never: believes them; ``declare.lock`` checks every byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, insert, select

from bridgehead.store import tables as t

File = tuple[str, bool, bytes]
"""Path, whether it can be executed, content."""


def keep(connection: Connection, release: str, files: Iterable[File]) -> None:
    """Store the files of a release; nothing happens where they are there already."""
    known = connection.execute(select(t.release_file.c.path).where(t.release_file.c.release == release))
    if known.first() is not None:
        return
    for path, executable, content in files:
        sha256 = hashlib.sha256(content).hexdigest()
        held = select(t.file_content.c.sha256).where(t.file_content.c.sha256 == sha256)
        if connection.execute(held).first() is None:
            connection.execute(insert(t.file_content).values(sha256=sha256, content=content))
        connection.execute(
            insert(t.release_file).values(
                release=release, path=path, sha256=sha256, executable=int(executable)
            )
        )


def files(connection: Connection, release: str) -> Iterator[File]:
    """Yield the files of a release, none where it is not here."""
    rows = connection.execute(
        select(t.release_file.c.path, t.release_file.c.executable, t.file_content.c.content)
        .join(t.file_content, t.file_content.c.sha256 == t.release_file.c.sha256)
        .where(t.release_file.c.release == release)
        .order_by(t.release_file.c.path)
    )
    for row in rows:
        yield str(row.path), bool(row.executable), bytes(row.content)
