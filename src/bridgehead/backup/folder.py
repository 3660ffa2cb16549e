"""Lay out a deployment folder from its active release, where the folder itself was lost too."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import select

from bridgehead.declare import load_release
from bridgehead.declare.manifest import DOCUMENTS
from bridgehead.store import Store
from bridgehead.store import tables as t


def lay_out(store: Store, state: Path, folder: Path) -> str:
    """Write the files of the active release into ``folder``, which has no charter; return the release's
    digest, or the empty string where none was active.

    Documents that come from a package stay in it.
    """
    with store.reading() as connection:
        digest = connection.scalar(select(t.release.c.digest).where(t.release.c.active == 1))
    if digest is None:
        return ""
    release = load_release(state, digest)
    packaged = {f"{DOCUMENTS}/{name}" for name, said in release.charter.documents.items() if said.package}
    for path in release.manifest:
        if path not in packaged:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(release.folder / path, folder / path)
            if (release.folder / path).stat().st_mode & 0o100:
                (folder / path).chmod(0o755)
    return str(digest)
