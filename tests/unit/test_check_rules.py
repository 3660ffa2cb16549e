# ruff: noqa: E501 - one rule, one line: the table is read as a table
"""Every rule of ``bridgehead check``, both ways: what it finds, and the nearest thing it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bridgehead.check import blocks, readiness, rules
from bridgehead.declare import load
from bridgehead.enforce.policy import faults
from bridgehead.enforce.sql.declared import misfits
from bridgehead.kernel.errors import PolicyError
from bridgehead.kernel.finding import Finding
from bridgehead.watch.contract.misfits import misfits as contracts
from fixtures.charters import ROOT, Folder


class Case(NamedTuple):
    """``broken`` must be found on the one line that holds ``at``; ``near`` must not be found."""

    rule: str
    broken: Callable[[Folder], object]
    at: str
    near: Callable[[Folder], object]
    file: str = "charter.yaml"


def swap(*pairs: str, file: str = "charter.yaml") -> Callable[[Folder], object]:
    """Return a change of the folder: old, new, old, new..."""

    def change(folder: Folder) -> None:
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            folder.change(old, new, file=file)

    return change


def code(line: str, *, at_top: str = "", file: str = "workflow.py") -> Callable[[Folder], object]:
    """Return a change that puts a line into the workflow."""

    def change(folder: Folder) -> None:
        folder.change(
            "    answer: dict[str, Any] = outcome.value\n",
            f"    {line}\n    answer: dict[str, Any] = outcome.value\n",
            file=file,
        )
        folder.change("from typing import Any\n", f"from typing import Any\n{at_top}\n", file=file)

    return change


def cedar(text: str) -> Callable[[Folder], object]:
    """Return a change that adds to the policy file."""

    def change(folder: Folder) -> None:
        folder.write("policy.cedar", folder.text("policy.cedar") + "\n" + text + "\n")

    return change


def nothing(folder: Folder) -> None:
    """Leave the folder as ``init`` writes it."""


REVIEW = "approvals:\n  after:\n    question: Was it an emergency?\n    who: desk-leads\n    within: 1d\n"
BY_REVIEW = "    emergency: {who: desk-leads, review_within: 24h, review: after}\n"
LEADS = "    groups: [desk-leads]\n    roles: [owner, approver]\n  sam:"
HAZARDS = "hazards:\n  wrong-refund:\n    description: A customer is refunded more than the ticket cost\n    detector: Refunds of the day compared with what the tickets cost\n    response: stop\n    drill: Ask for a refund of 500 USD on a ticket that cost 20, in staging, every month\n"
CLOSE_PROBE = "    probe:                     # how to ask whether it landed, when its answer was lost\n      action: read_ticket\n      arguments: {ticket_id: arguments.ticket_id}\n      landed: facts.py:is_closed\n      strength: strong\n"
REFUND_PROBE = "    probe:                     # the desk gives one refund a ticket, so reading it back settles it\n      action: read_ticket\n      arguments: {ticket_id: arguments.ticket_id}\n      landed: facts.py:is_refunded\n      strength: strong\n"
WHEN = "    when:\n      refund_customer: amount > 50 USD    # change this limit, and see what happens\n"
PRICE = "    price:                     # without a price there is no budget\n      input_per_million: 0.50\n      output_per_million: 1.50\n      currency: USD\n"
STAND_IN = "  played:\n    driver: stand-in           # a labelled script that answers while no endpoint is set\n    script: stand_in.py:play\n    instead_of: assistant\n    region: local\n"
POLICIES = "policies: [policy.cedar]"
SOURCE = "sources:\n  crm:\n    driver: sqlite\n    path: {path}\n    region: eu\n    queries:\n      orders: {{sql: {sql}, parameters: {{{parameters}}}}}\n"
TABLES = "sources:\n  crm:\n    driver: sqlite\n    path: crm.db\n    region: eu\n    tables:\n      orders:\n        columns: {{id: integer, owner: text}}\n        grants:\n          - to: [desk-leads]\n            rows: {rows}\n            show: [id]\n"
BOOK = "collections:\n  book:\n    title: Book\n    folder: {folder}\n    region: {region}\n    tags: [{tags}]\n    readers: [{{to: [desk-leads]}}]\n{more}"
NEW = '@id("new") @words("Because.")\n'


def source(path: str = "crm.db", sql: str = "select 1", parameters: str = "") -> Callable[[Folder], object]:
    def change(folder: Folder) -> None:
        folder.write("crm.db", "")
        text = SOURCE.format(path=path, sql=sql, parameters=parameters)
        folder.write("charter.yaml", folder.text("charter.yaml") + text)

    return change


def tables(rows: str) -> Callable[[Folder], object]:
    """Return the change that adds a table, and an attribute that one of the two leads has."""

    def change(folder: Folder) -> None:
        folder.write("crm.db", "")
        folder.change("    name: Ines Okafor", "    attributes: {team: east}\n    name: Ines Okafor")
        folder.write("charter.yaml", folder.text("charter.yaml") + TABLES.format(rows=rows))

    return change


PROMISE = "apiVersion: v3.1.0\nkind: DataContract\nid: crm\nname: crm\nversion: 1.0.0\nstatus: {status}\nschema:\n  - name: {name}\n    logicalType: object\n    properties:\n      - {{name: id, logicalType: integer, {clause}: true}}\n      - {{name: owner, logicalType: string}}\n"


def contract(
    name: str = "orders", clause: str = "required", status: str = "active"
) -> Callable[[Folder], object]:
    """Return the change that adds a table and its contract."""

    def change(folder: Folder) -> None:
        tables("owner = :subject")(folder)
        folder.change("    path: crm.db\n", "    path: crm.db\n    contract: crm.odcs.yaml\n")
        folder.write("crm.odcs.yaml", PROMISE.format(name=name, clause=clause, status=status))

    return change


def fed(
    folder: str = "../crm-drop", totals: str = "{batch}.json", segment: str = "id"
) -> Callable[[Folder], object]:
    """Return the change that lets a table come in batches, each with control totals; its folder is there."""

    def change(there: Folder) -> None:
        contract()(there)
        (there.path / "../crm-drop").mkdir(exist_ok=True)
        there.change("    driver: sqlite\n    path: crm.db\n", "    driver: duckdb\n")
        feed = f'        feed: {{folder: {folder}, files: "orders_*.csv", holds: all}}\n'
        there.change(
            "        columns: {id: integer, owner: text}\n",
            feed + "        columns: {id: integer, owner: text}\n",
        )
        value = f"    customProperties:\n      - {{property: bridgeheadControlTotals, value: {{manifest: '{totals}', rows: n}}}}\n"
        value += f"      - {{property: bridgeheadSegment, value: {segment}}}\n"
        there.change("    logicalType: object\n", "    logicalType: object\n" + value, file="crm.odcs.yaml")

    return change


def book(
    folder: str = "/", region: str = "eu", tags: str = "", cleared: str = "", more: str = ""
) -> Callable[[Folder], object]:
    """Return the change that adds a collection that the agent may search."""

    def change(there: Folder) -> None:
        there.write("pages/one.md", "One.").write("rights.json", "{}")
        text = BOOK.format(folder=folder, region=region, tags=tags, more=more)
        there.write("charter.yaml", there.text("charter.yaml") + text)
        models = "    models: [assistant, played]\n"
        there.change(models, f"{models}    collections: [book]\n    tags: [{cleared}]\n")

    return change


def nightly(principal: str, when: str) -> Callable[[Folder], object]:
    """Return the change that adds a schedule on working days, and Ivo, who has left."""
    text = f"""schedules:
  nightly:
    workflow: ticket
    when: "{when}"
    calendar: office
    principal: {principal}
    input: {{ticket_id: t1}}
