"""Model endpoints that are down, slow, wrong, greedy or curious; and stand-ins that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridgehead.connect import open_model, open_source
from bridgehead.connect.models.frames import Delta
from bridgehead.connect.models.openai import OpenAIModel
from bridgehead.declare.model import Model, Source
from bridgehead.kernel.errors import ConfigError, ConnectError
from bridgehead.kernel.ports import Driver, Reply, Request
from bridgehead.testing import FakeOpenAI
from bridgehead.testing.contract import failure

KEY = "sk-test-0123456789abcdef"
TOOL = {"name": "cancel_order", "description": "Cancel.", "parameters": {"type": "object"}}
CALL = {"name": "cancel_order", "arguments": {"order_id": "#W1"}}


@pytest.fixture
async def endpoint():
    async with FakeOpenAI() as endpoint:
        yield endpoint


@pytest.fixture
async def model(endpoint: FakeOpenAI):
    driver = OpenAIModel("support", settings(endpoint.url), environ={"OPENAI_API_KEY": KEY})
    await driver.open()
    yield driver
    await driver.close()


def settings(url: str, **more: Any) -> Model:
    return Model.model_validate({"driver": "openai", "endpoint": url, "model": "tiny", "region": "eu"} | more)


def ask(deadline: float = 10, **more: Any) -> Request:
    arguments = {"messages": [{"role": "user", "content": "Please."}]} | more
    return Request(operation="support", arguments=arguments, key="k", deadline=deadline)


# --- what is sent and what comes back ---------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_text_and_tool_calls_come_back_the_same_streamed_or_not(
    endpoint: FakeOpenAI, model: OpenAIModel, stream: bool
) -> None:
    endpoint.say("One  moment,\nplease.", tool_calls=[CALL])
    reply = await model.call(ask(tools=[TOOL], stream=stream))
    assert reply.value == {
        "content": "One  moment,\nplease.",
        "tool_calls": [{"id": "call_0", "name": "cancel_order", "arguments": '{"order_id": "#W1"}'}],
        "finish_reason": "tool_calls",
        "model": "tiny",
        "stand_in": False,
    }
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost) == (12, 7, "0")


async def test_the_request_says_what_was_asked(endpoint: FakeOpenAI, model: OpenAIModel) -> None:
    schema = {"type": "object", "properties": {"verdict": {"type": "string"}}}
    await model.call(ask(tools=[TOOL], schema=schema, max_output_tokens=50))
    assert endpoint.requests[0] == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Please."}],
        "max_tokens": 50,
        "tools": [{"type": "function", "function": TOOL}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        },
    }
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_nobody_gets_more_output_than_the_charter_allows(
    endpoint: FakeOpenAI, model: OpenAIModel
) -> None:
    await model.call(ask(max_output_tokens=1_000_000))
    assert endpoint.requests[0]["max_tokens"] == 2048


async def test_the_cost_is_exact(endpoint: FakeOpenAI) -> None:
    price = {"input_per_million": "2.50", "output_per_million": "8.035"}
    async with opened(settings(endpoint.url, price=price)) as model:
        endpoint.say("Yes.", usage={"prompt_tokens": 1_000_003, "completion_tokens": 7})
        assert (await model.call(ask())).usage.cost == "2.500063745"
        endpoint.say("Yes.", usage={"prompt_tokens": 12, "completion_tokens": 0, "details": {"cached": 1}})
        assert (await model.call(ask())).usage.cost == "0.00003"


@pytest.mark.parametrize("counted", [None, {}, {"prompt_tokens": -1}, {"prompt_tokens": "12"}, [], "many"])
async def test_an_endpoint_that_does_not_count_costs_the_worst_case(
    endpoint: FakeOpenAI, counted: object
) -> None:
    price = {"input_per_million": "1000000", "output_per_million": "1000000"}
    async with opened(settings(endpoint.url, price=price)) as model:
        endpoint.say("Yes.", usage=counted)
        usage = (await model.call(ask(max_output_tokens=5))).usage
    sent = len(json.dumps(endpoint.requests[0], separators=(",", ":")))
    assert (usage.input_tokens, usage.output_tokens, usage.cost) == (0, 0, str(sent + 5))


async def test_tool_arguments_that_are_not_json_are_the_callers_to_judge(
    endpoint: FakeOpenAI, model: OpenAIModel
) -> None:
    endpoint.say(tool_calls=[{"name": "cancel_order", "arguments": "{'order_id': #W1"}])
    reply = await model.call(ask())
    assert reply.value["tool_calls"][0]["arguments"] == "{'order_id': #W1"
    assert reply.value["content"] is None


async def test_fields_nobody_knows_are_ignored(endpoint: FakeOpenAI, model: OpenAIModel) -> None:
    endpoint.say("Yes.", system_fingerprint="fp_1", service_tier={"new": [1]}, x_vendor=None)
    assert (await model.call(ask())).value["content"] == "Yes."


async def test_a_models_refusal_is_its_answer(endpoint: FakeOpenAI, model: OpenAIModel) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    endpoint.say(choices=[{"message": message, "finish_reason": "stop"}])
    value = (await model.call(ask())).value
    assert (value["content"], value["finish_reason"]) == ("I cannot help with that.", "refusal")


# --- answers that are none --------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": {"0": 1}}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "Yes."}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": "a", "tool_calls": 7}}]}',
        b'{"choices": [{"message": {"content": "a", "tool_calls": [{"function": {}}]}}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b"[" * 200_000,
        b'{"choices": ' + b"1" * 5000 + b"}",
        b'{"choices": [{"message": {"content": "' + b"x" * 5_000_000 + b'"}}]}',
    ],
)
async def test_a_body_that_is_no_answer_is_refused(
    endpoint: FakeOpenAI, model: OpenAIModel, body: bytes
) -> None:
    endpoint.raw(body)
    error = await failure(model, ask())
    assert (error.code, error.effect_state) == ("BH-CON-014", "unknown")
    assert len(str(error)) < 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: {\n\n",
        b"data: 7\n\n",
        b'data: {"choices": 7}\n\n',
        b'data: {"choices": [{"delta": 7}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": {"a": 1}}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": -1}]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": "f"}]}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "half an ans"}}]}\n\n',
        b'data: {"error": {"message": "out of memory"}}\n\n',
        b"data: " + b"x" * 5_000_000,
        b'data: {"choices": [{"delta": {"content": "' + b"x" * 3_000_000 + b'"}}]}\n\n'
        b'data: {"choices": [{"delta": {"content": "' + b"x" * 3_000_000 + b'"}}]}\n\ndata: [DONE]\n\n',
    ],
)
async def test_a_stream_that_is_no_answer_is_refused(
    endpoint: FakeOpenAI, model: OpenAIModel, body: bytes
) -> None:
    endpoint.raw(body, "text/event-stream")
    error = await failure(model, ask(stream=True))
    assert (error.code, error.effect_state) == ("BH-CON-014", "unknown")
    assert len(str(error)) < 1000


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_that_breaks_midway_is_unknown(
    endpoint: FakeOpenAI, model: OpenAIModel, stream: bool
) -> None:
    endpoint.drop(b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n' if stream else b"")
    error = await failure(model, ask(stream=stream))
    assert (error.code, error.effect_state, error.temporary) == ("BH-CON-015", "unknown", True)


async def test_an_endpoint_that_is_not_there_has_done_nothing() -> None:
    async with opened(settings("http://127.0.0.1:9/v1")) as model:
        error = await failure(model, ask())
    assert (error.code, error.effect_state, error.temporary) == ("BH-CON-015", "none", True)
    assert "127.0.0.1:9" in error.what


@pytest.mark.parametrize(
    ("status", "code", "effect", "temporary"),
    [
        (400, "BH-CON-041", "none", False),
        (401, "BH-CON-041", "none", False),
        (404, "BH-CON-041", "none", False),
        (422, "BH-CON-041", "none", False),
        (429, "BH-CON-040", "none", True),
        (500, "BH-CON-040", "unknown", True),
        (502, "BH-CON-040", "unknown", True),
        (503, "BH-CON-040", "none", True),
        (204, "BH-CON-014", "unknown", False),
    ],
)
async def test_a_status_says_whether_to_ask_again(
    endpoint: FakeOpenAI, model: OpenAIModel, status: int, code: str, effect: str, temporary: bool
) -> None:
    endpoint.fail(status, "This model is loading.", {"Retry-After": "7"})
    error = await failure(model, ask())
    assert (error.code, error.effect_state, error.temporary) == (code, effect, temporary)
    assert status == 204 or "This model is loading." in error.what
    assert ("7 s" in error.fix) == (code == "BH-CON-040")
    assert len(endpoint.requests) == 1, "the driver asked again by itself"


async def test_a_redirect_is_not_followed(endpoint: FakeOpenAI, model: OpenAIModel) -> None:
    async with FakeOpenAI() as elsewhere:
        endpoint.fail(307, "moved", {"Location": elsewhere.url + "/chat/completions"})
        error = await failure(model, ask())
        assert (error.code, elsewhere.requests) == ("BH-CON-041", [])


# --- leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_leaves_hangs_up(endpoint: FakeOpenAI, model: OpenAIModel, stream: bool) -> None:
    endpoint.stall("Well, ") if stream else endpoint.hang()
    call = asyncio.create_task(model.call(ask(deadline=60, stream=stream)))
    await endpoint.asked.wait()
    call.cancel()
    await asyncio.wait_for(endpoint.hung_up.wait(), 10)
    assert call.cancelled()


async def test_a_stream_that_is_left_early_hangs_up(endpoint: FakeOpenAI, model: OpenAIModel) -> None:
    endpoint.stall("Well, ")
    async with aclosing(model.stream(ask(deadline=60))) as pieces:
        async for piece in pieces:
            assert piece == Delta(content="Well, ")
            break
    await asyncio.wait_for(endpoint.hung_up.wait(), 10)


async def test_a_stream_gives_pieces_then_the_whole(endpoint: FakeOpenAI, model: OpenAIModel) -> None:
    endpoint.say("On its way.", tool_calls=[CALL])
    pieces = [piece async for piece in model.stream(ask())]
    whole = pieces.pop()
    assert isinstance(whole, Reply)
    deltas = [piece for piece in pieces if isinstance(piece, Delta)]
    assert "".join(delta.content for delta in deltas) == whole.value["content"] == "On its way."
    assert "".join(delta.arguments for delta in deltas) == whole.value["tool_calls"][0]["arguments"]


async def test_a_streams_deadline_ends_the_stream_not_its_reader(
    endpoint: FakeOpenAI, model: OpenAIModel
) -> None:
    endpoint.stall("Well, ")
    with pytest.raises(ConnectError) as caught:
        async with aclosing(model.stream(ask(deadline=0.3))) as pieces:
            async for _ in pieces:
                pass
    assert (caught.value.code, caught.value.effect_state) == ("BH-CON-013", "unknown")


# --- the key ----------------------------------------------------------------------------------


async def test_the_key_appears_nowhere(
    endpoint: FakeOpenAI, model: OpenAIModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.fail(401, f"Incorrect API key provided: {KEY}.")
    endpoint.fail(400, KEY * 400)
    endpoint.raw(f'data: {{"error": "bad key {KEY}"}}\n\n'.encode(), "text/event-stream")
    endpoint.drop()
    errors = [await failure(model, request) for request in (ask(), ask(), ask(stream=True), ask())]
    said = [caplog.text, repr(model), repr(vars(model)["_settings"])]
    said += [f"{error} {error!r} {error.as_dict()} {error.__cause__!r}" for error in errors]
    assert not [words for words in said if KEY in words or KEY[:12] in words]
    assert "[key]" in str(errors[0])


async def test_a_missing_key_is_named_when_the_endpoint_wants_one(endpoint: FakeOpenAI) -> None:
    async with opened(settings(endpoint.url, key_from="SHOP_KEY"), {}) as model:
        endpoint.fail(401, "no key")
        assert "SHOP_KEY is not set" in (await failure(model, ask())).fix
        assert (await model.call(ask())).value["content"] == "Yes."  # local servers want none
    assert "Authorization" not in endpoint.headers[0]


async def test_a_key_with_a_line_end_inside_is_refused_without_repeating_it(endpoint: FakeOpenAI) -> None:
    model = OpenAIModel("support", settings(endpoint.url), environ={"OPENAI_API_KEY": "sk-a\nX-Evil: 1"})
    with pytest.raises(ConfigError) as caught:
        await model.open()
    assert "sk-a" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "ftp://x/v1", "http://user:pass@x/v1", "https://x/v1?key=1", "x"])
def test_an_endpoint_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        OpenAIModel("support", settings(url), environ={})
    assert caught.value.code == "BH-CON-002"


async def test_the_endpoint_can_come_from_the_environment(endpoint: FakeOpenAI) -> None:
    environ = {"OPENAI_BASE_URL": endpoint.url + "/", "MODEL_NAME": "from-env"}
    async with opened(settings("", model="${MODEL_NAME}"), environ) as model:
        await model.call(ask())
    assert endpoint.requests[0]["model"] == "from-env"
    with pytest.raises(ConfigError, match="MODEL_NAME"):
        OpenAIModel("support", settings("http://x/v1", model="${MODEL_NAME}"), environ={})


@pytest.mark.parametrize("arguments", [{}, {"messages": [float("nan")]}, {"messages": [{1, 2}]}])
async def test_a_question_that_cannot_be_sent_is_not(
    endpoint: FakeOpenAI, model: OpenAIModel, arguments: dict[str, Any]
) -> None:
    error = await failure(model, replace(ask(), arguments=arguments))
    assert (error.code, error.effect_state, endpoint.requests) == ("BH-CON-016", "none", [])


# --- stand-ins --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "def turn(messages, tools):\n    raise ValueError('no')\n",
        "def turn(messages, tools):\n    return 'Yes.'\n",
        "def turn(messages, tools):\n    return {'content': 5}\n",
        "def turn(messages, tools):\n    return {'tool_calls': 'all'}\n",
        "def turn(messages, tools):\n    return {'tool_calls': [{'arguments': {}}]}\n",
        "def turn(messages, tools):\n    return {'tool_calls': [{'name': 'a', 'arguments': {1, 2}}]}\n",
    ],
)
async def test_a_stand_in_that_plays_badly_reaches_nothing(tmp_path: Path, script: str) -> None:
    async with playing(tmp_path, script) as stand_in:
        error = await failure(stand_in, ask())
    assert (error.code, error.effect_state) == ("BH-CON-050", "none")


@pytest.mark.parametrize("script", ["def turn(:", "1 / 0", "turn = 5", "def other(a, b): pass"])
async def test_a_stand_in_that_cannot_be_loaded_does_not_open(tmp_path: Path, script: str) -> None:
    with pytest.raises(ConnectError) as caught:
        async with playing(tmp_path, script):
            pass
    assert caught.value.code == "BH-CON-050"


@pytest.mark.parametrize("script", ["", "play.py", "../play.py:turn", "/etc/passwd:turn", "play.py:a b"])
def test_a_stand_in_is_a_function_in_the_folder(tmp_path: Path, script: str) -> None:
    with pytest.raises(ConfigError):
        open_model("support", Model(driver="stand-in", script=script, region="local"), folder=tmp_path)


async def test_a_stand_in_says_that_it_is_one_and_changes_nothing(tmp_path: Path) -> None:
    script = (
        "def turn(messages, tools):\n"
        "    messages.clear()\n"
        "    return {'tool_calls': [{'name': tools[0]['name'], 'arguments': {'order_id': '#W1'}}]}\n"
    )
    async with playing(tmp_path, script) as stand_in:
        request = ask(tools=[TOOL])
        value = (await stand_in.call(request)).value
    assert value["stand_in"] is True
    assert value["tool_calls"] == [
        {"id": "call_0", "name": "cancel_order", "arguments": '{"order_id": "#W1"}'}
    ]
    assert len(request.arguments["messages"]) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["play.py"], "loading it wrote into the release"


# --- databases that are asked too much --------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "delete from orders",
        "select 1; delete from orders",
        "attach database '/tmp/x.db' as x",
        "pragma writable_schema = 1",
        "create temp table t as select 1",
        "select load_extension('x')",
        "select * from nowhere",
        "with t as (select 1) insert into orders select 'x'",
        "select * from orders where id = :undeclared",
        "vacuum",
        "vacuum into '/tmp/copy.db'",
        "/* select */ begin",
        "",
    ],
)
async def test_a_source_only_reads(tmp_path: Path, sql: str) -> None:
    source = shop(tmp_path, sql or " ;")
    with pytest.raises(ConnectError) as caught:
        await source.open()
    assert (caught.value.code, caught.value.effect_state) == ("BH-CON-061", "none")


async def test_a_source_gives_all_rows_or_none(tmp_path: Path) -> None:
    async with asked(tmp_path, "select * from orders", row_limit=2) as error:
        assert error.code == "BH-CON-063"
    async with asked(tmp_path, "select zeroblob(5000000) as b from orders") as error:
        assert error.effect_state == "none"
    async with asked(tmp_path, "select cast(x'ff' as text) as t") as error:
        assert (error.code, error.temporary) == ("BH-CON-061", False)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"id": 1}, {"id": None}, {"id": "a", "more": "b"}, {"id": ["a"]}],
)
async def test_a_source_takes_exactly_the_declared_parameters(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    sql = "select * from orders where id = :id"
    async with asked(tmp_path, sql, parameters={"id": "text"}, arguments=arguments) as error:
        assert (error.code, error.effect_state) == ("BH-CON-062", "none")


@pytest.mark.parametrize("content", [None, b"", b"not a database at all, just text" * 100])
async def test_a_source_that_is_no_database_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "shop.db").write_bytes(content)
    queries = {"q": {"sql": "select id from orders"}}
    source = open_source("shop", source_settings(queries), folder=tmp_path)
    with pytest.raises(ConnectError) as caught:
        await source.open()
    assert caught.value.code in ("BH-CON-060", "BH-CON-061")


# --- in short ---------------------------------------------------------------------------------


class opened:
    def __init__(self, model: Model, environ: dict[str, str] | None = None) -> None:
        self.driver = OpenAIModel("support", model, environ=environ or {})

    async def __aenter__(self) -> OpenAIModel:
        await self.driver.open()
        return self.driver

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()


class playing:
    def __init__(self, folder: Path, script: str) -> None:
        (folder / "play.py").write_text(script)
        stand_in = Model(driver="stand-in", script="play.py:turn", region="local")
        self.driver = open_model("support", stand_in, folder=folder)

    async def __aenter__(self) -> Driver:
        await self.driver.open()
        return self.driver

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()


class asked:
    """Ask one query and hand out the fault it must end in."""

    def __init__(
        self,
        folder: Path,
        sql: str,
        *,
        parameters: dict[str, str] | None = None,
        arguments: dict[str, Any] | None = None,
        row_limit: int = 1000,
    ) -> None:
        self.driver = shop(folder, sql, parameters=parameters, row_limit=row_limit)
        self.request = Request(operation="q", arguments=arguments or {}, key="k", deadline=10)

    async def __aenter__(self) -> ConnectError:
        await self.driver.open()
        return await failure(self.driver, self.request)

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()


def shop(
    folder: Path, sql: str, *, parameters: dict[str, str] | None = None, row_limit: int = 1000
) -> Driver:
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript(
        "drop table if exists orders; create table orders (id text);"
        "insert into orders values ('a'), ('b'), ('c');"
    )
    connection.close()
    queries = {"q": {"sql": sql, "parameters": parameters or {}}}
    return open_source("shop", source_settings(queries, row_limit), folder=folder)


def source_settings(queries: dict[str, Any], row_limit: int = 1000) -> Source:
    return Source.model_validate(
        {"driver": "sqlite", "path": "shop.db", "region": "eu", "queries": queries, "row_limit": row_limit}
    )
