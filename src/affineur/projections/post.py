"""The post: mails in the outbox are handed to the mail server, outside of every transaction.

Order of effects for each mail: claim it (a transaction), hand it over, write down what became of it (another one).
A crash in between sends it again, under the same Message-ID, once the claim has lapsed; none is lost.

What does not live here: the outbox itself and its pauses (`shell.store.outbox`), SMTP (`shell.mail.sending`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address

import sqlalchemy as sa

from affineur.settings import SettingsError
from affineur.shell.index import Index
from affineur.shell.mail import message, rendering
from affineur.shell.mail.letters import UnfitMail
from affineur.shell.mail.sending import Line, Outcome, Server, parse_server
from affineur.shell.store import outbox
from affineur.shell.store.outbox import OutboxRow

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Refused = Callable[[sa.Connection, int | None, str, datetime], object]
"""Told of an address that takes no mail (connection, account, address, when), in the transaction that notes it."""

LOOK_SECONDS = 1.0
"""How often the outbox is looked into."""
AWAY_SECONDS = 60.0
"""How long a mail server that cannot be used is left alone; twice as long each further time, up to …"""
AWAY_SECONDS_AT_MOST = 900.0
_TIDY_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class Report:
    """What one round did: how many mails went which way, and why the server could not be used, if so."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0
    away: str = ""
    refused: list[tuple[int | None, str]] = field(default_factory=list)
    """Account and address of mails whose address takes none."""


def _told_nobody(_connection: sa.Connection, _account_id: int | None, _address: str, _at: datetime) -> None:
    """For an index that keeps no account of addresses."""


def post(index: Index, clock: Clock, on_permanent_failure: Refused = _told_nobody) -> Report:
    """Send every mail that is due, each once; stops where the server is away. ``clock`` gives aware UTC.

    Raises `SettingsError` where `mail_server` or `mail_from` is not fit to be used.
    """
    report = Report()
    server = parse_server(index.settings.mail_server)
    if server is None or not _anything_due(index, clock()):
        return report
    of = message.sender(index.settings)
    with Line(server, of.domain) as line:
        while not report.away:
            with index.store.write() as connection:
                row = outbox.claim(connection, clock())
            if row is None:
                break
            subject, outcome = _deliver(index, line, of, row, clock())
            _settle(index, row, subject, outcome, clock(), report, on_permanent_failure)
    return report


def send_test(index: Index, server: Server, to_address: str, at: datetime) -> Outcome:
    """Send a test to ``to_address`` at once, past the outbox. Raises `SettingsError` for an unfit `mail_from`."""
    of = message.sender(index.settings)
    house = rendering.House.of(index.settings)
    letter = rendering.render("test", {"at": at}, house, number=None, written_at=at)
    made = message.compose(letter, of, to_address, house.contact, message_id=message.identifier(None, at, of), at=at)
    with Line(server, of.domain) as line:
        return line.deliver(made, of.addr_spec, to_address)


def tidy(index: Index, now: datetime) -> None:
    """Give up mails that waited too long, and forget old ones. Takes no lock where there is nothing to do."""
    with index.store.read() as connection:
        if not outbox.needs_tidying(connection, now):
            return
    with index.store.write() as connection:
        given_up = outbox.tidy(connection, now)
    for number in given_up:
        log.warning("mail %d was given up: it waited too long", number)


def keep_posting(index: Index, stop: threading.Event, on_permanent_failure: Refused = _told_nobody) -> None:
    """Send what is due until ``stop`` is set. For a thread of its own: a mail server may keep one waiting.

    A failing round is logged and tried again.
    """
    away_seconds = AWAY_SECONDS
    tidy_at = datetime.now(UTC)
    while not stop.is_set():
        rest = LOOK_SECONDS
        try:
            now = datetime.now(UTC)
            if now >= tidy_at:
                tidy(index, now)
                tidy_at = now + _TIDY_EVERY
            report = post(index, lambda: datetime.now(UTC), on_permanent_failure)
            if report.away:
                log.warning("mail waits: the mail server cannot be used: %s", report.away)
                rest, away_seconds = away_seconds, min(2 * away_seconds, AWAY_SECONDS_AT_MOST)
            else:
                away_seconds = AWAY_SECONDS
        except SettingsError as error:
            log.error("mail waits: %s", error)
            rest = AWAY_SECONDS
        except Exception:  # the thread must outlive a database that is away for a moment
            log.exception("mail was not sent; trying again")
            rest = AWAY_SECONDS
        stop.wait(rest)


def _anything_due(index: Index, now: datetime) -> bool:
    with index.store.read() as connection:
        return outbox.anything_due(connection, now)


def _deliver(index: Index, line: Line, of: Address, row: OutboxRow, now: datetime) -> tuple[str, Outcome]:
    """The subject of the mail in ``row``, and what became of it; one that cannot be written is a failure at once."""
    from jinja2 import TemplateError

    house = rendering.House.of(index.settings)
    try:
        letter = rendering.render(
            row.template,
            row.values,
            house,
            number=row.id,
            written_at=row.created_at,
            listed=row.account_id is not None,
        )
        made = message.compose(
            letter,
            of,
            row.to_address,
            house.contact,
            message_id=message.identifier(row.id, row.created_at, of),
            at=now,
        )
    except (TemplateError, UnfitMail, ValueError, TypeError) as error:
        # Only the kind of error is kept: its words may hold a link.
        log.error("mail %d (%s) cannot be written: %s", row.id, row.template, type(error).__name__)
        return "", Outcome("never", f"It cannot be written ({type(error).__name__}).")
    return letter.subject, line.deliver(made, of.addr_spec, row.to_address)


def _settle(
    index: Index,
    row: OutboxRow,
    subject: str,
    outcome: Outcome,
    now: datetime,
    report: Report,
    on_permanent_failure: Refused,
) -> None:
    with index.store.write() as connection:
        match outcome.result:
            case "sent":
                outbox.settle_sent(connection, row.id, subject, now)
                report.sent += 1
            case "away":
                outbox.give_back(connection, row, outcome.said)
                report.away = outcome.said
            case "later":
                given_up = outbox.settle_later(connection, row, outcome.said, now)
                report.failed += given_up
                report.postponed += not given_up
            case "never":
                outbox.settle_failed(connection, row, outcome.said, now)
                report.failed += 1
                if outcome.bad_address:
                    on_permanent_failure(connection, row.account_id, row.to_address, now)
                    report.refused.append((row.account_id, row.to_address))
    log.info("mail %d (%s): %s %s", row.id, row.template, outcome.result, outcome.said)
