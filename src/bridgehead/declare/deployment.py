"""A deployment as it was read: its charter, where each line of it stands, and the bytes it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridgehead.declare.lines import Lines
from bridgehead.declare.model import Charter
from bridgehead.kernel.errors import CharterError

STATE = ".bridgehead"
"""The folder beside the charter that holds the store, the keys and the releases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A checked charter with its folder.

    ``digest`` is the release: the SHA-256 of the canonical ``manifest`` (path -> SHA-256 of its bytes).
    ``documents`` says where the bytes of each document lie on this machine.
    """

    folder: Path
    charter: Charter
    lines: Lines
    digest: str
    manifest: dict[str, str]
    documents: Mapping[str, Path]

    @property
    def state(self) -> Path:
        """Return the state folder of this deployment."""
        return self.folder / STATE

    def where(self, *place: str | int) -> str:
        """Return ``charter.yaml:line`` of a value, such as ``where("approvals", "refund", "when")``."""
        return self.lines.where(*place)

    def document(self, name: str) -> str:
        """Return the text of a document the charter names. Raises ``CharterError`` (BH-CHA-034)."""
        path = self.documents.get(name)
        if path is None:
            raise CharterError(
                "BH-CHA-034", f"no document is named `{name}`", fix="Declare it under `documents`."
            )
        try:
            return path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CharterError(
                "BH-CHA-034",
                f"document `{name}` cannot be read as UTF-8 text: {error}",
                fix="Restore the file.",
                where=self.where("documents", name),
            ) from error
