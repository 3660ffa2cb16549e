"""A backup is whole or refused, and a deployment restored from it repeats nothing that was done since."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridgehead.backup import aftermath, contents
from bridgehead.backup.judge import Evidence
from bridgehead.backup.restore import Place, check, restore
from bridgehead.backup.take import Taken, take
from bridgehead.doors.cli import cli
from bridgehead.enforce.stop import in_force, lift_stop, set_stop
from bridgehead.kernel.clock import SetClock, stamp
from bridgehead.kernel.errors import BridgeheadError, ConfigError, StoreError
from bridgehead.record import Keys, Ledger
from bridgehead.record.verify import verify_store
from bridgehead.store import Store, dump, engines, unfinished
from bridgehead.store import tables as t
from bridgehead.store.session import address_of
from fixtures.houses import IDENTIFY, SETTLED, Desk, act, ask
from fixtures.ledgers import ORIGIN, case, recording
from fixtures.restoring import back_up, carry_on, put_back
from fixtures.undoing import Undoing

REFUND = act("refund", order_id="o1", amount=20)


# --- nothing that was done after the backup is done again ------------------------------------------


async def test_a_refund_made_after_the_backup_is_found_by_its_probe(desk: Desk) -> None:
    run = desk.start(REFUND, workflow="plain")
    backup = back_up(desk)
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")]
    done = put_back(desk, backup)
    assert (done.aftermath.open_runs, done.verdict.lost) == (1, 0)
    await carry_on(desk)
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.row(run).restored_at is not None
    kinds = [entry["kind"] for entry in desk.entries(run=run) if entry.get("position") == "1"]
    assert kinds == ["action.presumed", "action.settled"]


async def test_a_refund_that_was_not_made_is_made_once(desk: Desk) -> None:
    run = desk.start(REFUND, workflow="plain")
    put_back(desk, back_up(desk))
    await carry_on(desk)
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.ended(run)[-1]["is"] == "done"
    kinds = [entry["kind"] for entry in desk.entries(run=run) if entry.get("position") == "1"]
    assert kinds == ["action.presumed", "action.settled", "action.intent", "action.outcome"]


async def test_a_note_is_sent_again_under_the_same_key(desk: Desk) -> None:
    run = desk.start(act("post_note", text="hello"), workflow="plain")
    backup = back_up(desk)
    await desk.work()
    first = dict(desk.shop.notes)
    assert len(first) == 1
    put_back(desk, backup)
    await carry_on(desk)
    assert desk.shop.notes == first  # the shop dropped the repeat: its key did not change
    assert desk.ended(run)[-1]["is"] == "done"


@pytest.mark.parametrize(("lifetime", "state"), [("2h", "done"), ("30m", "unknown")])
async def test_a_key_may_be_as_old_as_the_backup(desk: Desk, lifetime: str, state: str) -> None:
    """An hour passes before the restore; the note may have been sent right after the backup was taken."""
    key = "    key_argument: reference\n    settle: 120s\n"
    desk.change(key, f"{key}    key_lifetime: {lifetime}\n")
    run = desk.start(act("post_note", text="hello"), workflow="plain")
    backup = back_up(desk)
    taken = desk.clock.now()
    await desk.work()
    put_back(desk, backup)
    await carry_on(desk)
    (row,) = desk.crossings(run)
    assert (row.state, row.first_called_at) == (state, stamp(taken))
    assert len(desk.system.calls) == (2 if state == "done" else 1)
    assert desk.row(run).waiting_for == ("" if state == "done" else "person:1")


TIMELY = """
async def play(run, steps):
    if steps[0] == "now":
        at = str(await run.now())
    elif steps[0] == "read":
        at = str((await run.act("price_of", item="lamp")).value["price"])
    else:
        at = str((await run.act("post_note", text="first")).value)
    return str(await run.act("post_note", text=at))
