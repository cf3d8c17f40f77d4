"""The ladder: people who may publish or hold an office and have no second factor are told, long before anything pauses.

Nobody loses a role: what pauses is decided anew with each act (`core.access`), and goes on the moment a factor is
there. What does not live here: when a notice is due and what it says (`core.people.ladder`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from affineur.core.people import ladder
from affineur.core.people.ladder import Notice
from affineur.core.security import Happened, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, security
from affineur.shell.store import ladder as rows
from affineur.shell.store.ladder import Climber

AT_ONCE = 200
"""Accounts in one transaction: others write in between."""
MOST_PROJECTS_NAMED = 100


def notice_ladder(index: Index, now: datetime) -> int:
    """Begin the ladder for whoever belongs on it, tell whoever is to be told, take down who does not; how many.

    A chore, once an hour. Doing it again changes nothing: what was told is noted in the same transaction. Where the
    setting ``second_factor_required`` is off, nobody is on the ladder.
    """
    done = _take_down(index)
    if not index.settings.second_factor_required:
        return done
    last = 0
    while batch := _next(index, last):
        due = [climber.account_id for climber in batch if _something_to_do(climber, now)]
        done += _tell(index, due, now) if due else 0
        last = batch[-1].account_id
    return done


def _take_down(index: Index) -> int:
    required = index.settings.second_factor_required
    with index.store.read() as connection:
        if not rows.misplaced(connection, factor_required=required):
            return 0
    with index.store.write() as connection:
        gone = rows.misplaced(connection, factor_required=required)
        rows.take_down(connection, gone)
    return len(gone)


def _next(index: Index, after: int) -> list[Climber]:
    with index.store.read() as connection:
        return rows.climbers(connection, after, AT_ONCE)


def _something_to_do(climber: Climber, now: datetime) -> bool:
    since = climber.ladder_from
    return since is None or ladder.notice_due(since, climber.noticed, now) is not None


def _tell(index: Index, account_ids: Collection[int], now: datetime) -> int:
    done = 0
    with index.store.write() as connection:
        for climber in rows.refreshed(connection, account_ids):
            notice = ladder.notice_due(climber.ladder_from or now, climber.noticed, now)
            if climber.ladder_from is None:
                accounts.change(connection, climber.account_id, ladder_from=now)
                begun = Happened("LadderBegun", climber.account_id, climber.name)
                security.append(connection, console(now), begun)
            if notice is not None:
                accounts.change(connection, climber.account_id, ladder_noticed_days=notice.rung)
                _write(connection, climber, notice, now)
            done += int(notice is not None or climber.ladder_from is None)
    return done


def _write(connection: sa.Connection, climber: Climber, notice: Notice, now: datetime) -> None:
    already = ladder.needed_already(climber.office)
    affected = [*ladder.paused_by(notice.pauses), *(f"{each} (today already)" for each in already)]
    values = {
        "account": climber.name,
        "days_left": notice.days_left,
        "on": notice.on,
        "affected": affected,
        "unaffected": list(ladder.untouched_by(notice.pauses)),
        "projects": rows.projects_of(connection, climber.account_id)[:MOST_PROJECTS_NAMED],
    }
    emails.tell(connection, climber.account_id, "factor-ladder", values, now)
