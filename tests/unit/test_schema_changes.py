"""A schema that changed: what exactly, what it means to who reads it, what may be a rename."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.watch.profile import framed, profiled
from bridgehead.watch.schema_change import (
    Change,
    Column,
    Reads,
    Schema,
    Table,
    classified,
    compare,
    read_ddl,
    renames,
)
from bridgehead.watch.schema_change.compare import widened

ORDERS = """
-- what the shop sends; a `;` in a comment ends nothing
CREATE TABLE orders (
  id int(11) unsigned NOT NULL auto_increment,
  customer varchar(40) NOT NULL default 'it''s; nobody',
  amount decimal(10,2) DEFAULT NULL,
  status enum('new','paid','sent') NOT NULL,
  note text, # free text
  PRIMARY KEY (id), UNIQUE KEY path (customer), KEY by_status (status(4)),
  CONSTRAINT c FOREIGN KEY (customer) REFERENCES customers (name) ON DELETE CASCADE
) ENGINE=MyISAM COMMENT='the, orders; all';
INSERT INTO orders VALUES (1, 'CREATE TABLE x (a int);');
"""


def schema(sql: str, dialect: str = "mysql") -> Schema:
    found, unread = read_ddl(sql, dialect)
    assert unread == ()
    return found


def changed(before: str, after: str) -> list[tuple[str, str, str]]:
    return [(each.kind, each.table, each.column) for each in compare(schema(before), schema(after))]


def test_a_dump_is_read_with_all_its_vendor_words() -> None:
    (orders,) = schema(ORDERS)
    told = {each.name: (each.type, each.nullable) for each in orders.columns}
    assert told == {
        "id": ("uint", False),
        "customer": ("varchar(40)", False),
        "amount": ("decimal(10,2)", True),
        "status": ("enum", False),
        "note": ("text", True),
    }
    assert (orders.key, orders.unique) == (("id",), (("customer",),))
    status, customer = orders.column("STATUS"), orders.column("customer")
    assert status is not None
    assert status.values == ("new", "paid", "sent")
    assert customer is not None
    assert customer.refers_to == "customers.name"


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("note text", "remark int", "column_removed"),
        ("note text,", "note text, more int,", "column_added"),
        ("varchar(40)", "varchar(60)", "type_widened"),
        ("varchar(40)", "varchar(20)", "type_changed"),
        ("decimal(10,2)", "decimal(11,4)", "type_changed"),
        ("int(11) unsigned", "bigint unsigned", "type_widened"),
        ("int(11) unsigned", "varchar(11)", "type_changed"),
        ("int(11) unsigned", "integer(11) unsigned", "type_respelled"),
        ("amount decimal(10,2) DEFAULT NULL", "amount decimal(10,2) NOT NULL", "null_forbidden"),
        ("customer varchar(40) NOT NULL", "customer varchar(40)", "null_allowed"),
        ("default 'it''s; nobody'", "default 'x'", "default_changed"),
        ("'sent'", "'sent','lost'", "value_added"),
        (",'sent'", "", "value_removed"),
        ("PRIMARY KEY (id)", "PRIMARY KEY (id, customer)", "key_changed"),
        ("UNIQUE KEY path (customer),", "", "unique_dropped"),
        ("REFERENCES customers (name)", "REFERENCES people (name)", "reference_changed"),
        ("CREATE TABLE orders", "CREATE TABLE sales", "table_removed"),
    ],
)
def test_each_kind_of_change_is_told_and_its_opposite_too(old: str, new: str, kind: str) -> None:
    assert old in ORDERS
    found = changed(ORDERS, ORDERS.replace(old, new, 1))
    assert kind in {each[0] for each in found}
    back = {each[0] for each in changed(ORDERS.replace(old, new, 1), ORDERS)}
    opposite = {
        "column_removed": "column_added",
        "column_added": "column_removed",
        "null_allowed": "null_forbidden",
        "null_forbidden": "null_allowed",
        "value_added": "value_removed",
        "value_removed": "value_added",
        "unique_dropped": "unique_added",
        "table_removed": "table_added",
    }
    if kind in ("type_changed", "type_widened"):
        assert back & {"type_changed", "type_widened"}
    else:
        assert opposite.get(kind, kind) in back


def test_a_name_is_one_name_however_it_is_quoted() -> None:
    tables = [
        f"CREATE TABLE t (id int, {name} varchar(100) NOT NULL)" for name in ("'code'", "`code`", "code")
    ]
    first, *rest = (schema(each) for each in tables)
    assert all(compare(first, other) == () for other in rest)


def test_order_alone_is_told_as_order() -> None:
    found = changed("CREATE TABLE t (a int, b text, c int)", "CREATE TABLE t (b text, a int, c int)")
    assert found == [("order_changed", "t", "")]


def test_alter_drop_and_rename_are_applied() -> None:
    sql = """
    CREATE TABLE t (a int, b varchar(3)); CREATE TABLE old (x int); CREATE TABLE gone (x int);
    ALTER TABLE t ADD COLUMN c text NOT NULL AFTER a, MODIFY b varchar(9), CHANGE a z bigint,
      ADD PRIMARY KEY (z);
    ALTER TABLE `t` DROP COLUMN c, ADD INDEX i (z), DROP INDEX j;
    RENAME TABLE old TO new; DROP TABLE IF EXISTS `gone`;
    """
    found = schema(sql)
    assert [table.name for table in found] == ["t", "new"]
    assert {(c.name, c.type) for c in found.tables[0].columns} == {("z", "bigint"), ("b", "varchar(9)")}
    assert found.tables[0].key == ("z",)
    postgres = schema(
        'CREATE TABLE "t" (a int); ALTER TABLE t ALTER COLUMN a TYPE text, ALTER a SET NOT NULL', "postgres"
    )
    assert [(c.type, c.nullable) for c in postgres.tables[0].columns] == [("text", False)]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("CREATE TABLE t (\n a int default 0\n b text,\n c int)", {"a", "b", "c"}),
        ("CREATE TABLE t (a int, b wobble(3) SPARKLE 'x' OF 9, c int)", {"a", "c"}),
        ("CREATE TABLE t (a int)\nCREATE TABLE u (b int);", {"a", "b"}),
        ("CREATE TABLE t (a int", set()),
        ("CREATE TABLE t AS SELECT 1", set()),
    ],
)
def test_what_cannot_be_read_is_a_finding_with_its_line(sql: str, columns: set[str]) -> None:
    found, unread = read_ddl("\n\n" + sql, file="dump.sql")
    assert columns <= {column.name for table in found for column in table.columns}
    assert [each.rule for each in unread] == ["schema.unread"] * len(unread)
    assert unread
    assert unread[0].where == "dump.sql:3"


@given(st.text(alphabet="create tbl(),;'`\"$#-/*\n drop alter add x int", max_size=80))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    read_ddl(text)
    read_ddl(f"CREATE TABLE t ({text}")


names = st.sampled_from(["a", "b", "c", "D"])
columns = st.builds(
    Column,
    name=names,
    type=st.sampled_from(["int", "bigint", "text", "varchar(3)"]),
    nullable=st.booleans(),
    default=st.sampled_from([None, "0"]),
)
tables = st.builds(
    Table,
    name=st.sampled_from(["t", "u"]),
    columns=st.lists(columns, max_size=4, unique_by=lambda c: c.name).map(tuple),
)
schemas = st.lists(tables, max_size=2, unique_by=lambda t: t.name).map(
    lambda found: Schema(tables=tuple(found))
)


@given(old=schemas, new=schemas)
def test_nothing_is_said_exactly_where_nothing_differs(old: Schema, new: Schema) -> None:
    assert compare(old, old) == ()
    sorted_equal = old.fingerprint() == new.fingerprint()
    assert (compare(old, new) == ()) == sorted_equal


@given(old=schemas, new=schemas)
def test_what_comes_goes_on_the_way_back(old: Schema, new: Schema) -> None:
    def of(kind: str, changes: tuple[Change, ...]) -> set[tuple[str, str]]:
        return {(each.table, each.column) for each in changes if each.kind == kind}

    there, back = compare(old, new), compare(new, old)
    for come, go in (("column_added", "column_removed"), ("table_added", "table_removed")):
        assert of(come, there) == of(go, back)
        assert of(go, there) == of(come, back)


def test_widening_is_what_loses_no_value() -> None:
    for old, new in (
        ("int", "bigint"),
        ("uint", "bigint"),
        ("varchar(3)", "text"),
        ("char(3)", "varchar(3)"),
    ):
        assert widened(old, new)
        assert not widened(new, old)
    for old, new in (
        ("int", "ubigint"),
        ("uint", "int"),
        ("decimal(10,2)", "decimal(10,4)"),
        ("int", "text"),
    ):
        assert not widened(old, new)


READER = Reads(columns=frozenset({"orders.amount", "orders.status"}), writes=frozenset())


@pytest.mark.parametrize(
    ("change", "response"),
    [
        (Change(kind="column_removed", table="orders", column="amount"), "hold"),
        (Change(kind="column_removed", table="orders", column="note"), "warn"),
        (Change(kind="type_changed", table="orders", column="amount"), "hold"),
        (Change(kind="type_widened", table="orders", column="amount"), "notify"),
        (Change(kind="unit_changed", table="orders", column="amount", before="EUR", after="cent"), "hold"),
        (Change(kind="null_allowed", table="orders", column="amount"), "hold"),
        (Change(kind="value_added", table="orders", column="status", after="lost"), "rows to a person"),
        (Change(kind="value_removed", table="orders", column="status", before="paid"), "hold"),
        (Change(kind="column_added", table="orders", column="new"), "notify"),
        (Change(kind="column_added", table="other", column="new"), "record"),
        (Change(kind="table_removed", table="orders"), "hold"),
        (Change(kind="table_removed", table="other"), "warn"),
        (Change(kind="table_added", table="other"), "record"),
        (Change(kind="unique_dropped", table="orders", before="id"), "hold"),
        (Change(kind="order_changed", table="orders"), "record"),
        (Change(kind="default_changed", table="orders", column="note"), "record"),
        (Change(kind="type_respelled", table="orders", column="amount"), "record"),
    ],
)
def test_a_change_holds_whom_it_breaks_and_nobody_else(change: Change, response: str) -> None:
    (found,) = classified([change], {"refunds": READER})
    assert found.response == response
    assert found.readers == (("refunds",) if response not in ("warn", "record") else ())
    assert found.finding().severity == ("block" if response == "hold" else found.finding().severity)


def test_who_writes_the_table_is_held_where_a_new_field_must_be_given() -> None:
    needed = Column(name="tax", type="int", nullable=False)
    change = Change(kind="column_added", table="orders", column="tax", new=needed)
    writer = Reads(columns=frozenset(), writes=frozenset({"orders"}))
    assert [each.response for each in classified([change], {"post": writer})] == ["hold writes"]
    optional = Change(kind="column_added", table="orders", column="tax", new=Column(name="tax", type="int"))
    assert [each.response for each in classified([optional], {"post": writer})] == ["notify"]


def test_who_says_so_survives_null_new_values_and_another_order() -> None:
    robust = Reads(
        columns=frozenset({"orders.*"}),
        handles_null=frozenset({"orders.amount"}),
        has_default=frozenset({"orders.status"}),
    )
    changes = [
        Change(kind="null_allowed", table="orders", column="amount"),
        Change(kind="value_added", table="ORDERS", column="status", after="lost"),
    ]
    assert [each.response for each in classified(changes, {"refunds": robust})] == ["notify", "notify"]
    positional = Reads(columns=frozenset({"orders.*"}), by_position=frozenset({"orders"}))
    moved = [Change(kind="order_changed", table="orders")]
    assert [each.response for each in classified(moved, {"csv": positional})] == ["hold"]


def proposed(before: str, after: str) -> list[tuple[str, str]]:
    return [(each.before, each.after) for each in renames(schema(before), schema(after))]


def test_a_column_under_another_name_in_its_place_is_proposed() -> None:
    before = "CREATE TABLE t (id int, usr_name varchar(40) NOT NULL, city text)"
    assert proposed(before, before.replace("usr_name", "user_name")) == [("usr_name", "user_name")]
    assert proposed(before, before.replace("usr_name varchar(40) NOT NULL", "weight double")) == []


def test_two_equal_candidates_are_none() -> None:
    before = "CREATE TABLE t (id int, phone text)"
    assert proposed(before, "CREATE TABLE t (id int, phone1 text, phone2 text)") != [("phone", "phone2")]
    twins = "CREATE TABLE t (code_a text, code_b text, id int)"
    assert len(proposed(before.replace("phone", "code"), twins)) <= 1


def test_a_table_under_another_name_is_proposed() -> None:
    before = "CREATE TABLE tb_user (id int, name text, email text)"
    assert proposed(before, before.replace("tb_user", "user")) == [("tb_user", "user")]


def test_values_speak_against_a_name_and_another_scale_is_said() -> None:
    """Euros become cents under a name that is nearly the same: no silent mapping."""
    euros = {"amount": [float(n) for n in range(1, 2001)]}
    frame = framed(euros)
    cents = profiled(frame, {"amount": [100.0 * n for n in range(1, 2001)]}).column("amount")
    same = profiled(frame, euros).column("amount")
    old = schema("CREATE TABLE t (id int, amount double)")
    new = schema("CREATE TABLE t (id int, amount_total double)")
    (plain,) = renames(old, new, {("t", "amount"): same, ("t", "amount_total"): same})
    assert not plain.scaled
    assert plain.score > 0.8
    found = renames(old, new, {("t", "amount"): same, ("t", "amount_total"): cents})
    assert all(each.scaled for each in found)


def test_real_histories_are_read_without_a_crash() -> None:
    """The public histories, where they are beside the repository: one dump each, hardly anything unread."""
    places = (up / "shared" / "data" / "schema_evolution" for up in Path(__file__).parents)
    place = next((each for each in places if each.is_dir()), None)
    if place is None:
        pytest.skip("../shared/data/schema_evolution is not beside this repository")
    for folder in sorted(place.iterdir()):
        if folder.is_dir():
            file = max((folder / "schemata").glob("*.sql"))
            found, unread = read_ddl(file.read_text(errors="replace"), file=file.name)
            assert len(found.tables) >= 3
            assert len(unread) <= 2
