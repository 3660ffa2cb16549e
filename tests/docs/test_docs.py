"""The docs are true: links lead somewhere, commands exist with the options they are shown with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import COMMANDS, cli
from fixtures.golden import check_section

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    if ".bridgehead" not in page.parts
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines inside fenced code blocks, with their numbers."""
    inside = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif inside:
            yield number, line


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def slug(heading: str) -> str:
    """Return the anchor a Markdown reader makes of a heading."""
    text = re.sub(r"[`*_]", "", heading).strip().lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text))


def anchors(page: Path) -> set[str]:
    return {slug(title) for title in re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(target)
        elif not there.is_relative_to(ROOT):
            broken.append(f"{target} leaves the repository")
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_named_in_prose_exist(page: Path) -> None:
    """A path in backticks that starts with one of our folders is a promise too."""
    if page.name == "CHANGELOG.md":
        return
    named = re.findall(r"`((?:src|docs|tests|examples|scripts|bench)/[\w./-]+)`", prose(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


def commands(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield every ``bridgehead ...`` shown, in a block or in backticks, as words."""
    shown = [(number, line) for number, line in blocks(page)]
    shown += [(0, text) for text in re.findall(r"`((?:uv run )?bridgehead [^`]+)`", prose(page))]
    for number, line in shown:
        found = re.match(r"\s*(?:\$ )?(?:uv run |[A-Z_]+=\S+ )*bridgehead( .*)?$", line)
        if found:
            words = re.split(r"\s(?:#|\||>|&&)\s?", (found[1] or "") + " ")[0]
            yield number, shlex.split(words)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_shown_can_be_typed(page: Path) -> None:
    for number, words in commands(page):
        try:
            typed(words)
        except click.UsageError as error:
            raise AssertionError(f"{name(page)}:{number}: bridgehead {shlex.join(words)}: {error}") from error


def typed(words: list[str]) -> None:
    """Let click read the words as the command would, without running it or looking at files."""
    # With the settings the program has: click keeps a command's help option once it has made one.
    context = click.Context(cli, info_name="bridgehead", **cli.context_settings)
    if not words or words[0].startswith("-"):
        cli.make_parser(context).parse_args(list(words))
        return
    command = cli.get_command(context, words[0])
    if command is None:
        raise click.UsageError(f"no command {words[0]!r}")
    inner, rest = click.Context(command, parent=context, info_name=words[0]), list(words[1:])
    if isinstance(command, click.Group):  # `effects RUN` is `effects list RUN`
        name = rest.pop(0) if rest and rest[0] in command.list_commands(inner) else "list"
        found = command.get_command(inner, name)
        assert found is not None, f"no command {name!r}"
        command = found
        inner = click.Context(command, parent=inner, info_name=name)
    _, left, _ = command.make_parser(inner).parse_args(rest)
    if left:
        raise click.UsageError(f"unexpected {left}")


@pytest.mark.parametrize(
    "words", [["chekc"], ["check", "--jsn"], ["verify", "a", "b", "c", "d"], ["demo", "--no"]]
)
def test_a_command_that_cannot_be_typed_is_noticed(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        typed(words)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_shown_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = re.findall(r"`make ([a-z]+)`", prose(page))
    shown += [found[1] for _, line in blocks(page) if (found := re.match(r"\s*(?:\$ )?make ([a-z]+)", line))]
    assert set(shown) - targets == set()


def test_the_page_of_commands_is_their_help() -> None:
    check_section(ROOT / "docs" / "reference" / "commands.md", "commands", _help())


def _every_command() -> Iterator[list[str]]:
    yield []
    for name in COMMANDS:
        yield [name]
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            inner_names = list(command.commands) or command.list_commands(click.Context(command))
            yield from ([name, inner] for inner in inner_names)


def _help() -> str:
    runner = CliRunner()
    parts = []
    for words in _every_command():
        command: click.Command | None = cli
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        assert command is not None
        # click keeps the help option of whoever asked first; another test may have called the bare command.
        command._help_option = None
        shown = runner.invoke(cli, [*words, "--help"], prog_name="bridgehead", terminal_width=96)
        assert shown.exit_code == 0, shown.output
        parts.append(f"## {' '.join(['bridgehead', *words])}\n\n```\n{shown.output.rstrip()}\n```\n")
    return "\n".join(parts)


def test_the_version_is_said_once() -> None:
    import bridgehead

    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{bridgehead.__version__}"' in project
    assert f"## [{bridgehead.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
