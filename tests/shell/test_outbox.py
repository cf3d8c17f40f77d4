"""The outbox and the post: no mail is lost, none goes to two senders, none holds a link for longer than it must."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import open_unfounded
from tests.services.keeper import free_ports
from tests.services.schema import bring_schema
from tests.services.smtp import PostOffice
from typer.testing import CliRunner

from affineur.projections import post
from affineur.settings import SettingsError
from affineur.shell.index import Index
from affineur.shell.mail.letters import UnfitMail
from affineur.shell.store import accounts, outbox
from affineur.shell.store.outbox import Letter, OutboxRow

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TO = "ann@example.org"
RESET = {"account": "ann", "link": "account/reset?ticket=s3cret", "minutes": 60, "place": "192.0.2.0/24"}
MINUTE = timedelta(minutes=1)

Opened = Callable[..., Index]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_it(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Open the test's index with settings, on either database; each call opens the same one."""
    where = {} if request.param == "sqlite" else {"database": request.getfixturevalue("postgresql_url")}
    opened: list[Index] = []

    def open_it(**settings: object) -> Index:
        index = open_unfounded(tmp_path / "data", base_url="https://index.example.org/", **where, **settings)
        opened.append(index)
        bring_schema(index.settings.database_url)
        return index

    yield open_it
    for index in opened:
        index.close()


@pytest.fixture
def index(open_it: Opened, smtp: PostOffice) -> Index:
    """An index whose mail goes to `smtp`."""
    return open_it(mail_server=f"smtp://{smtp.host}:{smtp.port}", mail_from="index@example.org")


@pytest.fixture
def unserved(open_it: Opened) -> Index:
    """An index without a mail server."""
    return open_it()


def put(index: Index, at: datetime = NOW, to: str = TO, account_id: int | None = None) -> int:
    with index.store.write() as connection:
        return outbox.put(connection, at, to, "password-reset", RESET, account_id)


def row_of(index: Index, number: int) -> OutboxRow:
    with index.store.read() as connection:
        return next(row for row in outbox.mails(connection, unsent_only=False, limit=1000) if row.id == number)


def claim(index: Index, now: datetime) -> OutboxRow | None:
    with index.store.write() as connection:
        return outbox.claim(connection, now)


def send(index: Index, now: datetime = NOW) -> post.Report:
    return post.post(index, lambda: now)


# --- putting


def test_a_mail_is_in_the_outbox_exactly_when_its_act_is_done(unserved: Index) -> None:
    with pytest.raises(RuntimeError), unserved.store.write() as connection:
        outbox.put(connection, NOW, TO, "password-reset", RESET)
        raise RuntimeError
    with unserved.store.read() as connection:
        assert outbox.mails(connection, unsent_only=False, limit=10) == []
    row = row_of(unserved, put(unserved))
    assert (row.to_address, row.template, row.values, row.due_at) == (TO, "password-reset", RESET, NOW)


def test_an_unfit_mail_is_refused_when_it_is_put_and_says_nothing_of_its_contents(unserved: Index) -> None:
    for to, template, values in (
        (TO, "no-such", RESET),
        (TO, "password-reset", {"link": "account/reset?ticket=s3cret"}),
        (TO, "password-reset", RESET | {"link": "https://evil.example.org/s3cret"}),
        ("ann@example.org, bea@example.org", "password-reset", RESET),
    ):
        with pytest.raises(UnfitMail) as refused, unserved.store.write() as connection:
            outbox.put(connection, NOW, to, template, values)
        assert "s3cret" not in str(refused.value) and "@" not in str(refused.value)


def test_many_mails_are_put_at_once_or_none_of_them(unserved: Index) -> None:
    letters = [Letter(f"p{number}@example.org", "password-reset", RESET) for number in range(1201)]
    with unserved.store.write() as connection:
        assert outbox.put_all(connection, NOW, iter(letters)) == 1201
        with pytest.raises(UnfitMail):
            outbox.put_all(connection, NOW, [*letters, Letter("nobody", "welcome", {"account": "x"})])
    with unserved.store.read() as connection:
        assert len(outbox.mails(connection, unsent_only=True, limit=5000)) == 1201


# --- sending