"""


@pytest.mark.parametrize("source", ["now", "read"])
async def test_what_follows_from_a_value_that_was_given_anew_goes_to_a_person(
    desk: Desk, source: str
) -> None:
    """The value may be another one than after the backup; then a key and a probe would ask about nothing."""
    desk.workflow(TIMELY)
    run = desk.start(input={"steps": [source]}, workflow="plain")
    backup = back_up(desk)
    await desk.work()
    sent = dict(desk.shop.notes)
    desk.shop.extra["price"] = "12.00"
    put_back(desk, backup)
    await carry_on(desk)
    assert desk.row(run).waiting_for == "person:2"
    assert desk.shop.notes == sent
    assert any("given a value anew, at 1" in incident.words for incident in desk.incidents())


async def test_what_an_effect_answered_is_the_one_effect_s_answer(desk: Desk) -> None:
    """It is sent again with its key, and the other system knows it: so is the one that follows from it."""
    desk.workflow(TIMELY)
    run = desk.start(input={"steps": ["effect"]}, workflow="plain")
    backup = back_up(desk)
    await desk.work()
    sent = dict(desk.shop.notes)
    put_back(desk, backup)
    await carry_on(desk)
    for _ in range(2):
        desk.clock.advance(SETTLED)
        await desk.work()
    assert desk.row(run).status == "done"
    assert desk.shop.notes == sent and len(sent) == 2


async def test_a_letter_nobody_can_be_asked_about_goes_to_a_person(desk: Desk) -> None:
    run = desk.start(act("send_letter", text="hello"), workflow="plain")
    backup = back_up(desk)
    await desk.work()
    put_back(desk, backup)
    await carry_on(desk)
    assert desk.shop.letters == ["hello"]
    assert desk.row(run).waiting_for == "person:1"
    assert "unknown" in {crossing.state for crossing in desk.crossings(run)}


@pytest.mark.parametrize(
    ("inverse", "known", "outcome", "address"),
    [("arguments.order_id", "o1", "undone", "o1"), ("before.order.address", None, "impossible", "2 Lane")],
)
async def test_a_change_that_was_found_is_taken_back_where_its_arguments_say_how(
    desk: Desk, inverse: str, known: str | None, outcome: str, address: str
) -> None:
    """What stood there before it was read after the backup, and is not known any more."""
    undoing = Undoing(desk.change("address: before.order.address", f"address: {inverse}"))
    run = desk.start(act("change_address", order_id="o1", address="2 Lane"), workflow="plain")
    backup = back_up(desk)
    await desk.work()
    put_back(desk, backup)
    await carry_on(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    (presumed,) = desk.bodies("action.presumed", run)
    arguments = {"order_id": "o1", "address": known}
    assert presumed["undo"] == (known and {"action": "change_address", "arguments": arguments})
    undo = undoing.order(run)
    await desk.work()
    if known:
        desk.vote("olga")
        await desk.work()
    assert undoing.outcomes(undo) == [outcome]
    assert desk.shop.orders["o1"]["address"] == address
    said = undoing.certificate(undo)
    assert (said.ok, said.effects, said.counts[outcome]) == (True, 1, 1)


async def test_what_may_have_happened_after_the_backup_is_counted_by_the_undo_of_its_run(desk: Desk) -> None:
    undoing = Undoing(desk)
    run = desk.start(IDENTIFY, act("send_letter", text="hello"), workflow="plain")
    backup = back_up(desk)
    await desk.work()
    put_back(desk, backup)
    await carry_on(desk)
    undo = undoing.order(run)
    await desk.work()
    assert undoing.outcomes(undo) == ["unknown"]
    said = undoing.certificate(undo)
    assert (said.ok, said.effects, said.counts["unknown"]) == (True, 1, 1)


async def test_money_that_moved_after_the_backup_is_in_the_account_of_an_undo(desk: Desk) -> None:
    undoing = Undoing(desk)
    run = desk.start(REFUND, workflow="plain")
    backup = back_up(desk)
    await desk.work()
    put_back(desk, backup)
    await carry_on(desk)
    undo = undoing.order(run)
    await desk.work()
    assert undoing.outcomes(undo) == ["impossible"]
    money = {"USD": {"moved": "20.00", "taken-back": "0.00", "remaining": "20.00", "unclear": "0.00"}}
    assert undoing.certificate(undo).money == money


async def test_after_a_model_was_asked_anew_only_a_person_can_tell(desk: Desk) -> None:
    """It may have answered something else the first time; a probe for these arguments proves nothing."""
    run = desk.start(IDENTIFY, ask(), REFUND)
    put_back(desk, back_up(desk))
    await carry_on(desk)
    assert desk.shop.refunds == []
    assert desk.row(run).waiting_for == "person:3"
    assert "other arguments" in next(i.words for i in desk.incidents() if i.run == run)


async def test_what_a_model_said_before_the_backup_is_still_what_it_said(desk: Desk) -> None:
    run = desk.start(IDENTIFY, ask(), REFUND)

    def stop() -> None:  # the model is being asked: its answer is the last that is recorded
        if desk.crossings(run, "support"):
            desk.on_step.clear()
            set_stop(desk.house.boundary, desk.person("olga"), "backup")

    desk.on_step[8] = stop
    await desk.work()
    backup = back_up(desk)
    lift_stop(desk.house.boundary, desk.person("olga"), "backed up")
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")]
    put_back(desk, backup)
    lift_stop(desk.house.boundary, desk.person("olga"), "the one of the backup")
    await carry_on(desk)
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_question_answered_after_the_backup_is_asked_again_and_its_effect_is_not_repeated(
    desk: Desk,
) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    backup = back_up(desk)
    desk.vote("maya")
    await desk.work()
    assert desk.shop.refunds == [("o1", "200")]
    put_back(desk, backup)
    desk.vote("tomas")
    await carry_on(desk)
    assert desk.shop.refunds == [("o1", "200")]
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_yes_that_was_not_used_yet_is_asked_for_again(desk: Desk) -> None:
    """It may have been used, or revoked, after the backup."""
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    desk.vote("maya")
    done = put_back(desk, back_up(desk))
    assert done.aftermath.asked_again == 1
    await carry_on(desk)
    assert desk.shop.refunds == []
    desk.vote("tomas")
    await desk.work()
    assert desk.shop.refunds == [("o1", "200")]


async def test_a_restored_deployment_is_stopped_and_says_so(desk: Desk) -> None:
    desk.start(IDENTIFY, REFUND)
    backup = back_up(desk)
    done = put_back(desk, backup)
    with desk.house.store.reading() as connection:
        stop = in_force(connection)
    assert stop is not None and stop.id == done.aftermath.stop
    assert "Restored from a backup of 2026-03-02T09:00:00" in stop.reason
    await desk.work()
    assert desk.shop.refunds == []
    kinds = [entry["kind"] for entry in desk.entries()]
    assert kinds.index("store.restored") < kinds.index("stop.set")
    assert [incident.kind for incident in desk.incidents()] == ["restored"]
    desk.close()
    keys = desk.state / "keys"
    assert verify_store(desk.state / "store.db", vkey=(keys / "ledger.vkey").read_text(), keys=keys).ok


# --- a backup is whole, or it is refused -------------------------------------------------------------


async def test_a_backup_taken_while_others_append_is_one_moment(
    tmp_path: Path, keys: Keys, clock: SetClock
) -> None:
    (tmp_path / "state").mkdir()
    shutil.copytree(tmp_path / "keys", tmp_path / "state" / "keys")
    store = Store.open(tmp_path / "state" / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    ledger.append(recording(*case("first", "zoe")))
    over = threading.Event()

    def append(name: str) -> None:
        count = 0
        while not over.is_set():
            ledger.append(recording(*case(f"{name}-{count}", "zoe")))
            count += 1

    threads = [threading.Thread(target=append, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    taken = [_taken(store, ledger, tmp_path, number, clock) for number in range(3)]
    over.set()
    for thread in threads:
        thread.join()
    ledger.close()
    store.close()
    for one in taken:
        manifest, verdict = check(one.place, Evidence(vkey=keys.vkey))
        assert verdict.report.size >= manifest.size > 0
        assert contents.sha256(one.place / contents.MANIFEST) == one.digest


def _taken(store: Store, ledger: Ledger, folder: Path, number: int, clock: SetClock) -> Taken:
    target = folder / f"b{number}"
    return take(store, ledger, folder / "state", target, now=clock.now(), with_keys=bool(number))


async def test_keys_are_left_out_unless_asked_for_and_then_locked(desk: Desk, tmp_path: Path) -> None:
    house, now = desk.house, desk.clock.now()
    plain = take(house.store, house.ledger, house.state, tmp_path / "p", now=now, with_keys=False)
    assert not (plain.place / "keys").exists()
    desk.close()
    with pytest.raises(ConfigError, match="BH-BAK-007"):
        restore(plain.place, Place(state=tmp_path / "n"), Evidence(), clock=desk.clock, by="human:sam")
    place = Place(state=tmp_path / "n", keys=desk.state / "keys")
    restore(plain.place, place, Evidence(), clock=desk.clock, by="human:sam")
    desk.reopen()
    kept = back_up(desk, "with-keys") / "keys"
    for folder in (kept, tmp_path / "n" / "keys"):
        for secret in (folder / "kek", folder / "ledger.key"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600


async def test_nothing_is_overwritten_and_nothing_half_is_left(desk: Desk, tmp_path: Path) -> None:
    backup = back_up(desk)
    with pytest.raises(ConfigError, match="BH-BAK-003"):
        back_up(desk)
    with pytest.raises(ConfigError, match="BH-BAK-006"):
        restore(backup, Place(state=desk.state), Evidence(), clock=desk.clock, by="human:sam")
    wrong = Evidence(vkey=Keys.create(tmp_path / "others", "example-tests/desk").vkey)
    with pytest.raises(ConfigError, match="BH-BAK-004"):
        restore(backup, Place(state=tmp_path / "n"), wrong, clock=desk.clock, by="human:sam")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "desk", "others", "state"]


@pytest.mark.parametrize("file", ["store.db", "checkpoint", "keys/kek"])
async def test_a_file_that_changed_is_named(desk: Desk, file: str, tmp_path: Path) -> None:
    backup = back_up(desk)
    data = bytearray((backup / file).read_bytes())
    data[len(data) // 2] ^= 1
    (backup / file).write_bytes(data)
    with pytest.raises(ConfigError, match=f"BH-BAK-002.*{file}"):
        check(backup, Evidence())


async def test_a_history_that_was_rewritten_with_its_manifest_does_not_verify(desk: Desk) -> None:
    await desk.play(IDENTIFY, REFUND)
    backup = back_up(desk)
    with closing(sqlite3.connect(backup / "store.db")) as db:
        db.execute("update entry set time = '2020-01-01T00:00:00.000000Z' where idx = 3")
        db.commit()
    said = json.loads((backup / "manifest.json").read_text())
    said["files"]["store.db"] = contents.sha256(backup / "store.db")
    (backup / "manifest.json").write_text(json.dumps(said))
    with pytest.raises(ConfigError, match="BH-BAK-004"):
        check(backup, Evidence())


async def test_a_backup_older_than_a_checkpoint_somebody_holds_is_said_loudly(desk: Desk) -> None:
    desk.start(IDENTIFY, REFUND)
    backup = back_up(desk)
    await desk.work()
    held = desk.house.ledger.checkpoint()
    size = int(held.split("\n")[1])
    with pytest.raises(ConfigError) as fault:
        put_back(desk, backup, Evidence(kept=[held]))
    assert fault.value.code == "BH-BAK-005" and "effects since then are unknown" in fault.value.means
    done = put_back(desk, backup, Evidence(kept=[held], accept_loss=True))
    assert done.verdict.lost == size - done.verdict.report.size > 0
    (told,) = desk.bodies("store.restored")
    assert told["entries_lost"] == done.verdict.lost
    with desk.house.store.reading() as connection:
        assert "known to be missing" in connection.scalars(select(t.incident.c.words)).one()


async def test_another_history_is_not_taken_for_a_newer_one(desk: Desk, tmp_path: Path) -> None:
    backup = back_up(desk)
    stranger = Keys.create(tmp_path / "others", "example-tests/desk")
    note = stranger.sign_checkpoint(10_000, bytes(32))
    with pytest.raises(ConfigError, match="BH-BAK-004"):
        check(backup, Evidence(kept=[note], accept_loss=True))


# --- the commands ------------------------------------------------------------------------------------


async def test_the_commands_bring_a_lost_folder_back(desk: Desk, tmp_path: Path) -> None:
    await desk.play(IDENTIFY, REFUND)
    desk.close()
    backup, lost = tmp_path / "b", tmp_path / "lost"
    said = _run("backup", desk.folder, "--state", desk.state, "--to", backup, "--with-keys", "--json")
    assert said["with_keys"] is True
    checked = _run("restore", backup, "--verify", "--json")
    assert checked["ok"] is True and checked["entries"] >= said["entries"]
    shutil.rmtree(desk.folder)
    found = _run("restore", backup, "--folder", lost, "--verify", "--json")
    assert found["release"] and (lost / "charter.yaml").exists() and (lost / "workflow.py").exists()
    report = _run("verify", lost, "--json")
    assert report["ok"] is True and report["signed_size"] == report["size"] > checked["entries"]
    assert report["ended_runs"] == 1


def _run(*words: object) -> dict[str, object]:
    """Run a command and return what it prints."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    if isinstance(result.exception, BridgeheadError):
        raise result.exception
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


