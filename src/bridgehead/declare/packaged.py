"""Where the bytes of each document lie: in the folder, in an installed package, or in a release."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bridgehead.declare.lines import Lines
from bridgehead.declare.manifest import DOCUMENTS
from bridgehead.declare.model import Charter, Document
from bridgehead.kernel.errors import CharterError


def documents(
    charter: Charter, folder: Path, release: Path | None, lines: Lines, errors: list[CharterError]
) -> dict[str, Path]:
    """Return the file of each document. What cannot be found is added to ``errors`` (BH-CHA-034).

    Packages are located, never imported.
    """
    found: dict[str, Path] = {}
    for name, document in charter.documents.items():
        try:
            found[name] = _file(name, document, folder, release)
        except CharterError as error:
            error.where = lines.where("documents", name)
            errors.append(error)
    return found


def _file(name: str, document: Document, folder: Path, release: Path | None) -> Path:
    if bool(document.path) == bool(document.package):
        raise _fault(
            f"document `{name}` must come from one place",
            "Give either `path` (a file of this folder) or `package` and `resource`.",
        )
    if document.path:
        return folder / document.path
    if release is not None:
        return release / DOCUMENTS / name
    return _in_package(name, document)


def _in_package(name: str, document: Document) -> Path:
    if not document.package.isidentifier():
        raise _fault(
            f"`{document.package}` is not the import name of a package",
            "Write the name as in `import NAME`, without dots or dashes.",
        )
    root = _package_folder(document.package)
    if root is None:
        raise _fault(
            f"document `{name}` comes from the package `{document.package}`, which is not installed",
            f"Install it where Bridgehead runs, so that `import {document.package}` works.",
        )
    file = (root / document.resource).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise _fault(
            f"package `{document.package}` holds no file `{document.resource}`",
            "Give `resource` as a path inside the package.",
        )
    return file


def _package_folder(package: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def _fault(what: str, fix: str) -> CharterError:
    return CharterError("BH-CHA-034", what, fix=fix)