def test_a_mail_is_sent_once_and_what_it_held_is_gone(index: Index, smtp: PostOffice) -> None:
    number = put(index)
    assert send(index).sent == 1
    assert send(index).sent == 0
    (got,) = smtp.messages(to=TO)
    assert got.links == ["https://index.example.org/account/reset?ticket=s3cret"]
    row = row_of(index, number)
    assert (row.sent_at, row.values, row.subject) == (NOW, {}, "Choose a new password [Affineur]")
    with index.store.read() as connection:
        stored = connection.execute(sa.text("SELECT * FROM outbox")).one()
    assert "s3cret" not in str(stored)


def test_a_mail_that_is_not_due_yet_waits(index: Index) -> None:
    put(index, NOW + MINUTE)
    assert send(index, NOW + MINUTE - timedelta(microseconds=1)).sent == 0
    assert send(index, NOW + MINUTE).sent == 1


def test_mails_go_out_in_the_order_in_which_they_fell_due(index: Index, smtp: PostOffice) -> None:
    for minutes in (3, 1, 2):
        put(index, NOW + minutes * MINUTE, f"m{minutes}@example.org")
    send(index, NOW + 10 * MINUTE)
    assert [one.recipients[0] for one in smtp.messages()] == [f"m{minutes}@example.org" for minutes in (1, 2, 3)]


def test_while_a_mail_is_handed_over_others_can_write(index: Index, smtp: PostOffice) -> None:
    written: list[int] = []
    take = smtp.handle_DATA

    async def write_and_take(*arguments: object) -> str:
        written.append(put(index, NOW + MINUTE))
        return await take(*arguments)  # type: ignore[arg-type]

    smtp.handle_DATA = write_and_take  # type: ignore[method-assign]
    put(index)
    assert send(index).sent == 1
    assert len(written) == 1


def test_a_claimed_mail_is_given_to_nobody_else_until_the_claim_lapses(unserved: Index) -> None:
    number = put(unserved)
    first = claim(unserved, NOW)
    assert first is not None and first.id == number
    assert claim(unserved, NOW + outbox.CLAIM - timedelta(microseconds=1)) is None
    again = claim(unserved, NOW + outbox.CLAIM)
    assert again is not None and again.id == number


