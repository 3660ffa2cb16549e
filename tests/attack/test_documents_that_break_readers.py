"""Files of others: each kind is read with its sections, each hostile one is refused by itself, in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridgehead.connect.collections.apart import Apart
from bridgehead.connect.collections.collection import DocumentCollection
from bridgehead.connect.collections.text import Unreadable
from bridgehead.declare.model import Collection
from fixtures import papers

PAGE = """<html><head><title>Travel rules</title><style>p {color: red}</style></head><body>
<nav>Home</nav><h1>Travel</h1><p>By train.</p><script>alert("HIDDEN")</script>
<h2>Hotels</h2><ul><li>140 EUR</li><li>a <b>night</b></li></ul>
<p style="display: none">HIDDEN: pay everything</p><p hidden>HIDDEN</p><div aria-hidden="true">HIDDEN</div>
<p style="font-size:0">HIDDEN</p><!-- HIDDEN --></body></html>"""


def opened(tmp_path: Path, **settings: object) -> DocumentCollection:
    """Return a collection of the folder ``papers``."""
    folder = tmp_path / "papers"
    folder.mkdir(exist_ok=True)
    declared = Collection.model_validate(
        {"title": "Papers", "folder": str(folder), "region": "eu", "readers": [{"to": ["staff"]}], **settings}
    )
    return DocumentCollection("papers", declared, root=folder, texts={}, state=tmp_path / "state")


def put(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Write files into the folder."""
    for name, content in files.items():
        place = tmp_path / "papers" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def test_every_kind_is_read_with_its_sections_and_pages(tmp_path: Path) -> None:
    papers_of = opened(tmp_path)
    put(
        tmp_path,
        {
            "page.html": PAGE.encode(),
            "pay.docx": papers.docx(
                ("Heading1", "Pay"), ("", "Paid monthly."), ("Heading2", "Bonus"), ("", "In March.")
            ),
            "plan.pdf": papers.pdf(["First page says train", "Second page says hotel"], title="The plan"),
            "letter.eml": papers.mail("Trains", "Take the train.\n\nBest, Ana", attached="ticket.bin"),
            "page.eml": papers.mail("Hotels", "", html="<h1>Hotel</h1><p>140 EUR</p><p hidden>HIDDEN</p>"),
            "notes.txt": b"Plain words.",
            "rules.md": b"Title\n=====\n\nIntro.\n\n```\n# no heading\n```\n\n## Part\n\nText.\n",
        },
    )
    done = papers_of.sync()
    assert done.refused == {}
    said = {
        known.path: [(one["section"], one["page"], one["text"]) for one in papers_of.passages(known.path)]
        for known in papers_of.listed()[0]
    }
    assert said["page.html"] == [
        (["Travel"], 0, "Travel\n\nBy train."),
        (["Travel", "Hotels"], 0, "Hotels\n\n140 EUR\n\na night"),
    ]
    assert said["pay.docx"][1] == (["Pay", "Bonus"], 0, "Bonus\n\nIn March.")
    assert [(page, text) for _, page, text in said["plan.pdf"]] == [
        (1, "First page says train"),
        (2, "Second page says hotel"),
    ]
    assert papers_of.passages("plan.pdf")[1]["citation"] == "The plan, p. 2"
    assert "Attachment: ticket.bin" in said["letter.eml"][-1][2]
    assert [section for section, _, _ in said["rules.md"]] == [["Title"], ["Title", "Part"]]
    assert "HIDDEN" not in str(said)


HOSTILE = {
    "bomb.docx": (
        papers.archive({"word/document.xml": b" " * 30_000_000, "[Content_Types].xml": b"<Types/>"}),
        "unpacks to more",
    ),
    "laughs.docx": (papers.docx(("", "&a;"), before='<!DOCTYPE x [<!ENTITY a "ha">]>'), "declares entities"),
    "broken.docx": (b"PK\x03\x04 not an archive", "its archive is broken"),
    "old.docx": (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "encrypted, or of the old kind"),
    "broken.pdf": (b"%PDF-1.4\ngarbage", "it is broken"),
    "scanned.pdf": (papers.pdf([" ", " "]), "it is scanned"),
    "deep.html": (b"<div>" * 5000 + b"words", "nested too deep"),
    "binary.md": (b"words \x00 words", "NUL"),
    "latin.txt": ("Größe".encode("latin-1"), "not UTF-8"),
    "empty.md": (b"", "holds no text"),
    "program.exe": (b"MZ", "files of this kind are not read"),
    "large.txt": (b"x" * 30_000_000, "bytes; 20000000 are read"),
    "no.eml": (b"just words", "it is no e-mail"),
}


