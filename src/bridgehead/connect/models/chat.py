"""The chat completions wire format, both ways, and the value a model call returns.

Known fields are read, unknown ones ignored: endpoints add their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridgehead.declare.model import Price
from bridgehead.kernel.outcome import Usage

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "messages": {"type": "array", "items": {"type": "object"}},
        "tools": {"type": "array", "items": {"type": "object"}},
        "schema": {"type": ["object", "null"]},
        "max_output_tokens": {"type": "integer", "minimum": 1},
        "stream": {"type": "boolean"},
    },
    "required": ["messages"],
}
"""JSON Schema of the arguments of a model call, for every model driver."""


class Malformed(Exception):
    """An answer that is not the wire format; the words say where."""


def request_body(
    model: str, arguments: Mapping[str, Any], *, most: int, stream: bool, limit_name: str
) -> dict[str, Any]:
    """Return the body of one request. ``most`` caps the output tokens asked for."""
    body: dict[str, Any] = {
        "model": model,
        "messages": arguments["messages"],
        limit_name: min(arguments.get("max_output_tokens") or most, most),
    }
    if arguments.get("tools"):
        body["tools"] = [{"type": "function", "function": dict(tool)} for tool in arguments["tools"]]
    if arguments.get("schema"):
        schema = {"name": "answer", "strict": True, "schema": arguments["schema"]}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def model_value(answer: Any, *, asked: str) -> dict[str, Any]:
    """Return the model value of a whole answer. Raises ``Malformed``."""
    if not isinstance(answer, dict):
        raise Malformed("it is not an object")
    choices = answer.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        raise Malformed("it has no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise Malformed("its first choice has no message")
    refusal, calls = message.get("refusal"), message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise Malformed("its tool calls are not a list")
    return value(
        content=_text(refusal if refusal else message.get("content")),
        tool_calls=[_tool_call(call, n) for n, call in enumerate(calls)],
        finish_reason="refusal" if refusal else str(choices[0].get("finish_reason") or ""),
        model=str(answer.get("model") or asked),
    )


def value(
    *,
    content: str | None,
    tool_calls: Sequence[Mapping[str, str]],
    finish_reason: str,
    model: str,
    stand_in: bool = False,
) -> dict[str, Any]:
    """Return what every model driver answers with, as a plain value."""
    return {
        "content": content,
        "tool_calls": [dict(call) for call in tool_calls],
        "finish_reason": finish_reason,
        "model": model,
        "stand_in": stand_in,
    }


def arguments_text(arguments: object) -> str:
    """Return a tool call's arguments as the text the model wrote; it need not be JSON."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def tokens(answer: Any) -> tuple[int, int] | None:
    """Return input and output tokens as the endpoint counted them, or None where it did not."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if not isinstance(usage, dict):
        return None
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens", 0))
    if all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 10**9 for n in counts):
        return counts  # type: ignore[return-value]  # checked just above
    return None


def usage(counted: tuple[int, int] | None, price: Price | None, *, worst: tuple[int, int]) -> Usage:
    """Return the usage with its cost, exact to the last digit of the price.

    An endpoint that does not count costs the ``worst`` case (a token for each byte sent, all output
    tokens asked for): a budget may be closed too early by that, never too late.
    """
    if price is None:
        cost = Decimal(0)
    else:
        given, taken = counted or worst
        cost = (price.input_per_million * given + price.output_per_million * taken) / 1_000_000
    seen = counted or (0, 0)
    return Usage(input_tokens=seen[0], output_tokens=seen[1], cost=f"{cost.normalize():f}")


def error_words(body: str) -> str:
    """Return an endpoint's own words from an error body, or the body itself."""
    try:
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return body


def _tool_call(call: Any, position: int) -> dict[str, str]:
    function = call.get("function") if isinstance(call, dict) else None
    if not (isinstance(function, dict) and isinstance(function.get("name"), str)):
        raise Malformed("one of its tool calls names no function")
    return {
        "id": str(call.get("id") or f"call_{position}"),
        "name": function["name"],
        "arguments": arguments_text(function.get("arguments", "")),
    }


def _text(content: Any) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    raise Malformed("its content is not text")
