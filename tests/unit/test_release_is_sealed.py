"""A release is named by its bytes: what belongs to it, how it is copied, what happens when it is altered."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785

from bridgehead.declare import Deployment, load_release, lock, manifest, snapshot
from bridgehead.kernel.errors import CharterError
from fixtures.charters import Folder
from fixtures.limits import no_open_files


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "help-desk")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def refused(code: str, state: Path, deployment: Deployment) -> CharterError:
    with pytest.raises(CharterError) as fault:
        load_release(state, deployment.digest)
    assert fault.value.code == code
    return fault.value


def test_the_digest_can_be_computed_without_us(folder: Folder) -> None:
    """SHA-256 of the RFC 8785 form of path -> SHA-256: by hand, with other people's code."""
    by_hand = {
        path.relative_to(folder.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.path.rglob("*")
        if path.is_file()
    }

    deployment = folder.load()

    assert deployment.manifest == by_hand
    assert deployment.digest == hashlib.sha256(rfc8785.dumps(by_hand)).hexdigest()


def test_every_file_counts_and_nothing_else(folder: Folder) -> None:
    before = folder.load().digest
    for left_out in (".bridgehead/store.db", ".git/HEAD", ".venv/x.py", "__pycache__/a.pyc", ".env", "a.pyc"):
        folder.write(left_out, "x")
    assert folder.load().digest == before

    folder.write("prompts/new.md", "x")
    with_file = folder.load().digest
    (folder.path / "prompts/new.md").rename(folder.path / "prompts/old.md")

    assert len({before, with_file, folder.load().digest}) == 3


def test_a_release_is_the_same_deployment(folder: Folder, state: Path) -> None:
    deployment = folder.load()

    place = snapshot(deployment, state)

    assert place == state / "releases" / deployment.digest
    again = load_release(state, deployment.digest)
    assert (again.digest, again.charter, again.manifest) == (
        deployment.digest,
        deployment.charter,
        deployment.manifest,
    )
    assert again.folder == place
    assert again.document("refund-policy") == deployment.document("refund-policy")


def test_a_release_outlives_the_folder(folder: Folder, state: Path) -> None:
    deployment = folder.load()
    snapshot(deployment, state)
    folder.change("amount > 50 USD", "amount > 500 USD")

    kept = load_release(state, deployment.digest)

    assert kept.charter.approvals["large-refund"].when["refund_customer"] == "amount > 50 USD"
    assert folder.load().digest != deployment.digest


def test_nothing_in_a_release_can_be_written(folder: Folder, state: Path) -> None:
    place = snapshot(folder.load(), state)

    modes = {stat.S_IMODE(path.stat().st_mode) & 0o222 for path in (place, *place.rglob("*"))}

    assert modes == {0}


def test_making_a_release_twice_changes_nothing(folder: Folder, state: Path) -> None:
    deployment = folder.load()
    first = snapshot(deployment, state)
    made = {path: path.stat().st_mtime_ns for path in first.rglob("*")}

    assert snapshot(deployment, state) == first
    assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == made


def test_documents_of_packages_are_part_of_the_release(folder: Folder, state: Path) -> None:
    folder.change("path: refund-policy.md", "package: click\n    resource: py.typed")
    deployment = folder.load()
    assert "documents/refund-policy" in deployment.manifest

    place = snapshot(deployment, state)

    kept = load_release(state, deployment.digest)
    assert kept.documents["refund-policy"] == place / "documents" / "refund-policy"
    assert kept.document("refund-policy") == deployment.document("refund-policy")


def test_a_release_needs_the_package_no_more(
    folder: Folder, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.change("path: refund-policy.md", "package: click\n    resource: py.typed")
    deployment = folder.load()
    snapshot(deployment, state)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert load_release(state, deployment.digest).digest == deployment.digest


def test_a_file_in_the_place_of_a_packaged_document_is_refused(folder: Folder) -> None:
    folder.change("path: refund-policy.md", "package: click\n    resource: py.typed")
    folder.write("documents/refund-policy", "ours")

    assert "Rename" in folder.error("BH-CHA-087").fix


def test_a_release_that_cannot_be_read_now_was_not_altered(folder: Folder, state: Path) -> None:
    deployment = folder.load()
    snapshot(deployment, state)
    with no_open_files(), pytest.raises(lock.ReleaseUnreadable) as fault:
        load_release(state, deployment.digest)
    assert (fault.value.code, "Too many open files" in fault.value.what) == ("BH-CHA-097", True)
    assert load_release(state, deployment.digest).digest == deployment.digest


@pytest.mark.parametrize("file", ["charter.yaml", "workflow.py", "policy.cedar", "tickets.json"])
def test_a_changed_byte_is_noticed(folder: Folder, state: Path, file: str) -> None:
    deployment = folder.load()
    path = snapshot(deployment, state) / file
    path.chmod(0o644)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)

    fault = refused("BH-CHA-086", state, deployment)
    assert "backup" in fault.fix
    with pytest.raises(CharterError, match="altered"):
        snapshot(deployment, state)


@pytest.mark.parametrize("added", ["extra.py", ".hidden.py", "sub/x"])
def test_an_added_file_is_noticed(folder: Folder, state: Path, added: str) -> None:
    deployment = folder.load()
    path = snapshot(deployment, state) / added
    path.parent.parent.chmod(0o755)
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text("x")

    refused("BH-CHA-086", state, deployment)


def test_a_missing_file_is_noticed(folder: Folder, state: Path) -> None:
    deployment = folder.load()
    place = snapshot(deployment, state)
    place.chmod(0o755)
    (place / "facts.py").unlink()

    refused("BH-CHA-086", state, deployment)


def test_planted_bytecode_never_runs(folder: Folder, state: Path) -> None:
    deployment = folder.load()
    place = snapshot(deployment, state)
    place.chmod(0o755)
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / "workflow.cpython-311.pyc").write_bytes(b"planted")
    (place / "facts.pyc").write_bytes(b"planted")
    place.chmod(0o555)

    load_release(state, deployment.digest)

    assert not list(place.rglob("*.pyc"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o555


@pytest.mark.parametrize("digest", ["", "../../etc", "0" * 64, "x" * 64, "A" * 64])
def test_a_release_that_is_not_there(state: Path, digest: str) -> None:
    with pytest.raises(CharterError) as fault:
        load_release(state, digest)

    assert fault.value.code == "BH-CHA-088"


def test_links_out_of_the_folder_are_refused(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (folder.path / "notes.md").symlink_to(tmp_path / "secret")

    error = folder.error("BH-CHA-080")
    assert error.where == "notes.md:1"
    assert "Copy the file" in error.fix


@pytest.mark.parametrize("target", [".bridgehead/keys/kek", ".", "nowhere"])
def test_links_that_lead_to_no_file_of_the_release_are_refused(folder: Folder, target: str) -> None:
    folder.write(".bridgehead/keys/kek", "secret")
    (folder.path / "link").symlink_to(folder.path / target)

    assert folder.error("BH-CHA-080")


def test_a_link_inside_counts_as_what_it_leads_to(folder: Folder, state: Path) -> None:
    (folder.path / "policy-copy.md").symlink_to("refund-policy.md")
    deployment = folder.load()

    place = snapshot(deployment, state)

    assert deployment.manifest["policy-copy.md"] == deployment.manifest["refund-policy.md"]
    assert not (place / "policy-copy.md").is_symlink()


def test_pipes_are_refused_and_not_read(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe")

    assert folder.error("BH-CHA-081").where == "pipe:1"


def test_file_names_that_are_not_text_are_refused(folder: Folder) -> None:
    os.close(os.open(os.fsencode(folder.path) + b"/caf\xe9.md", os.O_CREAT | os.O_WRONLY))

    assert folder.error("BH-CHA-082")


def test_names_beyond_ascii_have_a_digest(folder: Folder, state: Path) -> None:
    folder.write("café.md", "x")
    deployment = folder.load()

    snapshot(deployment, state)

    assert load_release(state, deployment.digest).digest == deployment.digest


def test_a_whole_disk_is_no_deployment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "MAX_FILES", 5)

    assert "folder of its own" in folder.error("BH-CHA-084").fix


def test_a_folder_that_changes_meanwhile_makes_no_release(folder: Folder, state: Path) -> None:
    deployment = folder.load()
    folder.write("workflow.py", "changed")

    with pytest.raises(CharterError) as fault:
        snapshot(deployment, state)

    assert (fault.value.code, fault.value.where) == ("BH-CHA-085", "workflow.py:1")
    assert not (state / "releases" / deployment.digest).exists()


def test_no_room_for_a_release_is_said_in_words(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(CharterError) as fault:
        snapshot(folder.load(), tmp_path / "file")

    assert fault.value.code == "BH-CHA-089"


KILLED_WHILE_COPYING = """
import os, signal, sys
from pathlib import Path
from bridgehead.declare import load, lock, snapshot
copy, files = lock._copy, []
def dying(source, target):
    copy(source, target)
    files.append(target)
    if len(files) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
lock._copy = dying
snapshot(load(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_a_process_killed_half_way_leaves_no_release(folder: Folder, state: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_COPYING, folder.path, state], check=False)
    assert done.returncode == -signal.SIGKILL
    left = list((state / "releases").glob(f"{lock._UNFINISHED}*"))
    assert len(left) == 1
    deployment = folder.load()
    refused("BH-CHA-088", state, deployment)

    snapshot(deployment, state)

    assert load_release(state, deployment.digest).digest == deployment.digest
    assert not left[0].exists()


def test_two_processes_make_one_release(folder: Folder, state: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bridgehead.declare import load, snapshot;"
        "print(snapshot(load(Path(sys.argv[1])), Path(sys.argv[2])))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, folder.path, state], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    printed = {process.communicate()[0] for process in both}

    assert [process.returncode for process in both] == [0, 0]
    assert len(printed) == 1
    assert load_release(state, folder.load().digest)