async def test_a_database_that_stays_closed_says_which_folder_is_in_the_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up(desk)
    desk.close()
    place = desk.folder.parent / "restored"

    def gone(url: object) -> None:
        raise StoreError("BH-STO-001", "the server is gone")

    monkeypatch.setattr(dump, "finish", gone)
    with pytest.raises(ConfigError, match="the server is gone") as stuck:
        restore(backup, Place(state=place), Evidence(), clock=desk.clock, by="human:sam")
    assert stuck.value.code == "BH-BAK-010" and str(place) in stuck.value.fix
    with pytest.raises(ConfigError, match="BH-BAK-006"):
        restore(backup, Place(state=place), Evidence(), clock=desk.clock, by="human:sam")


@pytest.mark.postgresql
def test_a_mark_of_a_restore_is_set_once_and_speaks_in_our_words(postgresql_url: str) -> None:
    Store.open(postgresql_url).close()
    address = address_of(postgresql_url)
    engine = engines.writers(address, 1.0)
    try:
        with pytest.raises(StoreError) as nothing_there:
            unfinished.finish(engine)
        unfinished.begin(engine)
        with pytest.raises(StoreError, match="state folder") as twice:
            unfinished.begin(engine)
    finally:
        engine.dispose()
    assert (nothing_there.value.code, twice.value.code) == ("BH-STO-001", "BH-STO-024")


