"""What the system offers over MCP: its tools, and the few messages of the protocol it needs.

Model Context Protocol 2025-06-18, streamable HTTP, without sessions and without streams: one POST, one JSON
answer. Newer clients fall back to this by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bridgehead.testing.hostile_erp.desk import CHANGES, READS, Answered

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_AMOUNT = {"type": "string", "description": "Decimal text, e.g. 120.50."}
_KEY = {
    "type": "string",
    "maxLength": 200,
    "description": "Repeats with the same key are dropped, where the system was started with --keys.",
}


def _tool(name: str, description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema}


TOOLS = (
    _tool(
        "post_order",
        "Post an order to the books.",
        ["reference", "customer", "amount"],
        reference=_TEXT,
        customer=_TEXT,
        amount=_AMOUNT,
        idempotency_key=_KEY,
    ),
    _tool(
        "amend_posting",
        "Change the amount of the newest posting that stands under a reference.",
        ["reference", "amount"],
        reference=_TEXT,
        amount=_AMOUNT,
        idempotency_key=_KEY,
    ),
    _tool(
        "cancel_posting",
        "Cancel the newest posting under a reference.",
        ["reference"],
        reference=_TEXT,
        idempotency_key=_KEY,
    ),
    _tool("find_posting", "Return what is posted under a reference.", ["reference"], reference=_TEXT),
    _tool("list_postings", "Return postings by number.", [], after={"type": "integer", "minimum": 0}),
)
_SCHEMAS: Mapping[str, Any] = {tool["name"]: tool["inputSchema"] for tool in TOOLS}


def arguments_of(name: str, given: Any) -> dict[str, Any]:
    """Return the arguments of a tool as the desk wants them. Raises ``ValueError`` in words."""
    schema = _SCHEMAS[name]
    if not isinstance(given, dict):
        raise ValueError("the arguments are not an object")
    for missing in set(schema["required"]) - given.keys():
        raise ValueError(f"{missing} is missing")
    for field, value in given.items():
        if field not in schema["properties"]:
            raise ValueError(f"there is no argument {field}")
        kind = schema["properties"][field]["type"]
        text = isinstance(value, str) and len(value) <= 200
        number = isinstance(value, int) and not isinstance(value, bool)
        if not (text if kind == "string" else number):
            raise ValueError(f"{field} is not a {kind}")
    return {"key" if field == "idempotency_key" else field: value for field, value in given.items()}


def handshake(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer to a message of the protocol itself, or None where it is a call of a tool."""
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        asked = params.get("protocolVersion")
        return _result(
            message,
            {
                "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "hostile-erp", "version": "1"},
            },
        )
    if method == "ping":
        return _result(message, {})
    if method == "tools/list":
        return _result(message, {"tools": list(TOOLS)})
    if method == "tools/call" and params.get("name") in (*CHANGES, *READS):
        return None
    if method == "tools/call":
        return fault(message, -32602, f"there is no tool {params.get('name')!r}")
    return fault(message, -32601, f"there is no method {method!r}")


def said(message: Mapping[str, Any], answer: Answered) -> dict[str, Any]:
    """Return an answer of the desk as the result of a tool."""
    if answer.refused:
        return _result(message, {"content": [{"type": "text", "text": answer.refused}], "isError": True})
    text = json.dumps(answer.value)
    return _result(
        message,
        {
            "content": [{"type": "text", "text": text}],
            "structuredContent": answer.value,
            "isError": False,
        },
    )


def fault(message: Mapping[str, Any], code: int, words: str) -> dict[str, Any]:
    """Return an error of JSON-RPC 2.0."""
    return {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": code, "message": words}}


def _result(message: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message.get("id"), "result": result}
