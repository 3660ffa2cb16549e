"""What a sender says a batch holds. Bytes from outside: read with care, refused in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

LARGEST = 1 << 20
_Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_Plain = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00]{1,255}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of a batch, as it must be to be complete."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A batch as its sender says it is; ``written`` by the sender's clock."""

    batch: str
    files: tuple[Part, ...]
    rows: int | None
    sums: tuple[tuple[str, Decimal], ...]
    written: datetime | None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: _Plain
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    batch: _Text
    files: list[_File] = Field(min_length=1, max_length=10_000)
    rows: int | None = Field(default=None, ge=0)
    sums: dict[str, Decimal] = Field(default_factory=dict)
    written: AwareDatetime | None = None


def manifest(raw: bytes, name: str) -> Manifest | str:
    """Return the manifest written in bytes, or in words why they are none."""
    if len(raw) > LARGEST:
        return f"{name} is larger than a manifest may be"
    try:
        found = _Manifest.model_validate(json.loads(raw))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{name} is no manifest: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except (ValueError, RecursionError):
        return f"{name} is no JSON"
    if any(each.name in (".", "..") or each.name.startswith(".") for each in found.files):
        return f"{name} names a file that is not under its final name"
    if not all(value.is_finite() for value in found.sums.values()):
        return f"{name} has a sum that is no number"
    return Manifest(
        batch=found.batch,
        files=tuple(Part(name=each.name, size=each.bytes, sha256=each.sha256) for each in found.files),
        rows=found.rows,
        sums=tuple(sorted(found.sums.items())),
        written=found.written,
    )
