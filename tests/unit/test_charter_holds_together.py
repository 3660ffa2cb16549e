# ruff: noqa: E501 - one slip, one line: the table is read as a table
"""Every name a charter uses must be declared: each slip is named with its line and its fix."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from bridgehead.declare import limit, load
from fixtures.charters import ROOT, Folder

CLOSE = "    undo: reopen_ticket\n    undo_arguments:\n      ticket_id: arguments.ticket_id\n    probe:"
WORDS = "    words: [ticket_id]         # whoever starts a run says which ticket: their own words\n"
PROMISE = "    accuracy: {{floor: 0.9, reviewers: desk-leads, shows: [result.answer], {more}}}\n"
CRM = """sources:
  crm:
    driver: sqlite
    path: crm.db
    region: eu
    tables: {orders: {columns: {id: integer}, grants: [{to: [desk-leads], rows: all, show: [id]}]}}
"""
QUERY = """sources:
  crm:
    driver: sqlite
    path: facts.py
    region: eu
    queries:
      orders: {sql: select 1}
"""


class Slip(NamedTuple):
    """One change of the charter, and what is said about it: code, the line's text, words of the fix."""

    old: str
    new: str
    code: str
    at: str
    fix: str


SLIPS = {
    # what the types say
    "no owner": Slip("owner:\n  person: ines\n  deputy: jon\n  escalation: [jon]\n", "", "BH-CHA-013", "bridgehead: 1", "Add `owner:`"),
    "no deputy": Slip("  deputy: jon\n", "", "BH-CHA-013", "owner:", "Add `deputy:` under `owner`"),
    "an unknown key": Slip("    sponsor: sam", "    sponser: sam\n    sponsor: sam", "BH-CHA-012", "sponser", "Did you mean `sponsor`?"),
    "a number for a name": Slip("name: Jon Bauer", "name: 7", "BH-CHA-014", "name: 7", "Write text"),
    "text for a number": Slip("quorum: 1", 'quorum: "1"', "BH-CHA-014", "quorum:", "without quotes"),
    "a word for a list": Slip("regions: [eu, local]", "regions: eu", "BH-CHA-014", "regions: eu", "one item per line"),
    "a list for a block": Slip("  desk-leads:\n    description: Team leads of the help desk, who answer for refunds", "  - desk-leads", "BH-CHA-014", "groups:\n", "Indent"),
    "a word for true": Slip("outward: true ", "outward: yes ", "BH-CHA-014", "outward: yes", "`true` or `false`"),
    "an unknown effect": Slip("effect: final", "effect: finale", "BH-CHA-014", "effect: finale", "'read', 'write' or 'final'"),
    "no duration": Slip("    within: 4h", "    within: soon", "BH-CHA-014", "within: soon", "example"),
    "no amount": Slip("run_cost: 0.20 USD", "run_cost: 20 cents", "BH-CHA-014", "run_cost", "example"),
    "no quorum": Slip("quorum: 1", "quorum: 0", "BH-CHA-014", "quorum: 0", "at least 1"),
    "a currency in words": Slip("      currency: USD", "      currency: Dollar", "BH-CHA-014", "Dollar", "three capital letters"),
    "a name with capitals": Slip("  ines:", "  Ines:", "BH-CHA-015", "  Ines:", "lower case"),
    # people
    "an unknown owner": Slip("person: ines", "person: inez", "BH-CHA-020", "person: inez", "Did you mean `ines`?"),
    "an unknown deputy": Slip("deputy: jon\n", "deputy: jan\n", "BH-CHA-020", "deputy: jan", "Did you mean `jon`?"),
    "an unknown escalation": Slip("[jon]", "[jon, kim]", "BH-CHA-020", "escalation", "Or declare `kim`"),
    "an unknown sponsor": Slip("sponsor: sam", "sponsor: samuel", "BH-CHA-020", "sponsor: samuel", "Did you mean `sam`?"),
    "an unknown group": Slip("who: desk-leads\n    quorum", "who: desk-lead\n    quorum", "BH-CHA-021", "who: desk-lead\n", "Did you mean `desk-leads`?"),
    "an action nobody declared": Slip("actions: [read_ticket,", "actions: [reed_ticket, read_ticket,", "BH-CHA-022", "reed_ticket", "Did you mean `read_ticket`?"),
    "a model nobody declared": Slip("models: [assistant, played]", "models: [assistent, played]", "BH-CHA-023", "assistent", "Did you mean `assistant`?"),
    "a query nobody declared": Slip("models: [assistant, played]", "models: [assistant, played]\n    queries: [crm.orders]", "BH-CHA-024", "crm.orders", "None is declared here."),
    "an agent nobody declared": Slip("    agent: desk", "    agent: desc", "BH-CHA-027", "agent: desc", "Did you mean `desk`?"),
    "settled by a group nobody declared": Slip(CLOSE, CLOSE.replace("    probe:", "    settled_by: desk-lead\n    probe:"), "BH-CHA-021", "settled_by", "Did you mean `desk-leads`?"),
    "a key's length without a key": Slip(CLOSE, CLOSE.replace("    probe:", "    key_length: 20\n    probe:"), "BH-CHA-053", "key_length", "key_argument"),
    # systems
    "an unknown server": Slip("  read_ticket:\n    server: desk", "  read_ticket:\n    server: disk", "BH-CHA-025", "server: disk", "Did you mean `desk`?"),
    "a hidden tool": Slip("    region: local\n    refusals", "    region: local\n    hidden: [close_ticket]\n    refusals", "BH-CHA-026", "  close_ticket:", "hidden"),
    "no way to a server": Slip('    command: ["{python}", desk.py] ', "    command: [] ", "BH-CHA-070", "  desk:\n    command", "one of the two"),
    "two ways to a server": Slip("    env:\n", "    url: https://desk.example\n    env:\n", "BH-CHA-070", "  desk:\n    command", "one of the two"),
    "no address": Slip('    command: ["{python}", desk.py] ', "    url: desk.example #", "BH-CHA-070", "url: desk", "https://"),
    "a binding without a workflow": Slip("    region: local\n    refusals", "    region: local\n    bound: {tenant: tenant}\n    refusals", "BH-CHA-072", "  ticket:\n    function", "bindings: [tenant]"),
    "a stand-in without a script": Slip("    script: stand_in.py:play\n", "", "BH-CHA-073", "  played:", "script: file.py:name"),
    "a stand-in for nobody": Slip("instead_of: assistant", "instead_of: assistent", "BH-CHA-023", "instead_of", "Did you mean `assistant`?"),
    "a script of one parameter": Slip("script: stand_in.py:play", "script: stand_in.py:says", "BH-CHA-033", "script:", "def says(messages, tools):"),
    "a script that is missing": Slip("script: stand_in.py:play", "script: stand_in.py:plays", "BH-CHA-031", "script:", "Did you mean `play`?"),
    "no regions": Slip("regions: [eu, local]", "regions: []", "BH-CHA-074", "regions:", "[eu]"),
    "an empty region": Slip("    region: local\n    refusals", '    region: ""\n    refusals', "BH-CHA-074", 'region: ""', "local"),
    "a document in two places": Slip("path: refund-policy.md", "path: refund-policy.md\n    package: click", "BH-CHA-034", "  refund-policy:", "either"),
    "a document nowhere": Slip("path: refund-policy.md", "path: refund-polcy.md", "BH-CHA-030", "refund-polcy.md", "Did you mean `refund-policy.md`?"),
    "a package nobody installed": Slip("path: refund-policy.md", "package: no_such_package\n    resource: a.md", "BH-CHA-034", "  refund-policy:", "Install it"),
    "a package without the file": Slip("path: refund-policy.md", "package: click\n    resource: ../yaml/reader.py", "BH-CHA-034", "  refund-policy:", "inside the package"),
    "a policy nowhere": Slip("[policy.cedar]", "[polices.cedar]", "BH-CHA-030", "polices.cedar", "Did you mean `policy.cedar`?"),
    "a policy outside": Slip("[policy.cedar]", "[../policy.cedar]", "BH-CHA-030", "../policy.cedar", "relative to the folder"),
    # actions and their arguments
    "a bad schema": Slip("exclusiveMinimum: 0", "exclusiveMinimum: zero", "BH-CHA-049", "      amount: {type", "{type: string}"),
    "an unknown type": Slip("{type: number, ", "{type: float, ", "BH-CHA-049", "      amount: {type", "{type: string}"),
    "a schema from elsewhere": Slip("{type: number, exclusiveMinimum: 0}", "{$ref: 'http://x/y'}", "BH-CHA-049", "      amount: {$ref", "{type: string}"),
    "a sensitive stranger": Slip("sensitive: [answer]", "sensitive: [answers]", "BH-CHA-046", "sensitive: [answers]", "Did you mean `answer`?"),
    "an optional stranger": Slip("sensitive: [answer]", "optional: [nothing]", "BH-CHA-046", "optional: [nothing]", "`ticket_id`"),
    "an amount not in the arguments": Slip("amount: arguments.amount", "amount: arguments.amont", "BH-CHA-045", "arguments.amont", "Did you mean `amount`?"),
    "an amount not in the facts": Slip("amount: arguments.amount", "amount: facts.pay", "BH-CHA-045", "facts.pay", "Did you mean `paid`?"),
    "an amount that is text": Slip("amount: arguments.amount", "amount: facts.status", "BH-CHA-045", "facts.status", "as `amount`"),
    "an amount without a currency": Slip("    currency: USD\n    facts", "    facts", "BH-CHA-047", "amount: arguments.amount", "currency: USD"),
    "a currency that is none": Slip("    currency: USD\n    facts", "    currency: dollars\n    facts", "BH-CHA-047", "currency: dollars", "three capital letters"),
    "a record nobody has": Slip("    record: arguments.ticket_id\n    amount", "    record: ticket_id\n    amount", "BH-CHA-046", "record: ticket_id", "`arguments.X`"),
    "a subject from a result": Slip("    record: arguments.ticket_id\n    amount", "    subject: result.customer\n    amount", "BH-CHA-046", "subject: result", "`facts.X`"),
    "a title with a stranger": Slip("title: Read ticket {ticket_id}", 'title: "Read ticket {ticket}"', "BH-CHA-048", "Read ticket {ticket}", "Did you mean `ticket_id`?"),
    "a title with a bracket": Slip("title: Read ticket {ticket_id}", 'title: "Read ticket {"', "BH-CHA-048", "Read ticket {", "`{{`"),
    "a key the agent gives": Slip("sensitive: [answer]", "key_argument: answer", "BH-CHA-046", "key_argument", "Remove it"),
    # undo, probe, facts
    "a write without an undo": Slip(CLOSE, "    probe:", "BH-CHA-040", "effect: write\n    arguments:\n      ticket_id: {type: string, format: id}\n      answer", "effect: final"),
    "an undo naming no action": Slip("undo: reopen_ticket", "undo: open_ticket", "BH-CHA-041", "undo: open_ticket", "Did you mean `reopen_ticket`?"),
    "an undo that only reads": Slip("undo: reopen_ticket", "undo: read_ticket", "BH-CHA-042", "undo: read_ticket", "changes something"),
    "an undo of what is final": Slip("    outward: true ", "    undo: close_ticket\n    outward: true ", "BH-CHA-042", "    undo: close_ticket\n    outward", "effect: write"),
    "an undo that lacks an argument": Slip("      answer: before.ticket.answer\n", "", "BH-CHA-043", "    undo_arguments:\n      ticket_id: arguments.ticket_id\n    facts", "Add `answer:"),
    "an undo with a stranger": Slip("    undo_arguments:\n      ticket_id: arguments.ticket_id\n    probe", "    undo_arguments:\n      ticket_id: arguments.ticket_id\n      why: arguments.answer\n    probe", "BH-CHA-043", "why:", "`ticket_id`"),
    "an undo from an argument nobody has": Slip("answer: before.ticket.answer", "answer: arguments.answer", "BH-CHA-044", "answer: arguments.answer", "before.READ.FIELD"),
    "an undo from a read nobody makes": Slip("answer: before.ticket.answer", "answer: before.tickets.answer", "BH-CHA-044", "before.tickets", "Did you mean `ticket`?"),
    "an undo from a whole read": Slip("answer: before.ticket.answer", "answer: before.ticket", "BH-CHA-044", "before.ticket\n", "before.READ.FIELD"),
    "a probe that writes": Slip("    probe:                     # how to ask whether it landed, when its answer was lost\n      action: read_ticket", "    probe:\n      action: reopen_ticket", "BH-CHA-050", "      action: reopen_ticket", "effect: read"),
    "a probe of no function": Slip("landed: facts.py:is_closed", "landed: facts.py:closed", "BH-CHA-031", "facts.py:closed", "Did you mean `is_closed`?"),
    "a probe that is no reference": Slip("landed: facts.py:is_closed", "landed: is_closed", "BH-CHA-031", "landed: is_closed", "`file.py:name`"),
    "a probe in a missing file": Slip("landed: facts.py:is_closed", "landed: fact.py:is_closed", "BH-CHA-030", "fact.py:is_closed", "Did you mean `facts.py`?"),
    "a workflow that is not async": Slip("function: workflow.py:handle", "function: facts.py:is_open", "BH-CHA-033", "facts.py:is_open\n    agent", "async def is_open(run, ...)"),
    # accuracy
    "reviewers nobody declared": Slip(WORDS, WORDS + PROMISE.format(more="").replace("desk-leads", "desk-lead"), "BH-CHA-160", "reviewers: desk-lead", "Did you mean `desk-leads`?"),
    "reviewers who see the proxy": Slip(WORDS, WORDS + PROMISE.format(more="proxy: result.answer.sure"), "BH-CHA-161", "    accuracy:", "one by one"),
    "more at least than at most": Slip(WORDS, WORDS + PROMISE.format(more="audit: {at_least: 30, at_most: 20}"), "BH-CHA-162", "    accuracy:", "no larger than"),
    "features of no proxy": Slip(WORDS, WORDS + PROMISE.format(more="features: [input.ticket_id]"), "BH-CHA-163", "    accuracy:", "Name the proxy"),
    "a floor nobody can keep": Slip(WORDS, WORDS + PROMISE.format(more="").replace("0.9", "1"), "BH-CHA-014", "    accuracy:", ""),
    "a path into nowhere": Slip(WORDS, WORDS + PROMISE.format(more="").replace("result.answer", "answer"), "BH-CHA-014", "    accuracy:", ""),
    "a need of a table nobody declared": Slip(WORDS, WORDS + "    needs: {crm.orders: {id: Whose it is.}}\n", "BH-CHA-144", "    needs:", "Or declare"),
    "a need of a column nobody declared": Slip("workflows:\n  ticket:\n", CRM + "workflows:\n  ticket:\n    needs: {crm.orders: {owner: Whose it is.}}\n", "BH-CHA-145", "    needs:", "`the columns of crm.orders`"),
    # questions
    "too few to agree": Slip("quorum: 1", "quorum: 3", "BH-CHA-060", "quorum: 3", "lower `quorum`"),
    "a limit nobody can read": Slip("amount > 50 USD", "amount over 50", "BH-CHA-061", "refund_customer: amount", "amount > 250 USD"),
    "a limit of no action": Slip("      refund_customer: amount", "      refund: amount", "BH-CHA-022", "refund: amount", "Did you mean `refund_customer`?"),
    "a limit without an amount": Slip("      refund_customer: amount", "      close_ticket: amount", "BH-CHA-062", "close_ticket: amount", "amount: arguments.X"),
    "a limit in another currency": Slip("amount > 50 USD", "amount > 50 EUR", "BH-CHA-062", "50 EUR", "in USD"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "help-desk")


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_a_slip_is_named_with_its_line_and_its_fix(folder: Folder, slip: Slip) -> None:
    folder.change(slip.old, slip.new)

    error = next(error for error in folder.errors() if error.code == slip.code)
    assert error.where == place(folder, slip.at)
    assert slip.fix in error.fix
    assert error.what


def place(folder: Folder, text: str) -> str:
    """Return the line on which a text begins, which stands once in the charter."""
    charter = folder.text("charter.yaml")
    assert charter.count(text) == 1, f"{text!r} stands {charter.count(text)} times"
    begins = charter.index(text) + (len(text) - len(text.lstrip("\n")))
    return f"charter.yaml:{charter.count(chr(10), 0, begins) + 1}"


def test_reads_and_their_arguments_must_fit(folder: Folder) -> None:
    folder.write(
        "charter.yaml",
        folder.text("charter.yaml").replace(
            "          arguments: {ticket_id: arguments.ticket_id}\n      gives",
            "          arguments: {ticket: arguments.ticket_id}\n      gives",
        ),
    )

    errors = folder.errors()
    assert {error.code for error in errors} == {"BH-CHA-051"}
    assert any("needs the argument `ticket_id`" in error.what for error in errors)
    assert any("Did you mean `ticket_id`?" in error.fix for error in errors)


def test_for_each_needs_a_list(folder: Folder) -> None:
    old = "    facts:                     # read before deciding, so that the rules see the record as it is now\n"
    rest = (
        "      function: facts.py:of_ticket\n      reads:\n        ticket:\n          action: read_ticket\n"
    )
    folder.change(
        old + rest + "          arguments: {ticket_id: arguments.ticket_id}",
        "    facts:\n"
        + rest
        + "          for_each: arguments.ticket_id\n          arguments: {ticket_id: each}",
    )

    assert "not a list" in folder.error("BH-CHA-052").what


def test_each_without_for_each_is_refused(folder: Folder) -> None:
    text = folder.text("charter.yaml")
    gives = "          arguments: {ticket_id: arguments.ticket_id}\n      gives"
    folder.write("charter.yaml", text.replace(gives, "          arguments: {ticket_id: each}\n      gives"))

    errors = folder.errors()
    assert [error.code for error in errors] == ["BH-CHA-052", "BH-CHA-052"]
    assert "for_each" in errors[0].fix


def test_a_bound_argument_is_not_the_agents(folder: Folder) -> None:
    folder.change(
        "    region: local\n    refusals", "    region: local\n    bound: {answer: tenant}\n    refusals"
    )
    folder.change("    agent: desk\n", "    agent: desk\n    bindings: [tenant]\n")

    error = folder.error("BH-CHA-026")
    assert error.where == folder.line("answer: {type: string}")
    assert "never see it" in error.fix


def test_a_binding_no_workflow_has(folder: Folder) -> None:
    folder.change(
        "    region: local\n    refusals", "    region: local\n    bound: {tenant: tenent}\n    refusals"
    )
    folder.change("    agent: desk\n", "    agent: desk\n    bindings: [tenant]\n")

    codes = {error.code: error for error in folder.errors()}
    assert set(codes) == {"BH-CHA-071", "BH-CHA-072"}
    assert "Did you mean `tenant`?" in codes["BH-CHA-071"].fix


def test_a_deployment_does_something(folder: Folder) -> None:
    whole = folder.text("charter.yaml")
    start = whole.index("  ticket:\n    function: workflow.py:handle\n")
    folder.write("charter.yaml", whole[:start] + "  {}\n" + whole[whole.index("# Failures the business") :])

    assert folder.error("BH-CHA-075").where == folder.line("workflows:")


def test_code_that_is_not_python_is_named_by_its_own_line(folder: Folder) -> None:
    folder.write("workflow.py", "x = 1\nasync def handle(run:\n")

    error = folder.error("BH-CHA-032")
    assert error.where == "workflow.py:2"


def test_hidden_files_are_not_part_of_a_deployment(folder: Folder) -> None:
    folder.write(".hidden/policy.cedar", "").change("[policy.cedar]", "[.hidden/policy.cedar]")

    assert "hidden files" in folder.error("BH-CHA-030").fix


def test_no_code_of_the_folder_is_run(folder: Folder, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trap = f"open({str(trace)!r}, 'w').close()\n"
    for file in ("workflow.py", "facts.py", "stand_in.py", "desk.py"):
        text = folder.text(file).replace("from __future__ import annotations\n", "")
        folder.write(file, trap + text)

    folder.load()

    assert not trace.exists()


def test_the_shipped_example_holds_together() -> None:
    assert load(ROOT / "examples" / "retail-support").charter.name == "retail-support"


@pytest.mark.parametrize(
    "words", ["amount > 250", "amount >= 250 USD", "amount > -1 USD", "amount > 1 usd", "250 USD"]
)
def test_limits_have_one_form(words: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        limit(words)


def test_a_limit_is_a_number_and_a_currency() -> None:
    assert str(limit("amount > 250.50 USD").number) == "250.50"
    with pytest.raises(ValueError, match="larger than any amount"):
        limit("amount > 922337203685478 USD")
