"""Deciding: only the person, only by the button, only on what they saw, only once."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert, select, update

from bridgehead.assemble import House
from bridgehead.enforce.question import Question
from bridgehead.kernel.clock import SetClock, stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.record import Work
from bridgehead.store.tables import approval, run, vote
from fixtures.console_caller import Answer, Caller, SignIn

ONE = "/deployments/retail-support"


def page(question: str) -> str:
    return f"{ONE}/approvals/{question}"


def decide(caller: Caller, question: str, answer: str = "approve", reason: str = "seen the order") -> Answer:
    """Answer as a person does: open the page, press a button of its form."""
    shown = caller.get(page(question))
    form = {"answer": answer, "digest": shown.hidden("digest"), "reason": reason}
    return caller.post(page(question), form)


def state(house: House, question: str) -> str:
    with house.store.reading() as connection:
        return str(connection.execute(select(approval.c.state).where(approval.c.id == question)).scalar_one())


def votes(house: House, question: str) -> list[tuple[str, str]]:
    with house.store.reading() as connection:
        found = connection.execute(select(vote).where(vote.c.approval == question)).all()
    return [(row.principal, row.answer) for row in found]


@pytest.mark.parametrize(("answer", "becomes"), [("approve", "approved"), ("refuse", "refused")])
def test_an_answer_counts_and_the_next_question_opens(
    answer: str, becomes: str, house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    went = decide(maya, questions[0], answer)
    assert went.status == 303
    assert went.to.startswith(f"{page(questions[1])}?answered={questions[0]}")
    assert state(house, questions[0]) == becomes
    assert votes(house, questions[0]) == [("maya", answer)]
    after = maya.get(went.to)
    assert f"You {becomes}:" in after.text
    assert "Recorded as entry" in after.text


def test_after_the_last_question_the_inbox_says_so(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    for question in questions:
        went = decide(maya, question)
    assert went.to.startswith("/inbox?")
    assert "Nothing waits for you" in maya.get(went.to).text


def test_the_address_never_decides(house: House, questions: list[str], sign_in: SignIn) -> None:
    """A link that carries an answer is only a link: prefetching and mail scanners decide nothing."""
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    for method in ("GET", "HEAD"):
        address = f"{page(questions[0])}?answer=approve&digest={digest}&reason=x"
        assert maya.send(method, address, b"", {}).status == 200
    assert votes(house, questions[0]) == []
    assert maya.send("PUT", page(questions[0]), b"", {"sec-fetch-site": "same-origin"}).status == 405


def test_an_answer_to_another_text_does_not_count(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    form = {"answer": "approve", "digest": "0" * 64, "reason": "looks fine"}
    answer = maya.post(page(questions[0]), form)
    assert answer.status == 409
    assert "This has changed" in answer.text
    assert "BH-APR-003" in answer.text
    assert "looks fine" in answer.text, "what the person wrote is not lost"
    assert votes(house, questions[0]) == []


def test_a_replayed_answer_to_another_question_does_not_count(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    answer = maya.post(page(questions[1]), {"answer": "approve", "digest": digest, "reason": ""})
    assert answer.status == 409
    assert votes(house, questions[1]) == []


def test_a_double_click_counts_once_and_shows_the_first_result(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    form = {"answer": "approve", "digest": digest, "reason": ""}
    first, second = maya.post(page(questions[0]), form), maya.post(page(questions[0]), form)
    assert (first.status, second.status) == (303, 303)
    assert votes(house, questions[0]) == [("maya", "approve")]


def test_a_second_tab_cannot_change_the_answer(house: House, questions: list[str], sign_in: SignIn) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    maya.post(page(questions[0]), {"answer": "approve", "digest": digest, "reason": ""})
    other = maya.post(page(questions[0]), {"answer": "refuse", "digest": digest, "reason": ""})
    assert other.status == 409
    assert "BH-APR-002" in other.text
    assert votes(house, questions[0]) == [("maya", "approve")]


def test_two_leads_answer_at_once_and_the_second_is_told(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya, tomas = sign_in("maya"), sign_in("tomas")
    digest = tomas.get(page(questions[0])).hidden("digest")
    decide(maya, questions[0], "refuse")
    late = tomas.post(page(questions[0]), {"answer": "approve", "digest": digest, "reason": ""})
    assert late.status == 409
    assert "came after the decision" in late.text
    assert state(house, questions[0]) == "refused"


def test_nobody_approves_their_own_request(house: House, questions: list[str], sign_in: SignIn) -> None:
    """Ruth sponsors the agent: she sees the question, why she cannot answer, and who can."""
    ruth = sign_in("ruth")
    shown = ruth.get(page(questions[0]))
    assert "nobody approves their own request" in shown.text.lower()
    assert "Who can: Maya Lindqvist, Tomás Ferreira" in shown.text
    assert shown.text.count("disabled aria-describedby") == 2, "the buttons are shown, and do not work"
    answer = ruth.post(
        page(questions[0]), {"answer": "approve", "digest": shown.hidden("digest"), "reason": ""}
    )
    assert answer.status == 409
    assert "BH-APR-004" in answer.text
    assert votes(house, questions[0]) == []


def test_somebody_who_was_not_asked_cannot_answer(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    """The engineer may look; the executive may not even do that."""
    noor = sign_in("noor")
    shown = noor.get(page(questions[0]))
    form = {"answer": "approve", "digest": shown.hidden("digest"), "reason": ""}
    assert "BH-APR-005" in noor.post(page(questions[0]), form).text
    assert sign_in("jens").get(page(questions[0])).status == 404
    assert sign_in("jens").post(page(questions[0]), form).status == 404
    assert votes(house, questions[0]) == []


def test_a_page_of_another_site_cannot_decide(house: House, questions: list[str], sign_in: SignIn) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    form = {"answer": "approve", "digest": digest, "reason": ""}
    for foreign in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.test"}):
        assert maya.post(page(questions[0]), form, foreign).status == 403
    assert votes(house, questions[0]) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"answer=approve",
        b"answer=approve&digest=%s&reason=&extra=1",
        b"answer=approve&answer=refuse&digest=%s&reason=",
        b"answer=yes&digest=%s&reason=",
        b"answer=&digest=%s&reason=",
        b'{"answer":"approve"}',
        b"answer=approve&digest=%s&reason=\xff",
        b"answer=approve&digest=%s&reason=" + b"x" * 70_000,
    ],
    ids=["empty", "missing", "extra", "twice", "other word", "no answer", "json", "not text", "too long"],
)
def test_an_odd_payload_is_not_consent(
    body: bytes, house: House, questions: list[str], sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest").encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    answer = maya.send("POST", page(questions[0]), body.replace(b"%s", digest), headers)
    assert answer.status == 400
    assert "BH-DOO-006" in answer.text
    assert votes(house, questions[0]) == []


def test_another_content_type_is_not_consent(house: House, questions: list[str], sign_in: SignIn) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    form = {"answer": "approve", "digest": digest, "reason": ""}
    assert maya.post(page(questions[0]), form, {"content-type": "text/plain"}).status == 400
    assert votes(house, questions[0]) == []


def test_silence_is_refusal(house: House, questions: list[str], clock: SetClock, sign_in: SignIn) -> None:
    clock.advance(3.9 * 3600)
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    clock.advance(3600)
    late = maya.post(page(questions[0]), {"answer": "approve", "digest": digest, "reason": ""})
    assert late.status == 409
    assert "BH-APR-002" in late.text
    assert votes(house, questions[0]) == []


def test_a_question_that_was_asked_again_shows_what_changed(
    house: House, questions: list[str], clock: SetClock, sign_in: SignIn
) -> None:
    maya = sign_in("maya")
    digest = maya.get(page(questions[0])).hidden("digest")
    ask_again(house, questions[0], "999.00 USD")
    answer = maya.post(page(questions[0]), {"answer": "approve", "digest": digest, "reason": ""})
    assert answer.status == 409
    assert "This has changed" in answer.text
    assert "999.00 USD" in answer.text
    assert 'href="/deployments/retail-support/approvals/apr_again"' in answer.text
    assert votes(house, questions[0]) == []
    assert votes(house, "apr_again") == []


def ask_again(house: House, old: str, amount: str) -> None:
    """Put a question in the place of another, as the re-check does when something changed."""

    now = stamp(house.clock.now())

    def work(connection: Connection) -> Work:
        row = connection.execute(select(approval).where(approval.c.id == old)).one()
        body = house.ledger.body(connection, row.opened_entry)
        changed = Question.from_value(
            {**body["question"], "id": "apr_again", "amount": amount, "opened_at": now}
        )
        values = dict(row._mapping) | {
            "id": "apr_again",
            "digest": changed.digest(),
            "opened_at": now,
        }
        connection.execute(update(approval).where(approval.c.id == old).values(state="superseded"))

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            connection.execute(insert(approval).values(**values | {"opened_entry": written[0].index}))

        draft = Draft(
            kind="approval.opened",
            actor="agent:support-agent",
            run=row.run,
            fields={"position": row.position, "approval": {"id": "apr_again", "digest": changed.digest()}},
            body={**body, "question": changed.as_value()},
        )
        return Work(drafts=(draft,), then=then)

    house.ledger.append(work)


def test_an_erased_question_says_so_and_cannot_be_answered(
    house: House, questions: list[str], sign_in: SignIn
) -> None:
    """Bodies are kept while a run is open; afterwards the record that people were asked remains."""
    decide(sign_in("maya"), questions[0], "refuse")
    with house.store.writing() as connection:
        row = connection.execute(select(approval).where(approval.c.id == questions[0])).one()
        connection.execute(update(run).where(run.c.id == row.run).values(status="failed"))
    house.ledger.erase_body(row.opened_entry, by="human:ruth", basis="GDPR Art. 17", reason="asked to")
    shown = sign_in("tomas").get(page(questions[0])).text
    assert "content was erased" in shown
    assert "Maya Lindqvist refused" in shown
    assert 'name="answer"' not in shown
    assert "content erased" in sign_in("maya").get("/inbox").text


def test_what_people_wrote_is_text_never_markup(house: House, questions: list[str], sign_in: SignIn) -> None:
    attack = '<script>alert(1)</script><img src="https://evil.test/x">'
    decide(sign_in("maya"), questions[0], "refuse", attack)
    shown = sign_in("tomas").get(page(questions[0])).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<img" not in shown
