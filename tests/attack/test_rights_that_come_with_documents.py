"""Rights that come from another system: what is not understood is unknown, and unknown refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.connect.collections.access import AccessFile, read
from bridgehead.declare.model import Agent, Collection, Person
from bridgehead.enforce.documents.patterns import matches
from bridgehead.enforce.documents.refused import RightsRefused
from bridgehead.enforce.documents.scope import Scope, scope
from bridgehead.kernel.errors import ConnectError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT = NOW.isoformat()


def said(**more: object) -> bytes:
    """Return a file of rights."""
    return json.dumps({"acl_synced_at": AT, "documents": {}} | more).encode()


def scope_of(
    data: bytes, *, groups: int = 1000, agent: Agent | None = None, tags: list[str] | None = None
) -> Scope:
    """Return what Ana, of the staff, may read."""
    declared = Collection.model_validate(
        {
            "title": "T",
            "folder": "/srv/t",
            "region": "eu",
            "tags": tags or [],
            "readers": [{"to": ["staff"]}],
            "access": {"file": "/srv/t.json", "max_age": "1h", "groups": groups},
        }
    )
    ana = Person(name="Ana", email="Ana@Example.com", groups=["staff"])
    return scope("t", declared, ("ana", ana), ("clerk" if agent else "", agent), read(data), NOW)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"acl_synced_at": "2026-03-02T09:00:00Z"}',
        b'{"documents": {}}',
        said(acl_synced_at="2026-03-02T09:00:00"),
        said(acl_synced_at=1),
        said(everybody=True),
        said(documents=[]),
        said(documents={"a.md": None}),
        said(documents={"a.md": {"groups": "staff"}}),
        said(documents={"a.md": {"groups": [1]}}),
        said(documents={"a.md": {"public": True}}),
        said(groups={"all": {"tags": ["x"]}}),
        b'{"acl_synced_at": "2026-03-02T09:00:00Z", "documents": {"a.md": {}, "a.md": {"people": ["x"]}}}',
    ],
)
def test_what_is_not_understood_makes_all_rights_unknown(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "rights.json"
    file.write_bytes(data)
    with pytest.raises(ConnectError) as unknown:
        AccessFile("t", file).now()
    assert unknown.value.code == "BH-CON-072"


@pytest.mark.parametrize("escaped", [True, False])
def test_two_spellings_of_one_path_are_refused_with_their_lines(tmp_path: Path, escaped: bool) -> None:
    file = tmp_path / "rights.json"
    documents = {
        "re\u0301sume\u0301.md": {"groups": ["hr"]},
        "x.md": {"people": ["r\u00e9sum\u00e9.md: x"]},
        "r\u00e9sum\u00e9.md": {"groups": ["all"]},
    }
    said = {"acl_synced_at": AT, "documents": documents}
    file.write_text(json.dumps(said, ensure_ascii=escaped, indent=1), "utf-8")
    with pytest.raises(ConnectError, match=r"line 14 .* line 4 ") as unknown:
        AccessFile("t", file).now()
    assert (unknown.value.code, unknown.value.where) == ("BH-CON-072", f"{file}:14")
    documents.pop("re\u0301sume\u0301.md")
    file.write_text(json.dumps(said, ensure_ascii=escaped), "utf-8")
    assert set(AccessFile("t", file).now().documents) == {"x.md", "r\u00e9sum\u00e9.md"}


def test_a_right_is_a_group_or_a_person_of_that_document_and_nothing_else() -> None:
    found = scope_of(
        said(
            documents={
                "staff.md": {"groups": ["staff"]},
                "ana.md": {"people": ["ANA@example.com"]},
                "id.md": {"people": ["ana"]},
                "bo.md": {"people": ["bo@example.com"], "groups": ["board"]},
                "nobody.md": {},
            }
        )
    )
    paths = ("staff.md", "ana.md", "id.md", "bo.md", "nobody.md", "unknown.md", "STAFF.md")
    assert [path for path in paths if found.permits(path)] == ["staff.md", "ana.md", "id.md"]


def test_groups_of_groups_are_followed_circles_end_and_too_many_refuse() -> None:
    groups: dict[str, object] = {
        "all": {"groups": ["sales"]},
        "sales": {"groups": ["east", "all"]},
        "east": {"people": ["ana@example.com"]},
        "other": {"groups": ["board"]},
    }
    documents = {"all.md": {"groups": ["all"]}, "other.md": {"groups": ["other"]}}
    found = scope_of(said(groups=groups, documents=documents))
    assert found.permits("all.md") and not found.permits("other.md")
    assert scope_of(said(groups=groups, documents=documents), groups=4).permits("all.md")
    with pytest.raises(RightsRefused) as refused:
        scope_of(said(groups=groups, documents=documents), groups=3)
    assert refused.value.rule == "documents.groups"


def test_an_agent_lacks_what_it_is_not_cleared_for() -> None:
    data = said(documents={"a.md": {"groups": ["staff"], "tags": ["pii"]}, "b.md": {"groups": ["staff"]}})
    cleared = Agent(sponsor="ana", actions=[], collections=["t"], tags=["pii"])
    bare = Agent(sponsor="ana", actions=[], collections=["t"])
    stranger = Agent(sponsor="ana", actions=[], tags=["pii"])
    assert [scope_of(data, agent=cleared).permits(path) for path in ("a.md", "b.md")] == [True, True]
    assert [scope_of(data, agent=bare).permits(path) for path in ("a.md", "b.md")] == [False, True]
    assert not scope_of(data, agent=cleared, tags=["board"]).permits("b.md")
    with pytest.raises(RightsRefused):
        scope_of(data, agent=stranger)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("**", ["a.md", "a/b/c.md"], []),
        ("*.md", ["a.md", ".md"], ["a/b.md", "a.mdx", "amd"]),
        ("hr/**", ["hr/a.md", "hr/x/a.md"], ["hr", "hrx/a.md", "a/hr/b.md"]),
        ("**/pay/*", ["pay/a", "x/pay/a", "x/y/pay/a"], ["xpay/a", "pay/a/b"]),
        ("a?c.md", ["abc.md"], ["a/c.md", "abbc.md"]),
        ("a+(b).md", ["a+(b).md"], ["aab.md"]),
        ("hr/../x", ["hr/../x"], ["x"]),
    ],
)
def test_a_pattern_names_what_it_says(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [path for path in yes if not matches(pattern, path)] == []
    assert [path for path in no if matches(pattern, path)] == []


@given(path=st.text(min_size=1, max_size=30))
def test_a_pattern_without_stars_names_itself_alone(path: str) -> None:
    plain = path.replace("*", "").replace("?", "")
    assert matches(plain, path) == (plain == path)


def test_the_file_is_read_anew_when_it_is_another_one(tmp_path: Path) -> None:
    file = tmp_path / "rights.json"
    file.write_bytes(said(documents={"a.md": {"people": ["ana"]}}))
    source = AccessFile("t", file)
    before = source.now()
    assert source.now() is before
    other = tmp_path / "new.json"
    other.write_bytes(said(documents={"b.md": {"people": ["ana"]}}))
    other.replace(file)  # same size
    assert set(source.now().documents) == {"b.md"}
