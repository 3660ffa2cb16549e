"""From an MCP tool result to the value a run gets."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

from bridgehead.connect.faults import shorten, unusable
from bridgehead.connect.value import json_or_text, recordable
from bridgehead.kernel.ports import Reply


def reply(name: str, result: CallToolResult, field: str) -> Reply:
    """Return the reply of a tool.

    ``isError`` becomes ``refused`` with the server's words. Otherwise the structured answer counts,
    else the text (as JSON where it is JSON). ``field`` names the part of the structured answer that
    is the answer. Raises BH-CON-014 (``unknown``: the tool did run) where there is none.
    """
    if result.is_error:
        return Reply(value=None, refused=_refusal(result, field))
    value = result.structured_content if result.structured_content is not None else _text_value(name, result)
    if field:
        if not isinstance(value, dict) or field not in value:
            raise unusable(name, f"it has no field {field!r}")
        value = value[field]
    return Reply(value=recordable(name, value))


def _text_value(name: str, result: CallToolResult) -> Any:
    texts = _texts(result)
    if result.content and not texts:
        kinds = ", ".join(sorted({block.type for block in result.content}))
        raise unusable(name, f"it holds no text ({kinds})")
    return json_or_text("\n".join(texts))


def _refusal(result: CallToolResult, field: str) -> str:
    structured = result.structured_content
    words = structured.get(field) if field and isinstance(structured, dict) else None
    if not isinstance(words, str):
        words = "\n".join(_texts(result))
    clean = words.encode("utf-8", "replace").decode()
    return shorten(clean) or "It answered with an error and no words."


def _texts(result: CallToolResult) -> list[str]:
    texts = []
    for block in result.content:
        if isinstance(block, TextContent):
            texts.append(block.text)
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
            texts.append(block.resource.text)
    return texts
