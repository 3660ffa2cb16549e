"""Vectors from an OpenAI-compatible endpoint: ``POST {endpoint}/embeddings``.

It is called from the thread that syncs or searches. Never: follows a redirect, shows the key.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from bridgehead.connect.collections.vectors import normal
from bridgehead.connect.faults import LIMIT_BYTES, bad_setting, lost, unusable
from bridgehead.connect.substitute import substitute
from bridgehead.declare.collecting import Embeddings
from bridgehead.declare.part import seconds

LONGEST = 8 * LIMIT_BYTES
"""Bytes of one answer."""


class EmbeddingEndpoint:
    """An endpoint and the model it is asked for."""

    def __init__(self, collection: str, settings: Embeddings) -> None:
        used_by = f"collections.{collection}.embeddings"
        self._name = f"the embeddings of {collection}"
        self._model = substitute(settings.model, used_by=f"{used_by}.model")
        base = substitute(settings.endpoint or "${OPENAI_BASE_URL}", used_by=f"{used_by}.endpoint")
        if not base.startswith(("http://", "https://")):
            raise bad_setting(f"`{base}` of {used_by} is not an address", fix="Write `https://...`.")
        self._url = f"{base.rstrip('/')}/embeddings"
        self._key = os.environ.get(settings.key_from, "")
        self._batch, self._deadline = settings.batch, seconds(settings.deadline)
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
        self.pinned = f"openai:{self._url}:{self._model}"

    def embedded(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return a vector for each text. Raises ``ConnectError`` BH-CON-014, 015."""
        found: list[bytes | None] = []
        for begin in range(0, len(texts), self._batch):
            found += self._asked(texts[begin : begin + self._batch])
        return found

    def _asked(self, texts: Sequence[str]) -> list[bytes | None]:
        body = json.dumps({"model": self._model, "input": list(texts), "encoding_format": "float"}).encode()
        request = urllib.request.Request(self._url, data=body, method="POST")  # noqa: S310 -- http(s) only
        request.add_header("Content-Type", "application/json")
        if self._key:
            request.add_header("Authorization", f"Bearer {self._key}")
        try:
            with self._opener.open(request, timeout=self._deadline) as answer:
                raw = answer.read(LONGEST + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise unusable(self._name, f"it says {error.code}", "none") from error
        except (OSError, ValueError) as error:
            raise lost(self._name, type(error).__name__, "none") from error
        return self._read(raw, len(texts))

    def _read(self, raw: bytes, wanted: int) -> list[bytes | None]:
        """Return the vectors of an answer, in the order of the texts."""
        if len(raw) > LONGEST:
            raise unusable(self._name, "it is too large", "none")
        try:
            data = json.loads(raw)["data"]
            rows = {int(row["index"]): _numbers(row["embedding"]) for row in data}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise unusable(self._name, "it is no list of vectors", "none") from error
        if set(rows) != set(range(wanted)) or len({len(row) for row in rows.values()}) != 1:
            raise unusable(self._name, f"it does not hold {wanted} vectors of one length", "none")
        return [normal(rows[number]) for number in range(wanted)]


def _numbers(value: Any) -> list[float]:
    if not isinstance(value, list) or not value or not all(type(one) in (int, float) for one in value):
        raise ValueError("not a vector")
    return [float(one) for one in value]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry passages, and the key, elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None