def test_several_senders_at_once_send_each_mail_once(open_it: Opened, smtp: PostOffice) -> None:
    nodes = [open_it(mail_server=f"smtp://{smtp.host}:{smtp.port}", mail_from="index@example.org") for _ in range(3)]
    with nodes[0].store.write() as connection:
        outbox.put_all(connection, NOW, [Letter(f"p{n}@example.org", "password-reset", RESET) for n in range(30)])
    reports: list[post.Report] = []
    threads = [threading.Thread(target=lambda node=node: reports.append(send(node))) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(report.sent for report in reports) == 30
    assert sorted(one.recipients for one in smtp.messages()) == sorted({(f"p{n}@example.org",) for n in range(30)})


def test_a_sender_that_dies_after_the_server_took_the_mail_causes_the_same_mail_again(
    index: Index, smtp: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(index)

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(outbox, "settle_sent", die)
        send(index)
    assert send(index).sent == 0, "the claim still holds"
    assert send(index, NOW + outbox.CLAIM).sent == 1
    first, second = smtp.messages(to=TO)
    assert first.content["Message-ID"] == second.content["Message-ID"]
    assert first.text == second.text


# --- trouble


def test_a_mail_that_is_refused_for_now_is_tried_with_growing_pauses_and_then_given_up(
    index: Index, smtp: PostOffice
) -> None:
    number, now = put(index), NOW
    with smtp.refuse("451 4.3.0 Come back later"):
        for attempt, pause in enumerate(outbox.PAUSES, 1):
            assert send(index, now).postponed == 1
            assert send(index, now + pause - timedelta(microseconds=1)) == post.Report()
            row = row_of(index, number)
            assert (row.attempts, row.last_error) == (attempt, "451 4.3.0 Come back later")
            now += pause
        assert send(index, now).failed == 1
    assert send(index, now + timedelta(days=30)) == post.Report()
    row = row_of(index, number)
    assert row.failed_at == now and row.values == RESET
    assert timedelta(days=4) < now - NOW < timedelta(days=5)
    assert list(outbox.PAUSES) == sorted(outbox.PAUSES)
    assert (outbox.PAUSES[0], outbox.PAUSES[-1]) == (MINUTE, timedelta(days=1))


def test_a_mail_that_was_late_is_sent_when_the_server_takes_it(index: Index, smtp: PostOffice) -> None:
    number = put(index)
    with smtp.refuse("451 4.3.0 Come back later"):
        send(index)
    assert send(index, NOW + MINUTE).sent == 1
    assert row_of(index, number).last_error is None


def test_a_mailbox_that_does_not_exist_fails_at_once_and_its_account_is_told_of_in_the_same_transaction(
    index: Index, smtp: PostOffice
) -> None:
    with index.store.write() as connection:
        ann = accounts.add_account(connection, "ann", NOW)
    number = put(index, account_id=ann)
    told: list[tuple[object, ...]] = []

    def note(connection: sa.Connection, *rest: object) -> None:
        failed = connection.scalar(sa.text("SELECT failed_at FROM outbox"))
        told.append((failed is not None, *rest))

    with smtp.refuse("550 5.1.1 No such mailbox", at="recipient"):
        report = post.post(index, lambda: NOW, note)
    assert told == [(True, ann, TO, NOW)]
    assert (report.failed, report.refused) == (1, [(ann, TO)])
    assert row_of(index, number).failed_at == NOW


def test_a_letter_refused_for_what_it_says_does_not_mark_the_address(index: Index, smtp: PostOffice) -> None:
    put(index)
    with smtp.refuse("554 5.7.1 Looks like spam"):
        assert send(index) == post.Report(failed=1)


def test_a_server_that_is_away_costs_one_try_a_round_and_no_mail_an_attempt(open_it: Opened) -> None:
    index = open_it(mail_server=f"smtp://127.0.0.1:{free_ports(1)[0]}", mail_from="index@example.org")
    numbers = [put(index) for _ in range(3)]
    report = send(index)
    assert report.away and (report.sent, report.postponed, report.failed) == (0, 0, 0)
    rows = [row_of(index, number) for number in numbers]
    assert [row.attempts for row in rows] == [0, 0, 0]
    assert [row.last_error for row in rows] == [report.away, None, None]
    assert claim(index, NOW) is not None, "due as before"


def test_a_mail_that_can_not_be_written_fails_without_stopping_the_others(
    index: Index, smtp: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = put(index), put(index, to="bea@example.org")
    with index.store.write() as connection:
        connection.execute(sa.text(f"UPDATE outbox SET template = 'of-an-older-version' WHERE id = {broken}"))
    with caplog.at_level(logging.DEBUG):
        report = send(index)
    assert (report.sent, report.failed) == (1, 1)
    assert row_of(index, whole).sent_at == NOW
    assert "cannot be written" in str(row_of(index, broken).last_error)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("affineur")]
    assert ours and "s3cret" not in " ".join(ours)


@pytest.mark.parametrize(
    "settings", [{"mail_server": "smtp://127.0.0.1", "mail_from": "nobody"}, {"mail_server": "mail.example.org"}]
)
def test_settings_that_do_not_fit_are_said_and_change_no_mail(open_it: Opened, settings: dict[str, str]) -> None:
    index = open_it(**settings)
    number = put(index)
    with pytest.raises(SettingsError):
        send(index)
    assert row_of(index, number).attempts == 0


# --- what stays


def test_without_a_mail_server_mails_wait_five_days_and_no_longer(unserved: Index) -> None:
    number = put(unserved)
    assert send(unserved) == post.Report()
    post.tidy(unserved, NOW + outbox.WAITS_AT_MOST)
    assert row_of(unserved, number).failed_at is None
    late = NOW + outbox.WAITS_AT_MOST + timedelta(microseconds=1)
    post.tidy(unserved, late)
    row = row_of(unserved, number)
    assert (row.failed_at, row.last_error) == (late, "Not sent within 5 days.")


def test_what_failed_is_emptied_after_14_days_and_forgotten_after_90(unserved: Index) -> None:
    number = put(unserved)
    with unserved.store.write() as connection:
        row = outbox.claim(connection, NOW)
        assert row is not None
        outbox.settle_failed(connection, row, "550", NOW)
    post.tidy(unserved, NOW + outbox.KEPT_AFTER_FAILURE)
    assert row_of(unserved, number).values == RESET
    post.tidy(unserved, NOW + outbox.KEPT_AFTER_FAILURE + timedelta(microseconds=1))
    assert row_of(unserved, number).values == {}
    with unserved.store.write() as connection:
        assert outbox.retry(connection, NOW, [number]) == [], "there is nothing to send any more"
    post.tidy(unserved, NOW + outbox.LISTED)
    assert row_of(unserved, number)
    post.tidy(unserved, NOW + outbox.LISTED + timedelta(microseconds=1))
    with unserved.store.read() as connection:
        assert outbox.mails(connection, unsent_only=False, limit=1) == []


def test_a_person_finds_the_mails_sent_to_their_account_and_nobody_elses(index: Index) -> None:
    with index.store.write() as connection:
        ann, bea = (accounts.add_account(connection, name, NOW) for name in ("ann", "bea"))
    first, second, other = put(index, account_id=ann), put(index, account_id=ann), put(index, account_id=bea)
    with index.store.read() as connection:
        assert outbox.mails_to(connection, ann, 10) == []
    send(index)
    with index.store.read() as connection:
        assert [row.id for row in outbox.mails_to(connection, ann, 10)] == [second, first]
        assert [row.id for row in outbox.mails_to(connection, bea, 10)] == [other]
        assert all(not row.values for row in outbox.mails_to(connection, ann, 10))


def test_the_thread_sends_what_is_put_while_it_runs_and_ends_when_told(index: Index, smtp: PostOffice) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=post.keep_posting, args=(index, stop))
    thread.start()
    try:
        put(index, datetime.now(UTC))
        smtp.wait_for(TO, "Choose a new password", timeout=20)
    finally:
        stop.set()
        thread.join(timeout=20)
    assert not thread.is_alive()


# --- commands


def run(index: Index, *arguments: object, code: int = 0) -> str:
    from affineur.cli.mail import mail

    settings = index.settings
    environment = {
        "AFFINEUR_DATA": str(settings.data),
        "AFFINEUR_DATABASE": settings.database,
        "AFFINEUR_BASE_URL": settings.base_url,
        "AFFINEUR_MAIL_SERVER": settings.mail_server,
        "AFFINEUR_MAIL_FROM": settings.mail_from,
    }
    done = CliRunner().invoke(mail, [str(one) for one in arguments], env=environment)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def test_an_operator_without_mail_server_can_hand_links_over(unserved: Index) -> None:
    number = put(unserved)
    shown = run(unserved, "list")
    assert f"{number}  2026-03-01 12:00 UTC  {TO}  password-reset  not sent: no mail server" in shown
    assert "https://index.example.org/account/reset?ticket=s3cret" in shown
    (row,) = json.loads(run(unserved, "list", "--json"))
    assert row["link"] == "https://index.example.org/account/reset?ticket=s3cret"


def test_a_list_of_sent_mails_shows_no_links(index: Index) -> None:
    put(index)
    send(index)
    assert "No mail waits." in run(index, "list")
    shown = run(index, "list", "--all")
    assert shown.rstrip().endswith("password-reset  sent") and "s3cret" not in shown


def test_retry_makes_failed_mails_due_with_all_their_attempts(index: Index, smtp: PostOffice) -> None:
    failed, sent = put(index), put(index, to="bea@example.org")
    with smtp.refuse("554 5.7.1 Looks like spam"):
        send(index)
    assert "failed (554 5.7.1 Looks like spam)" in run(index, "list")
    assert run(index, "retry", failed) == f"{failed}: due now\n"
    assert (row_of(index, failed).failed_at, row_of(index, failed).attempts) == (None, 0)
    run(index, "retry")
    assert send(index, datetime.now(UTC)).sent == 2
    assert f"Cannot be sent: {failed}, {sent + 1}" in run(index, "retry", failed, sent + 1, code=1)


def test_a_test_says_what_the_server_answers(index: Index, smtp: PostOffice) -> None:
    assert "took a test for ann@example.org" in run(index, "test", TO)
    assert smtp.messages(to=TO)[0].subject == "Mail works [Affineur]"
    with smtp.refuse("550 5.1.1 No such mailbox", at="recipient"):
        assert "does not take it: 550 5.1.1 No such mailbox" in run(index, "test", TO, code=1)
    assert "is not one e-mail address" in run(index, "test", "ann", code=2)


def test_a_test_without_a_server_says_what_to_set(unserved: Index) -> None:
    assert "Set `mail_server` first." in run(unserved, "test", TO, code=3)
