"""A deployment as it was read: its charter, where each line of it stands, and the bytes it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridgehead.declare.lines import Lines
from bridgehead.declare.model import Charter, Model
from bridgehead.kernel.errors import CharterError

STATE = ".bridgehead"
"""The folder beside the charter that holds the store, the keys and the releases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A checked charter with its folder.

    ``digest`` is the release: the SHA-256 of the canonical ``manifest`` (path -> SHA-256 of its bytes).
    ``documents`` says where the bytes of each document lie on this machine; ``played`` which models
    have no endpoint in this process and are played by their stand-ins.
    """

    folder: Path
    charter: Charter
    lines: Lines
    digest: str
    manifest: dict[str, str]
    documents: Mapping[str, Path]
    played: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """Return the state folder of this deployment."""
        return self.folder / STATE

    def where(self, *place: str | int) -> str:
        """Return ``charter.yaml:line`` of a value, such as ``where("approvals", "refund", "when")``."""
        return self.lines.where(*place)

    def model(self, name: str) -> str:
        """Return the model that answers to a name here: itself, or the stand-in that plays it."""
        return self.played.get(name, name)

    def on(self, environ: Mapping[str, str]) -> Deployment:
        """Return this deployment as it is in an environment: models that have no endpoint there are
        played by the stand-ins that name them in ``instead_of``."""
        models = self.charter.models
        played = {
            model.instead_of: name
            for name, model in models.items()
            if model.instead_of and not _reachable(models[model.instead_of], environ)
        }
        return replace(self, played=played)

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


_PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _reachable(model: Model, environ: Mapping[str, str]) -> bool:
    """Say whether a model has an endpoint: written in full, or by variables that are all set."""
    endpoint = model.endpoint or "${OPENAI_BASE_URL}"
    return all(environ.get(variable) for variable in _PLACE.findall(endpoint))
