"""How often results are right: every result, those people look at, what they say, and the alarm's path."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata

# Every result of a workflow whose charter promises an accuracy, drawn or not.
output = Table(
    "output",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("release", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("segment", Text, nullable=False, server_default=""),
    Column("amount", Float(53)),
    Column("proxy", Float(53)),  # how likely the workflow thinks it is right
    Column("business_key", String(64), nullable=False, server_default=""),  # keyed hash; empty: none
)
Index("output_by_time", output.c.workflow, output.c.at)
Index("output_by_key", output.c.workflow, output.c.business_key)

# Those that people look at.
audit_item = Table(
    "audit_item",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("release", String(64), nullable=False),
    Column("drawn_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False),
    Column("core", Integer, nullable=False),  # 1: drawn at random
    Column("probability", Float(53), nullable=False),  # that of being drawn at all
    Column("wanted", Integer, nullable=False),  # how many people are to look at it
    Column("answers", Integer, nullable=False, server_default="0"),  # how many people have
    Column("verdict", String(8), nullable=False, server_default=""),  # the first that was definite
    Column("verdict_at", String(32)),
    Column("path", Integer),  # the path of the alarm that heard it
    Column("place", Integer),  # and as which label, from 1
    CheckConstraint("verdict in ('','right','wrong')", name="audit_item_verdict"),
)
Index("audit_item_by_time", audit_item.c.workflow, audit_item.c.drawn_at)

# What people and other systems say of a result.
audit_label = Table(
    "audit_label",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("who", Text, primary_key=True),  # human:ID, or source:NAME
    Column("verdict", String(8), nullable=False),
    Column("at", String(32), nullable=False),
    Column("known_at", String(32), nullable=False),  # since when it was known where it comes from
    Column("entry", Idx),  # audit.labelled: its body holds the reason
    CheckConstraint("verdict in ('right','wrong','unclear')", name="audit_label_verdict"),
)

# The alarm of a workflow under one release; a new path begins where an owner clears it.
alarm_path = Table(
    "alarm_path",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("release", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),  # JSON: watch/accuracy/alarm.py
    Column("began_at", String(32), nullable=False),
    Column("raised_at", String(32)),
    Column("changed_at", String(32)),  # since when it is estimated to be so
    Column("words", Text, nullable=False, server_default=""),
    Column("cleared_at", String(32)),
    Column("cleared_by", Text, nullable=False, server_default=""),
)

# What the confidence of a workflow suggests of its last week, without answers.
estimate = Table(
    "estimate",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("release", String(64), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("said", Text, nullable=False),  # JSON: words and figures
    Column("closer", Integer, nullable=False, server_default="0"),  # 1: more is drawn
)
