"""Cases of moderation as stored, and the notes in them.

What does not live here: reports and appeals (`reports`, `appeals`), holds (`holds`), and when something is due
(`core.cases`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.reporters import Outcome as Verdict
from affineur.core.reports import case_number

from .schema import case_note, hold, moderation_case, report


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as stored. ``proposed``: an act that waits for a second moderator, and who asked for it."""

    id: int
    number: str
    project_id: int
    opened_at: datetime
    review_due_at: datetime | None
    taken_by: int | None
    proposed: str | None
    proposed_by: int | None
    proposed_at: datetime | None
    closed_at: datetime | None
    verdict: str | None


_CASE = sa.select(*(moderation_case.c[name] for name in CaseRow.__dataclass_fields__))


def find(connection: sa.Connection, number: str) -> CaseRow | None:
    """The case of that number."""
    row = connection.execute(_CASE.where(moderation_case.c.number == number)).first()
    return CaseRow(*tuple(row)) if row else None


def open_case(connection: sa.Connection, project_id: int) -> CaseRow | None:
    """The case about a project that is not closed; the newest, should there be several."""
    query = _CASE.where(moderation_case.c.project_id == project_id, moderation_case.c.closed_at.is_(None))
    row = connection.execute(query.order_by(moderation_case.c.id.desc()).limit(1)).first()
    return CaseRow(*tuple(row)) if row else None


def begin(connection: sa.Connection, project_id: int, now: datetime, review_due_at: datetime | None) -> CaseRow:
    """A new case about a project, numbered. Inside a write transaction."""
    last = connection.scalar(sa.select(sa.func.max(moderation_case.c.id))) or 0
    number = case_number(last + 1, now)
    values = {"id": last + 1, "number": number, "project_id": project_id, "opened_at": now}
    connection.execute(moderation_case.insert().values(**values, review_due_at=review_due_at))
    return CaseRow(last + 1, number, project_id, now, review_due_at, None, None, None, None, None, None)


def bring_forward(connection: sa.Connection, case: CaseRow, due_at: datetime) -> None:
    """Have the case looked at by ``due_at``, unless that is so already."""
    if case.review_due_at is None or due_at < case.review_due_at:
        connection.execute(moderation_case.update().where(moderation_case.c.id == case.id).values(review_due_at=due_at))


def propose(connection: sa.Connection, case_id: int, act: str, account_id: int | None, now: datetime) -> None:
    """Note that a moderator asks for an act that takes two."""
    query = moderation_case.update().where(moderation_case.c.id == case_id)
    connection.execute(query.values(proposed=act, proposed_by=account_id, proposed_at=now))


def close(connection: sa.Connection, case_id: int, verdict: Verdict, now: datetime) -> None:
    """Close a case by a verdict, which is that on its open reports, too."""
    ended = {"closed_at": now, "verdict": verdict, "review_due_at": None, "proposed": None, "proposed_by": None}
    connection.execute(moderation_case.update().where(moderation_case.c.id == case_id).values(**ended))
    undecided = report.update().where(report.c.case_id == case_id, report.c.verdict.is_(None))
    connection.execute(undecided.values(verdict=verdict, decided_at=now))


def holds_anything(connection: sa.Connection, case_id: int) -> bool:
    """Whether a hold of that case is in force."""
    query = sa.select(hold.c.id).where(hold.c.case_id == case_id, hold.c.lifted_at.is_(None)).limit(1)
    return connection.scalar(query) is not None


def has_notes(connection: sa.Connection, case_id: int) -> bool:
    """Whether a moderator wrote anything in the case."""
    return connection.scalar(sa.select(case_note.c.id).where(case_note.c.case_id == case_id).limit(1)) is not None


def note(connection: sa.Connection, case_id: int, account_id: int | None, text: str, now: datetime) -> None:
    """Write something in a case; for moderators only."""
    connection.execute(case_note.insert().values(case_id=case_id, by=account_id, text=text, at=now))