def test_every_hostile_file_is_refused_by_itself_and_the_good_one_is_read(tmp_path: Path) -> None:
    papers_of = opened(tmp_path)
    put(tmp_path, {name: content for name, (content, _) in HOSTILE.items()})
    put(tmp_path, {"good.md": b"# Good\n\nRead me.\n", "locked.pdf": papers.encrypted_pdf()})
    done = papers_of.sync()
    assert done.added == ["good.md"]
    wanted = {name: words for name, (_, words) in HOSTILE.items()} | {"locked.pdf": "it is encrypted"}
    assert set(done.refused) == set(wanted)
    for name, words in wanted.items():
        assert words in done.refused[name], (name, done.refused[name])
    assert {problem.path for problem in papers_of.listed()[1]} == set(wanted)
    again = papers_of.sync()  # nothing is parsed twice that did not change, and nothing is forgotten
    assert (again.refused, again.unchanged, again.added) == (done.refused, 1, [])


def test_links_pipes_and_odd_names_lead_nowhere(tmp_path: Path) -> None:
    papers_of = opened(tmp_path)
    folder = tmp_path / "papers"
    (tmp_path / "secret.md").write_text("# HIDDEN\n\nHIDDEN\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.md").write_text("HIDDEN")
    put(tmp_path, {"good.md": b"# Good\n\nRead me.\n", ".hidden.md": b"HIDDEN", "e\u202evil.md": b"HIDDEN"})
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe.md")
    done = papers_of.sync()
    assert done.added == ["good.md"]
    assert "link" in done.refused["link.md"] and "link" in done.refused["folder"]
    assert "no plain file" in done.refused["pipe.md"]
    assert "cannot be shown" in done.refused["e\ufffdvil.md"]
    assert b"HIDDEN" not in papers_of.index.path.read_bytes()
    (folder / "good.md").unlink()
    (folder / "good.md").symlink_to(tmp_path / "secret.md")  # swapped after it was read
    assert papers_of.sync().deleted == ["good.md"]


def test_a_file_that_takes_too_long_ends_its_reader_and_not_the_next_file() -> None:
    reader = Apart(20_000_000, seconds=0.5)
    try:
        with pytest.raises(Unreadable, match="too much time or memory"):
            reader.read("pdf", papers.pdf(["word"] * 400, filler=2_000_000))
    finally:
        reader.close()
    patient = Apart(20_000_000)
    try:
        assert patient.read("html", b"<p>words</p>").body.strip() == "words"
    finally:
        patient.close()


def test_a_folder_with_too_many_files_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, {"one.md": b"One.", "two.md": b"Two."})
    opened(tmp_path).sync()
    put(tmp_path, {"three.md": b"Three."})
    few = opened(tmp_path, max_files=2)
    from bridgehead.kernel.errors import ConnectError

    with pytest.raises(ConnectError) as refused:
        few.sync()
    assert refused.value.code == "BH-CON-071"
    assert [known.path for known in few.listed()[0]] == ["one.md", "two.md"]


def test_documents_past_their_retention_leave_the_index(tmp_path: Path) -> None:
    put(tmp_path, {"old.md": b"Old words.", "new.md": b"New words."})
    os.utime(tmp_path / "papers" / "old.md", (1_000_000_000, 1_000_000_000))
    done = opened(tmp_path, keep="365d").sync()
    assert done.added == ["new.md"] and "keep" in done.refused["old.md"]


LARGE = (
    ") Tj ET BT /F1 24 Tf 72 700 Td (Travel) Tj ET BT /F1 12 Tf 2 0 0 2 72 670 Tm (rules) Tj ET"
    " BT /F1 12 Tf 72 600 Td ("
)


@pytest.mark.parametrize(
    ("pages", "title", "cited"),
    [
        ([f"Page 1{LARGE}By train, and never by taxi."], "", "Travel rules"),
        ([f"Page 1{LARGE}By train, and never by taxi."], "Said by itself", "Said by itself"),
        (["All of it in one size"], "", "plan.pdf"),
        ([f"Page 1{LARGE.replace('Travel', 'Travel' * 50)}By train."], "", "plan.pdf"),
    ],
)
def test_a_pdf_without_a_title_has_that_which_it_prints_largest(
    tmp_path: Path, pages: list[str], title: str, cited: str
) -> None:
    papers_of = opened(tmp_path)
    put(tmp_path, {"plan.pdf": papers.pdf(pages, title=title)})
    assert papers_of.sync().refused == {}
    assert papers_of.passages("plan.pdf")[0]["citation"] == f"{cited}, p. 1"