def test_the_stop_of_a_restore_says_what_its_entry_says(desk: Desk) -> None:
    desk.house.ledger.append(aftermath.mark(desk.clock, "human:sam", "2026-03-02T09:00:00Z", 10, 3))
    with desk.house.store.reading() as connection:
        stopped = in_force(connection)
    assert stopped is not None and "3 entries of the ledger are known to be missing" in stopped.reason
    assert stopped.reason == desk.bodies("stop.set")[0]["reason"]


def test_a_restore_without_a_place_says_what_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["restore", str(tmp_path)])
    assert isinstance(result.exception, ConfigError) and result.exception.code == "BH-DOO-030"
    with pytest.raises(ConfigError, match="BH-BAK-001"):
        check(tmp_path, Evidence())


async def test_a_run_with_a_key_that_was_started_after_the_backup_is_not_done_again(desk: Desk) -> None:
    """A queue delivers its message once more after the restore: what it started is in no journal any more."""
    backup = back_up(desk)
    desk.clock.advance(60)
    run = desk.start(REFUND, workflow="plain", key="message-17")
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")]
    put_back(desk, backup)
    assert desk.start(REFUND, workflow="plain", key="message-17") == run
    await carry_on(desk)
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.row(run).status == "done"
    desk.clock.advance(15 * 86_400)
    new = desk.start(IDENTIFY, REFUND, key="message-99")  # no queue keeps a message so long
    assert desk.row(new).restored_at is None
