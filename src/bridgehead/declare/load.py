"""Read a deployment folder: ``charter.yaml``, its cross-references, its digest.

::

    deployment = load(Path("refunds"))
    deployment.charter.owner.person   # "ines"
    deployment.digest                 # the release

Called by the doors, by ``lock`` for releases, and by tests. Never runs the folder's code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bridgehead.declare import compose, manifest, packaged, references
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import CharterErrors
from bridgehead.declare.validate import Validated, validate
from bridgehead.kernel.errors import CharterError

CHARTER = "charter.yaml"


def load(folder: Path) -> Deployment:
    """Return the deployment in a folder.

    Raises ``CharterErrors`` with everything that is wrong, each error with its file and line: first
    what the text is (BH-CHA-002 to BH-CHA-015), then what it refers to (BH-CHA-020 to BH-CHA-075) and
    what the release is made of (BH-CHA-080 to BH-CHA-087).
    """
    return read(folder, documents_from=None)


def read(folder: Path, *, documents_from: Path | None) -> Deployment:
    """Return the deployment; in a release the packaged documents lie in the folder ``documents_from``."""
    # Absolute: the systems a deployment starts work in another folder than we do.
    folder = folder.absolute()
    try:
        raw = _bytes(folder)
        written, checked = _charter(raw)
    except CharterError as error:
        raise CharterErrors([error]) from error
    if checked.charter is None:
        raise CharterErrors([*written.errors, *checked.errors])
    errors = [*written.errors, *checked.errors]
    documents = packaged.documents(checked.charter, folder, documents_from, written.lines, errors)
    elsewhere = {name: path for name, path in documents.items() if checked.charter.documents[name].package}
    files = _manifest(folder, raw, {} if documents_from else elsewhere, errors)
    deployment = Deployment(
        folder=folder,
        charter=checked.charter,
        lines=written.lines,
        digest=manifest.digest(files),
        manifest=files,
        documents=documents,
    )
    errors += references.errors(deployment)
    if errors:
        raise CharterErrors(errors)
    return deployment


@lru_cache(maxsize=16)
def _charter(raw: bytes) -> tuple[compose.Written, Validated]:
    """Return what a charter's text says. Kept: starting a house reads the same bytes several times."""
    written = compose.read(CHARTER, raw)
    return written, validate(written)


def _bytes(folder: Path) -> bytes:
    try:
        with (folder / CHARTER).open("rb") as stream:
            return stream.read(compose.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CharterError(
            "BH-CHA-002",
            f"no charter can be read in `{folder}`: {reason}",
            means="A deployment is a folder with a file charter.yaml.",
            fix="Name the folder, or make a new one with `bridgehead init NAME`.",
            where=f"{CHARTER}:1",
        ) from error


def _manifest(
    folder: Path, raw: bytes, documents: Mapping[str, Path], errors: list[CharterError]
) -> dict[str, str]:
    try:
        files = manifest.manifest(folder, documents)
    except CharterError as error:
        errors.append(error)
        return {}
    if files.get(CHARTER) != hashlib.sha256(raw).hexdigest():
        errors.append(
            CharterError(
                "BH-CHA-085",
                f"{CHARTER} changed while it was read",
                fix="Try again when nothing is writing to the folder.",
                where=f"{CHARTER}:1",
            )
        )
    return files