calendars: {{office: {{timezone: Europe/Berlin}}}}
workflows:
"""
    return swap("workflows:\n", text, "people:\n", "people:\n  ivo: {name: Ivo Gone, active: false}\n")


def promise(group: str, rule: str = "sick_data: large-refund\n") -> Callable[[Folder], object]:
    """Return the change that lets the workflow promise an accuracy, looked at by a group."""
    at = "    words: [ticket_id]         # whoever starts a run says which ticket: their own words\n"
    text = f"    accuracy: {{floor: 0.9, reviewers: {group}, shows: [result]}}\n"
    empty = "groups:\n  auditors: {description: Look at results.}\n"
    return swap(at, at + text, "groups:\n", empty, "workflows:\n", f"{rule}workflows:\n")


def needs(rule: str) -> Callable[[Folder], object]:
    """Return the change that lets the workflow need a column."""
    at = "    words: [ticket_id]         # whoever starts a run says which ticket: their own words\n"
    text = "    needs: {crm.orders: {owner: The answer is for them.}}\n"
    return swap(at, at + text, "workflows:\n", f"{rule}{TABLES.format(rows='all')}workflows:\n")


def unspoken(folder: Folder) -> None:
    """Let no approval, policy or hazard speak of the refund."""
    folder.change(WHEN, "")
    folder.write(
        "policy.cedar",
        '@id("x") @words("x") forbid (principal, action == BH::Action::"reopen_ticket", resource);',
    )


def unspoken_but_watched(folder: Folder) -> None:
    unspoken(folder)
    folder.change("detector: Refunds of the day", "detector: refund_customer of the day")


CASES = [
    # ownership
    Case("BH-CHK-001", swap("deputy: jon\n", "deputy: ines\n"), "deputy: ines", nothing),
    Case("BH-CHK-002", swap("    name: Ines Okafor", "    active: false\n    name: Ines Okafor"), "person: ines", swap("    name: Ines Okafor", "    active: true\n    name: Ines Okafor")),
    Case("BH-CHK-002", swap("    name: Sam Lindqvist", "    active: false\n    name: Sam Lindqvist"), "sponsor: sam", nothing),
    Case("BH-CHK-003", swap("  escalation: [jon]\n", ""), "\nowner:", nothing),
    Case("BH-CHK-004", swap("ines@example.com", "support-team@example.com"), "support-team@", swap("ines@example.com", "supporting.ines@example.com")),
    Case("BH-CHK-005", swap("    email: jon@example.com\n", ""), "  jon:", swap("    email: sam@example.com\n", "")),
    Case("BH-CHK-006", swap(LEADS, LEADS.replace("owner, ", "")), "  jon:", nothing),
    Case("BH-CHK-007", swap("baseline: 61 % (January to March)", "baseline: to be defined"), "baseline:", swap("baseline: 61 % (January to March)", "baseline: 7 of 10 tickets")),
    Case("BH-CHK-007", swap("target: 80 % within three months", "target: TBD"), "target: TBD", nothing),
    # actions
    Case("BH-CHK-010", unspoken, "effect: final", unspoken_but_watched),
    Case("BH-CHK-010", unspoken, "effect: final", swap(WHEN, "")),
    Case("BH-CHK-011", swap("    title: Read ticket", "    tool: update_ticket\n    title: Read ticket"), "effect: read\n", swap("    title: Read ticket", "    tool: settings\n    title: Read ticket")),
    Case("BH-CHK-012", swap(CLOSE_PROBE, ""), "  close_ticket:", swap(CLOSE_PROBE, "    key_argument: request_id\n")),
    Case("BH-CHK-013", swap(REFUND_PROBE, ""), "  refund_customer:\n", swap(REFUND_PROBE, "    key_argument: request_id\n")),
    Case("BH-CHK-014", swap("    sensitive: [ticket_id, amount]\n", ""), "outward: true", swap("    sensitive: [answer]\n", "")),
    Case("BH-CHK-015", unspoken, "amount: arguments.amount", swap(WHEN, "")),
    Case("BH-CHK-016", swap(", refund_customer]\n", "]\n"), "  refund_customer:\n", swap("close_ticket, reopen_ticket, ", "close_ticket, ")),
    Case("BH-CHK-017", swap("    agent: desk\n", "    agent: desk\n    subject: customer\n"), "  close_ticket:", swap("    agent: desk\n", "    agent: desk\n    bindings: [customer]\n")),
    Case("BH-CHK-018", swap("      answer: {type: string}", "      answer: {maxLength: 9}"), "maxLength", swap("      answer: {type: string}", "      answer: {enum: [a, b]}")),
    Case("BH-CHK-028", swap(CLOSE_PROBE, "    settled_by: night-shift\n" + CLOSE_PROBE, "groups:\n", "groups:\n  night-shift: {description: Nobody yet}\n"), "settled_by", swap(CLOSE_PROBE, "    settled_by: desk-leads\n" + CLOSE_PROBE)),
    Case("BH-CHK-029", swap(CLOSE_PROBE, "    key_argument: request_id\n    repeats: kept\n"), "  close_ticket:", swap(CLOSE_PROBE, "    key_argument: request_id\n")),
    Case("BH-CHK-019", swap(CLOSE_PROBE, CLOSE_PROBE.replace("strong", "weak")), "strength: weak", nothing),
    # questions to people
    Case("BH-CHK-020", swap("    email: sam@example.com\n", "    email: sam@example.com\n    groups: [desk-leads]\n", "quorum: 1", "quorum: 3"), "    who: desk-leads\n    quorum", swap("    email: sam@example.com\n", "    email: sam@example.com\n    groups: [desk-leads]\n", "quorum: 1", "quorum: 2")),
    Case("BH-CHK-021", swap(WHEN, ""), "  large-refund:", nothing),
    Case("BH-CHK-021", swap(WHEN, ""), "  large-refund:", lambda f: (swap(WHEN, "")(f), code('await run.decide("large-refund", question="?")')(f))),
    Case("BH-CHK-021", swap("approvals:\n", REVIEW), "  after:", swap("approvals:\n", REVIEW, WHEN, WHEN + BY_REVIEW)),
    Case("BH-CHK-022", swap(LEADS, LEADS.replace(", approver", "")), "  jon:", nothing),
    Case("BH-CHK-023", swap("quorum: 1", "quorum: 2"), "quorum: 2", nothing),
    Case("BH-CHK-024", swap("    email: sam@example.com\n", "    email: sam@example.com\n    groups: [desk-leads]\n", "quorum: 1", "quorum: 2"), "    who: desk-leads\n    quorum", swap("    email: sam@example.com\n", "    email: sam@example.com\n    groups: [desk-leads]\n")),
    # models
    Case("BH-CHK-030", swap("    region: eu\n    price", "    region: us\n    price"), "region: us", swap("    region: eu\n    price", "    region: us\n    price", "[eu, local]", "[eu, us, local]")),
    Case("BH-CHK-031", swap(PRICE, ""), "  assistant:", nothing),
    Case("BH-CHK-032", swap("      currency: USD", "      currency: EUR"), "    price:", swap("      currency: USD", "      currency: EUR", "0.20 USD", "0.20 EUR", "day_cost: 20 USD", "day_cost: 20 EUR")),
    Case("BH-CHK-033", swap('endpoint: "" ', 'endpoint: "http://llm.example/v1" '), "endpoint:", swap('endpoint: "" ', 'endpoint: "http://127.0.0.1:8080/v1" ')),
    Case("BH-CHK-033", swap('endpoint: "" ', 'endpoint: "http://localhost.evil.example/v1" '), "endpoint:", swap('endpoint: "" ', 'endpoint: "https://llm.example/v1" ')),
    Case("BH-CHK-034", swap("stage: staging ", "stage: production "), "driver: stand-in", swap("stage: staging ", "stage: production ", STAND_IN, "", "[assistant, played]", "[assistant]")),
    Case("BH-CHK-035", swap("run_cost: 0.20 USD", "run_cost: 21 USD"), "run_cost", swap("run_cost: 0.20 USD", "run_cost: 20 USD")),
    Case("BH-CHK-036", swap("    instead_of: assistant\n", "", "[assistant, played]", "[assistant]"), "  played:", nothing),
    Case("BH-CHK-037", swap("models: [assistant, played]", "models: [assistant]"), "models: [assistant]", swap("models: [assistant, played]", "models: []")),
    # workflow code
    Case("BH-CHK-040", code("now = datetime.now()", at_top="from datetime import datetime"), "now = datetime.now()", code("now = await run.now()"), "workflow.py"),
    Case("BH-CHK-040", code("now = clock.time()", at_top="import time as clock"), "now = clock.time()", code("now = datetime.fromisoformat('2026-01-01')", at_top="from datetime import datetime"), "workflow.py"),
    Case("BH-CHK-041", code("n = random.random()", at_top="import random"), "n = random", code("n = await run.random()"), "workflow.py"),
    Case("BH-CHK-041", code("n = uuid4()", at_top="from uuid import uuid4"), "import uuid4", code("n = UUID(int=1)", at_top="from uuid import UUID"), "workflow.py"),
    Case("BH-CHK-042", code("n = os.environ['X']", at_top="import os"), "os.environ", code("n = os.path.join('a', 'b')", at_top="import os"), "workflow.py"),
    Case("BH-CHK-043", code("n = open('x').read()"), "open('x')", code("n = run.document('refund-policy')"), "workflow.py"),
    Case("BH-CHK-043", code("n = Path('x').read_text()", at_top="from pathlib import Path"), ".read_text()", code("n = Path('x').name", at_top="from pathlib import Path"), "workflow.py"),
    Case("BH-CHK-044", code("n = requests.get('x')", at_top="import requests"), "n = requests.get", code("n = urllib.parse.quote('x')", at_top="import urllib.parse"), "workflow.py"),
    Case("BH-CHK-044", code("n = httpx.get('x')", at_top="import httpx"), "import httpx", nothing, "workflow.py"),
    Case("BH-CHK-045", code("t = asyncio.create_task(f())", at_top="import asyncio"), "asyncio.create_task", code("t = await run.gather(f)"), "workflow.py"),
    Case("BH-CHK-046", code("eval('1')"), "eval('1')", code("run.evaluate = 1"), "workflow.py"),
    Case("BH-CHK-047", code('await run.act("delete_ticket")'), "delete_ticket", code('await run.act("read_ticket")'), "workflow.py"),
    Case("BH-CHK-047", code('await run.ask("assistent", messages=[])'), "assistent", code('await run.ask("assistant", messages=[])'), "workflow.py"),
    Case("BH-CHK-047", code('await run.decide("refund", question="?")'), "run.decide", code('await run.decide("reopening", question="?")'), "workflow.py"),
    Case("BH-CHK-047", code('run.document("policy")'), '("policy")', code("run.document(name)"), "workflow.py"),
    # schedules
    Case("BH-CHK-085", nightly("ivo", "30 2 * * *"), "principal: ivo", nightly("sam", "30 2 * * *")),
    Case("BH-CHK-086", nightly("sam", "30 2 * * sat"), "when: \"30", nightly("sam", "30 2 * * fri")),
    # accuracy
    Case("BH-CHK-120", promise("auditors"), "accuracy:", promise("desk-leads")),
    Case("BH-CHK-121", promise("desk-leads", ""), "accuracy:", promise("desk-leads")),
    Case("BH-CHK-125", needs(""), "needs:", needs("sick_data: large-refund\n")),
    # policies
    Case("BH-CHK-050", cedar(NEW + "forbid (principal, action, resource) whenever { true };"), '@id("new")', cedar(NEW + "forbid (principal, action, resource) when { false };"), "policy.cedar"),
    Case("BH-CHK-050", cedar(NEW + "forbid (principal == ?principal, action, resource);"), '@id("refund.no-more-than-paid")', nothing, "policy.cedar"),
    Case("BH-CHK-051", cedar('@words("Because.")\nforbid (principal, action, resource) when { false };'), '@words("Because.")', cedar(NEW + "forbid (principal, action, resource) when { false };"), "policy.cedar"),
    Case("BH-CHK-052", cedar('@words("Because.") @id("refund.once")\nforbid (principal, action, resource) when { false };'), '@words("Because.")', nothing, "policy.cedar"),
    Case("BH-CHK-053", cedar('@id("new")\nforbid (principal, action, resource) when { false };'), '@id("new")', nothing, "policy.cedar"),
    Case("BH-CHK-054", swap('@ask("reopening")', '@ask("reopen")', file="policy.cedar"), '@id("reopen.asks-a-lead")', nothing, "policy.cedar"),
    Case("BH-CHK-055", swap('contains("reopening")', 'contains("large-refund")', file="policy.cedar"), '@id("reopen.asks-a-lead")', nothing, "policy.cedar"),
    Case("BH-CHK-056", cedar('@ask("reopening")' + NEW + "permit (principal, action, resource);"), '@ask("reopening")@id', nothing, "policy.cedar"),
    Case("BH-CHK-057", swap("context.facts.paid", "context.facts.payed", file="policy.cedar"), POLICIES, nothing),
    Case("BH-CHK-058", cedar(NEW + 'forbid (principal, action == BH::Action::"pay", resource);'), '@id("new")', cedar(NEW + 'forbid (principal, action == BH::Action::"model", resource) when { false };'), "policy.cedar"),
    Case("BH-CHK-059", lambda f: f.write("more/other.cedar", ""), "", lambda f: f.write("more/other.txt", ""), "more/other.cedar"),
    # retention and sources
    Case("BH-CHK-060", swap("bodies: 365d ", "bodies: 182d "), "bodies: 182d", swap("bodies: 365d ", "bodies: 183d ")),
    Case("BH-CHK-060", swap("entries: 3650d", "entries: 4h"), "entries: 4h", nothing),
    Case("BH-CHK-061", swap("entries: 3650d", "entries: 364d"), "bodies: 365d", swap("entries: 3650d", "entries: 365d")),
    Case("BH-CHK-065", source(path="gone.db"), "path: gone.db", source()),
    Case("BH-CHK-066", source(sql="delete from t"), "orders:", source(sql="\"select 'delete; from' as x -- drop\"")),
    Case("BH-CHK-066", source(sql='"select 1; select 2"'), "orders:", source(sql='"with a as (select 1) select * from a;"')),
    Case("BH-CHK-067", source(sql='"select * from t where id = :id"'), "orders:", source(sql='"select * from t where id = :id"', parameters="id: text")),
    Case("BH-CHK-067", source(parameters="id: text"), "orders:", source(sql="\"select '12:30'\"")),
    # rights on tables: tests/unit/test_sql_rights.py says more
    Case("BH-CHK-068", tables("nobody = :subject"), "rows:", tables("owner = :subject")),
    Case("BH-CHK-069", tables("owner = :team"), "rows:", tables("owner = :subject")),
    # origins
    Case("BH-CHK-090", swap("provenance: enforced\nunendorsed: unusual-value\n", ""), "\nactions:", nothing),
    Case("BH-CHK-091", swap("    words: [ticket_id] ", "    # "), "  ticket:\n    function", nothing),
    # documents
    Case("BH-CHK-100", book("gone"), "folder: gone", book("pages")),
    Case("BH-CHK-101", book("pages"), "folder: pages", book("/")),
    Case("BH-CHK-102", book(), "  book:", book(more="    embeddings: {driver: wordllama, region: local}\n")),
    Case("BH-CHK-103", book(more="    embeddings: {driver: openai, model: x, region: us}\n"), "embeddings:", book(more="    embeddings: {driver: openai, model: x, region: eu}\n")),
    Case("BH-CHK-104", book(more="    access: {file: gone.json, max_age: 1h}\n"), "file: gone.json", book(more="    access: {file: rights.json, max_age: 1h}\n")),
    Case("BH-CHK-105", book(region="us"), "collections: [book]", book(region="eu")),
    Case("BH-CHK-106", book(tags="pii, board", cleared="pii"), "collections: [book]", book(tags="pii", cleared="pii, board")),
    Case("BH-CHK-110", contract(clause="requierd"), "      - {name: id", contract(), "crm.odcs.yaml"),
    Case("BH-CHK-111", contract(name="invoices"), "      orders:\n        columns", contract()),
    Case("BH-CHK-112", fed(folder="../gone"), "        feed:", fed()),
    Case("BH-CHK-113", fed(totals="totals.json"), "{property: bridgeheadControlTotals", fed(), "crm.odcs.yaml"),
    Case("BH-CHK-114", fed(segment="owner"), "  - name: orders", fed(), "crm.odcs.yaml"),
    Case("BH-CHK-115", contract(status="draft"), "status: draft", contract(), "crm.odcs.yaml"),
    # hazards and secrets
    Case("BH-CHK-070", swap("detector: Refunds of the day compared with what the tickets cost", "detector: none"), "detector: none", nothing),
    Case("BH-CHK-071", swap("drill: Ask for a refund of 500 USD on a ticket that cost 20, in staging, every month", "drill: TODO"), "drill: TODO", nothing),
    Case("BH-CHK-072", swap(HAZARDS, ""), "  refund_customer:\n", nothing),
    Case("BH-CHK-080", lambda f: f.write("notes.md", "use sk-proj-" + "a1B2" * 8), "use", lambda f: f.write("notes.md", "use sk-learn or ${OPENAI_API_KEY}"), "notes.md"),
    Case("BH-CHK-080", lambda f: f.write("notes.md", "postgresql://me:hunter22@db/x"), "postgresql", lambda f: f.write("notes.md", "postgresql://me:${PASSWORD}@db/x"), "notes.md"),
    Case("BH-CHK-081", swap('DESK_FILE: "{state}/desk.json" ', "DESK_TOKEN: abc123 "), "DESK_TOKEN", swap('DESK_FILE: "{state}/desk.json" ', "DESK_TOKEN: ${DESK_TOKEN} ")),
    Case("BH-CHK-081", swap('"{python}", desk.py]', '"{python}", desk.py, --api-key=abc123]'), "--api-key", swap('"{python}", desk.py]', '"{python}", desk.py, --port=1]')),
    Case("BH-CHK-095", swap("    effect: final\n", "    effect: final   # guess: its name\n"), "    effect: final   # guess", swap("title: Read ticket {ticket_id}", 'title: "Read # guess: {ticket_id}"')),
    Case("BH-CHK-096", lambda f: f.change("stage: staging", "stage: production").change("    effect: final\n", "    effect: final   # guess: its name\n"), "    effect: final   # guess", swap("stage: staging", "stage: production")),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "help-desk")


def found(folder: Folder, rule: str = "") -> list[Finding]:
    return [
        finding for finding in readiness(folder.load(), faults, misfits, contracts) if rule in finding.rule
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_rule_finds_what_it_is_for_and_leaves_the_rest(folder: Folder, tmp_path: Path, case: Case) -> None:
    case.broken(folder)
    near = Folder(tmp_path / "near")
    case.near(near)

    findings = found(folder, case.rule)

    assert place(folder, case) in [finding.where for finding in findings]
    assert all(finding.words and finding.fix for finding in findings)
    assert found(near, case.rule) == []


def place(folder: Folder, case: Case) -> str:
    text = folder.text(case.file)
    assert text.count(case.at) == 1 or not case.at, f"{case.at!r} stands {text.count(case.at)} times"
    return f"{case.file}:{text.count(chr(10), 0, text.index(case.at) + case.at.startswith(chr(10))) + 1}"


def test_every_rule_is_tested() -> None:
    assert sorted({case.rule for case in CASES}) == sorted(rule.id for _, rule in rules())


def test_the_folder_that_init_writes_has_no_finding(folder: Folder) -> None:
    assert found(folder) == []


def test_the_shipped_example_has_nothing_in_the_way() -> None:
    assert not blocks(readiness(load(ROOT / "examples" / "retail-support"), faults))


def test_what_blocks_comes_first(folder: Folder) -> None:
    folder.change("  escalation: [jon]\n", "").change("deputy: jon\n", "deputy: ines\n")

    findings = found(folder)

    assert [finding.severity for finding in findings] == ["block", "warn"]
    assert blocks(findings)
    assert not blocks(findings[1:])


def test_a_secret_is_never_repeated(folder: Folder) -> None:
    secret = "ghp_" + "x9Y8" * 9
    folder.write("notes.md", f"token: {secret}")

    (finding,) = found(folder, "BH-CHK-080")

    assert secret[:4] in finding.words
    assert secret not in str(finding)


def test_code_that_a_workflow_imports_is_read_too(folder: Folder) -> None:
    folder.write("steps/refund.py", "import random\n").write("steps/__init__.py", "")
    folder.change(
        "from typing import Any\n", "from typing import Any\nfrom steps.refund import x\n", file="workflow.py"
    )

    assert [finding.where for finding in found(folder, "BH-CHK-041")] == ["steps/refund.py:1"]


def test_programs_the_deployment_only_starts_may_do_anything(folder: Folder) -> None:
    folder.change("import os\n", "import os\nimport random\n", file="desk.py")

    assert found(folder) == []


def test_facts_must_be_as_repeatable_as_workflows(folder: Folder) -> None:
    folder.change("from typing import Any\n", "from typing import Any\nimport random\n", file="facts.py")

    assert [finding.where for finding in found(folder, "BH-CHK-041")] == [
        folder.line("import random", file="facts.py")
    ]


def test_a_policy_engine_that_raises_is_a_finding(folder: Folder) -> None:
    def broken(_: object) -> list[PolicyError]:
        raise PolicyError("BH-POL-002", "it cannot be parsed", fix="Repair it.", where="policy.cedar:3")

    (finding,) = readiness(folder.load(), broken)

    assert (finding.rule, finding.where, finding.fix) == ("BH-CHK-057", "policy.cedar:3", "Repair it.")


def test_without_an_engine_policies_are_still_read(folder: Folder) -> None:
    cedar("permit (")(folder)

    assert [finding.rule for finding in readiness(folder.load())] == ["BH-CHK-050"]
