"""DOCX: by its headings, through ``mammoth``. What unpacks to more than was agreed is refused first."""

from __future__ import annotations

import io
import re
import zipfile

from bridgehead.connect.collections.html_text import html_of
from bridgehead.connect.collections.text import Text, Unreadable

MAX_PARTS = 5000
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def docx(data: bytes, max_bytes: int) -> Text:
    """Return what a document says. Raises ``Unreadable``: no archive, too much in it, encrypted, entities."""
    _require_harmless(data, max_bytes)
    try:
        import mammoth
    except ImportError as error:
        raise Unreadable("DOCX needs a package: pip install 'bridgehead[documents]'") from error
    found = mammoth.convert_to_html(
        io.BytesIO(data), convert_image=lambda image: [], include_embedded_style_map=False
    )
    return html_of(found.value)


def _require_harmless(data: bytes, max_bytes: int) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("it is encrypted, or of the old kind (.doc)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > max_bytes:
                raise Unreadable(f"it unpacks to more than {max_bytes} bytes")
            if any(part.flag_bits & 1 for part in parts):
                raise Unreadable("it is encrypted")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and _entities(archive.read(part)):
                    raise Unreadable("it declares entities")
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:  # also a compression nobody knows
        raise Unreadable("it is no DOCX: its archive is broken") from error


def _entities(part: bytes) -> bool:
    return bool(_DOCTYPE.search(part.replace(b"\x00", b"")))
