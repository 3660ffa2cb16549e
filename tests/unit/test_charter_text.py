"""A charter is text before it is anything else: what is refused while it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgehead.declare import Charter, CharterErrors, compose, load
from bridgehead.doors.cli.init import TEMPLATE
from bridgehead.kernel.errors import CharterError
from fixtures.charters import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "help-desk")


def test_the_folder_that_init_writes_is_read(folder: Folder) -> None:
    deployment = folder.load()

    assert deployment.charter.owner.person == "ines"
    assert deployment.where("approvals", "large-refund", "when", "refund_customer") == folder.line(
        "refund_customer: amount > 50 USD"
    )
    assert deployment.where("approvals", "large-refund", "nothing", "here") == folder.line("  large-refund:")


def test_a_folder_has_one_place_wherever_it_is_named_from(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)

    assert load(Path(".")).state == folder.path / ".bridgehead"


def test_a_folder_without_a_charter_says_where_to_begin(tmp_path: Path) -> None:
    with pytest.raises(CharterErrors) as broken:
        load(tmp_path)

    assert (broken.value.code, broken.value.where) == ("BH-CHA-002", "charter.yaml:1")
    assert "bridgehead init" in broken.value.fix


def test_a_charter_of_many_megabytes_is_not_read(folder: Folder) -> None:
    folder.write("charter.yaml", "#" * (compose.MAX_BYTES + 1))

    assert folder.error("BH-CHA-003").where == "charter.yaml:1"


def test_bytes_that_are_not_utf8_are_named_by_line(folder: Folder) -> None:
    (folder.path / "charter.yaml").write_bytes(b"bridgehead: 1\nname: caf\xe9\n")

    error = folder.error("BH-CHA-004")
    assert error.where == "charter.yaml:2"
    assert "UTF-8" in error.fix


def test_text_that_is_not_yaml_is_named_by_line(folder: Folder) -> None:
    folder.write("charter.yaml", "bridgehead: 1\nname: [help\nowner: x\n")

    error = folder.error("BH-CHA-005")
    assert error.where == "charter.yaml:3"
    assert "indentation" in error.fix


@pytest.mark.parametrize("text", ["a: \x01\n", 'a: "\\UFFFFFFFF"\n', "a:\n\t- b\n", "{" * 30, "'"])
def test_no_other_error_comes_out_of_broken_text(folder: Folder, text: str) -> None:
    assert folder.write("charter.yaml", text).error("BH-CHA-005")


def test_a_bomb_of_aliases_is_refused_before_it_grows(folder: Folder) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    folder.write("charter.yaml", "\n".join(lines))

    errors = folder.errors()
    first = next(error for error in errors if error.code == "BH-CHA-006")
    assert first.where == "charter.yaml:1"
    assert "anchors" in next(error.fix for error in errors if "*a0" in error.what)


def test_a_recursive_alias_is_refused(folder: Folder) -> None:
    folder.write("charter.yaml", "people: &p\n  me: *p\n")

    assert {error.where for error in folder.errors() if error.code == "BH-CHA-006"} == {
        "charter.yaml:1",
        "charter.yaml:2",
    }


def test_what_an_alias_stood_for_is_not_guessed_at(folder: Folder) -> None:
    """Only the alias is reported, not the value that is missing because of it."""
    folder.change("purpose: >", "purpose: *elsewhere\nignored: >")

    codes = [error.code for error in folder.errors()]
    assert codes == ["BH-CHA-006", "BH-CHA-012"]


def test_a_key_written_twice_names_both_lines(folder: Folder) -> None:
    first = folder.line("stage: staging").rpartition(":")[2]
    folder.change("purpose: >", "stage: production\npurpose: >")

    error = folder.error("BH-CHA-007")
    assert error.where == folder.line("stage: production")
    assert f"line {first}" in error.what


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!str", "!secret"])
def test_tags_are_refused(folder: Folder, tag: str) -> None:
    folder.change("stage: staging", f"stage: {tag} staging")

    error = folder.error("BH-CHA-008")
    assert error.where == folder.line("stage: !")
    assert "Remove the tag" in error.fix


def test_nesting_without_end_is_refused(folder: Folder) -> None:
    folder.write("charter.yaml", "a: " + "[" * 100_000)

    assert folder.error("BH-CHA-009").where == "charter.yaml:1"


@pytest.mark.parametrize(
    ("text", "line"), [("", 1), ("- a\n- b\n", 1), ("just words", 1), ("a: 1\n---\nb: 2\n", 2)]
)
def test_a_charter_is_one_block_of_keys(folder: Folder, text: str, line: int) -> None:
    assert folder.write("charter.yaml", text).error("BH-CHA-010").where == f"charter.yaml:{line}"


def test_merge_keys_and_keys_that_are_no_words_are_refused(folder: Folder) -> None:
    folder.change("regions: [eu, local]", "regions: [eu, local]\n<<: {stage: staging}\n? [a, b]\n: c\n")

    assert [error.code for error in folder.errors()] == ["BH-CHA-011", "BH-CHA-011"]


def test_no_stays_a_word(folder: Folder) -> None:
    folder.change("regions: [eu, local]", "regions: [eu, local, no, on, 1:30]")

    assert folder.load().charter.regions == ["eu", "local", "no", "on", "1:30"]


def test_half_a_character_is_refused(folder: Folder) -> None:
    folder.change("stage: staging", 'stage: "\\ud800"')

    assert [error.code for error in folder.errors()] == ["BH-CHA-004", "BH-CHA-014"]


def test_everything_wrong_is_said_at_once(folder: Folder) -> None:
    folder.change("person: ines", "person: inez").change("stage: staging", "stage: staging\nstages: x")
    folder.change("who: desk-leads\n    quorum: 1", "who: desk-lead\n    quorum: 1")

    broken = folder.errors()
    assert [error.code for error in broken] == ["BH-CHA-012", "BH-CHA-020", "BH-CHA-021"]
    with pytest.raises(CharterErrors) as whole:
        folder.load()
    assert whole.value.code == "BH-CHA-001"
    assert all(str(error) in str(whole.value) for error in broken)


@given(st.binary(max_size=300))
def test_hostile_bytes_are_refused_in_our_words(raw: bytes) -> None:
    try:
        compose.read("charter.yaml", raw)
    except CharterError as error:
        assert error.where.startswith("charter.yaml:")


yaml_like = st.text(
    alphabet=st.sampled_from("ab:-[]{}&*!<>|?%@\"'#\\ \n\t,0.~é\u2028\ud83d\udcff\x00u"), max_size=120
)


@given(yaml_like)
def test_hostile_text_is_refused_in_our_words(text: str) -> None:
    try:
        written = compose.read("charter.yaml", text.encode("utf-8", "surrogatepass"))
    except CharterError:
        return
    assert isinstance(written.value, dict)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TOP = sorted(Charter.model_fields)


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("any") / "help-desk")


@settings(max_examples=60)
@given(key=st.sampled_from(TOP), value=values)
def test_any_value_under_any_key_is_refused_in_our_words(
    whole_folder: Folder, key: str, value: object
) -> None:
    charter = yaml.safe_load((TEMPLATE / "charter.yaml").read_text())
    whole_folder.write("charter.yaml", yaml.safe_dump({**charter, key: value}))
    try:
        whole_folder.load()
    except CharterErrors as broken:
        assert all(error.code.startswith("BH-CHA-") and error.where and error.fix for error in broken.errors)
