"""What a deployment searches: its collections of documents, and who may read which of them.

Nothing is found that is not granted: a document that no ``readers`` entry gives to one of somebody's groups
is not there for them, and neither is one that the system it comes from does not let them read (``access``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from bridgehead.declare.part import Name, Part, Words, is_duration


class Readers(Part):
    """Who may read what of a collection. A document is for whoever one of these gives it to."""

    to: list[Name] = Field(min_length=1, description="Groups it is for: ids under `groups`.")
    paths: list[Words] = Field(
        default=["**"],
        min_length=1,
        description="Documents it gives, as patterns of their paths: `hr/**`, `*.md`; `**` is any folders.",
    )


class Access(Part):
    """Who may read each document in the system it comes from, as that system says it: one file."""

    file: str = Field(
        min_length=1,
        description="The file it exports: in this folder, an absolute path, or `${NAME}` of the environment.",
    )
    max_age: str = Field(
        description="How old its `acl_synced_at` may be. Beyond it every retrieval is refused."
    )
    groups: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Groups one person may be in, groups of groups included; beyond it they are refused.",
    )

    _age = field_validator("max_age")(is_duration)


class Chunks(Part):
    """How documents are cut into the passages that are found."""

    characters: int = Field(default=1200, ge=200, le=8000, description="Characters a passage may have.")
    overlap: int = Field(
        default=150, ge=0, le=1000, description="Characters it repeats of the one before, in one section."
    )

    @model_validator(mode="after")
    def _goes_on(self) -> Chunks:
        if self.overlap * 2 > self.characters:
            raise ValueError("`overlap` is more than half of `characters`")
        return self


class Embeddings(Part):
    """The model whose vectors find what is meant in other words."""

    driver: Literal["openai", "wordllama"] = Field(
        description="`openai`: any OpenAI-compatible embeddings endpoint. `wordllama`: a small English model "
        "on this machine (extra `wordllama`)."
    )
    endpoint: str = Field(
        default="", description="Base URL; empty means the environment variable OPENAI_BASE_URL."
    )
    key_from: str = Field(
        default="OPENAI_API_KEY", description="Environment variable that holds the key; never the key itself."
    )
    model: str = Field(
        default="", description="Name the endpoint knows it by; `${NAME}` from the environment."
    )
    region: str = Field(
        min_length=1,
        description="Where it runs. It is sent every passage; `local` never leaves this machine.",
    )
    batch: int = Field(default=64, ge=1, le=2048, description="Passages sent at once.")
    deadline: str = Field(default="30s", description="How long one answer may take.")

    _deadline = field_validator("deadline")(is_duration)

    @model_validator(mode="after")
    def _reached(self) -> Embeddings:
        if self.driver == "openai" and not self.model:
            raise ValueError("an `openai` embedding names its `model`")
        if self.driver == "wordllama" and (self.endpoint or self.region != "local"):
            raise ValueError("`wordllama` runs on this machine: `region: local`, and no `endpoint`")
        return self


class Collection(Part):
    """Documents that runs may search: Markdown, text, HTML, PDF, DOCX, e-mail."""

    title: Words = Field(description="What people call it.")
    folder: str = Field(
        default="",
        description="Folder of its files: an absolute path or `${NAME}` from the environment; or one in this "
        "folder, which is then part of the release.",
    )
    documents: list[Name] = Field(
        default_factory=list, description="Or, and: texts of `documents`, as they are in the release."
    )
    region: str = Field(min_length=1, description="Where the documents are.")
    tags: list[Name] = Field(
        default_factory=list,
        description="What kind of data they hold; an agent not cleared for all of them finds nothing.",
    )
    readers: list[Readers] = Field(min_length=1, description="Who may read what of it.")
    access: Access | None = Field(
        default=None,
        description="Rights that come with the documents. Where given, a person needs both: `readers`, and "
        "this.",
    )
    chunks: Chunks = Chunks()
    embeddings: Embeddings | None = Field(
        default=None, description="Without it words alone are searched for (BM25), and answers say so."
    )
    passages: int = Field(default=5, ge=1, le=50, description="Passages one answer may have.")
    keep: str = Field(
        default="",
        description="Retention: documents that were not changed for longer are not found, and leave the "
        "index at the next sync; empty: for ever.",
    )
    refresh: str = Field(
        default="",
        description="Look for new, changed and deleted files before a search when the last look is older; "
        "empty: only at the first search and by `bridgehead documents sync`.",
    )
    max_bytes: int = Field(
        default=20_000_000, ge=1, le=1_000_000_000, description="Bytes a file may have, unpacked too."
    )
    max_files: int = Field(default=100_000, ge=1, le=1_000_000, description="Files that are looked at.")
    deadline: str = Field(default="30s", description="How long one search may take.")

    _deadline = field_validator("deadline")(is_duration)

    @field_validator("keep", "refresh")
    @classmethod
    def _durations(cls, value: str) -> str:
        return is_duration(value) if value else value

    @model_validator(mode="after")
    def _has_documents(self) -> Collection:
        if not self.folder and not self.documents:
            raise ValueError("a collection has a `folder`, `documents`, or both")
        return self
