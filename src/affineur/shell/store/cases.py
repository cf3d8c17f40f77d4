"""Cases of moderation as stored, and the notes in them.

What does not live here: reports and appeals (`reports`, `appeals`), holds (`holds`), and when something is due
(`core.moderation.cases`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.life.standing import Hold
from affineur.core.moderation.reporters import Outcome as Verdict
from affineur.core.moderation.reports import case_number

from .holds import HOLD
from .schema import account, case_note, hold, journal, moderation_case, project, report


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as stored.

    ``proposed`` (`core.moderation.cases.proposal`): an act that waits for a second moderator, to take effect or, where
    it has already, to be looked at again; and who was the first.
    """

    id: int
    number: str
    project_id: int
    opened_at: datetime
    review_due_at: datetime | None
    taken_by: int | None
    proposed: str | None
    proposed_by: int | None
    proposed_at: datetime | None
    paged_at: datetime | None
    closed_at: datetime | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class NoteRow:
    """Something that a moderator wrote in a case. ``author`` is None for the console, and where they are gone."""

    id: int
    at: datetime
    author: str | None
    text: str


_CASE = sa.select(*(moderation_case.c[name] for name in CaseRow.__dataclass_fields__))


def find(connection: sa.Connection, number: str) -> CaseRow | None:
    """The case of that number."""
    row = connection.execute(_CASE.where(moderation_case.c.number == number)).first()
    return CaseRow(*tuple(row)) if row else None


def open_case(connection: sa.Connection, project_id: int) -> CaseRow | None:
    """The case about a project that is not closed; the newest of several, those last that are of owners alone."""
    query = _CASE.where(moderation_case.c.project_id == project_id, moderation_case.c.closed_at.is_(None))
    row = connection.execute(query.order_by(has_others().desc(), moderation_case.c.id.desc()).limit(1)).first()
    return CaseRow(*tuple(row)) if row else None


def begin(connection: sa.Connection, project_id: int, now: datetime, review_due_at: datetime | None) -> CaseRow:
    """A new case about a project, numbered. Inside a write transaction."""
    last = connection.scalar(sa.select(sa.func.max(moderation_case.c.id))) or 0
    number = case_number(last + 1, now)
    values = {"id": last + 1, "number": number, "project_id": project_id, "opened_at": now}
    connection.execute(moderation_case.insert().values(**values, review_due_at=review_due_at))
    return CaseRow(last + 1, number, project_id, now, review_due_at, None, None, None, None, None, None, None)


def bring_forward(connection: sa.Connection, case: CaseRow, due_at: datetime) -> None:
    """Have the case looked at by ``due_at``, unless that is so already."""
    if case.review_due_at is None or due_at < case.review_due_at:
        connection.execute(moderation_case.update().where(moderation_case.c.id == case.id).values(review_due_at=due_at))


def propose(connection: sa.Connection, case_id: int, act: str, account_id: int | None, now: datetime) -> None:
    """Note that a moderator asks for an act that takes two."""
    query = moderation_case.update().where(moderation_case.c.id == case_id)
    connection.execute(query.values(proposed=act, proposed_by=account_id, proposed_at=now))


def settle_proposal(connection: sa.Connection, case_id: int) -> None:
    """Nothing waits for a second moderator any more."""
    query = moderation_case.update().where(moderation_case.c.id == case_id)
    connection.execute(query.values(proposed=None, proposed_by=None, proposed_at=None))


def by_id(connection: sa.Connection, case_id: int) -> CaseRow:
    """The case of that id, which there is."""
    return CaseRow(*tuple(connection.execute(_CASE.where(moderation_case.c.id == case_id)).one()))


def project_of(connection: sa.Connection, case: CaseRow) -> str:
    """The name of the project that a case is about."""
    return str(connection.scalar(sa.select(project.c.name).where(project.c.id == case.project_id)))


def take(connection: sa.Connection, case_id: int, account_id: int | None) -> None:
    """Note who works on a case; None: nobody in particular."""
    connection.execute(moderation_case.update().where(moderation_case.c.id == case_id).values(taken_by=account_id))


def set_due(connection: sa.Connection, case_id: int, due_at: datetime) -> None:
    """Have a case looked at by ``due_at``, and no earlier."""
    connection.execute(moderation_case.update().where(moderation_case.c.id == case_id).values(review_due_at=due_at))


def reopen(connection: sa.Connection, case: CaseRow, due_at: datetime) -> None:
    """Open a case again, its verdict standing until it is closed anew; of an open one it is brought forward."""
    if case.closed_at is None:
        bring_forward(connection, case, due_at)
        return
    query = moderation_case.update().where(moderation_case.c.id == case.id)
    connection.execute(query.values(closed_at=None, review_due_at=due_at))


def note_paged(connection: sa.Connection, case_ids: list[int], now: datetime) -> None:
    """Note that moderators were called because of these cases."""
    connection.execute(moderation_case.update().where(moderation_case.c.id.in_(case_ids)).values(paged_at=now))


def overdue(connection: sa.Connection, now: datetime) -> list[tuple[int, str, str]]:
    """Cases whose review is due and nobody was called for since: id, number, project. Cost: one look where none is."""
    query = (
        sa.select(moderation_case.c.id, moderation_case.c.number, project.c.name)
        .join(project, project.c.id == moderation_case.c.project_id)
        .where(
            moderation_case.c.closed_at.is_(None),
            moderation_case.c.review_due_at <= now,
            sa.or_(moderation_case.c.paged_at.is_(None), moderation_case.c.paged_at < moderation_case.c.review_due_at),
        )
        .order_by(moderation_case.c.review_due_at, moderation_case.c.id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def intend(connection: sa.Connection, case_id: int, verdict: Verdict) -> None:
    """Note the verdict by which a case will be closed once it has been looked at again."""
    connection.execute(moderation_case.update().where(moderation_case.c.id == case_id).values(verdict=verdict))


def close(connection: sa.Connection, case_id: int, verdict: Verdict, now: datetime) -> list[int]:
    """Close a case by a verdict, which becomes that on all its reports: whoever overturns one overturns those, too.

    The accounts for whose reports it is news.
    """
    ended = {"closed_at": now, "verdict": verdict, "review_due_at": None}
    connection.execute(moderation_case.update().where(moderation_case.c.id == case_id).values(**ended))
    settle_proposal(connection, case_id)
    differently = (report.c.case_id == case_id, report.c.verdict.is_distinct_from(verdict))
    told = set(connection.scalars(sa.select(report.c.reporter_id).where(*differently))) - {None}
    connection.execute(report.update().where(*differently).values(verdict=verdict, decided_at=now))
    return sorted(told)


def held(connection: sa.Connection, case_id: int) -> list[Hold]:
    """What is on hold because of a case."""
    query = sa.select(*HOLD).where(hold.c.case_id == case_id, hold.c.lifted_at.is_(None)).order_by(hold.c.id)
    return [Hold(*tuple(row)) for row in connection.execute(query)]


def is_held_by_others(connection: sa.Connection, case_id: int) -> bool:
    """Whether anything is on hold because of a case that no owner withholds."""
    query = sa.select(hold.c.id).where(
        hold.c.case_id == case_id, hold.c.lifted_at.is_(None), hold.c.placed_as != "owner"
    )
    return connection.scalar(query.limit(1)) is not None


def ever_held(connection: sa.Connection, case_id: int) -> bool:
    """Whether anything was on hold because of a case, lifted or not."""
    return connection.scalar(sa.select(hold.c.id).where(hold.c.case_id == case_id).limit(1)) is not None


def has_others() -> sa.ColumnElement[bool]:
    """Of a case: whether anybody but owners of its project had to do with it, who withhold and give back as they like.

    Somebody reported, looked into it, asked for something, or held something.
    """
    of_it = [table.c.case_id == moderation_case.c.id for table in (report, case_note, hold)]
    return sa.or_(
        moderation_case.c.taken_by.is_not(None),
        moderation_case.c.proposed.is_not(None),
        sa.exists().where(of_it[0]),
        sa.exists().where(of_it[1]),
        sa.exists().where(of_it[2], hold.c.placed_as != "owner"),
    )


def is_of_owners_alone(connection: sa.Connection, case_id: int) -> bool:
    """Whether nobody but owners of its project had to do with a case."""
    query = sa.select(moderation_case.c.id).where(moderation_case.c.id == case_id, has_others())
    return connection.scalar(query) is None


def history(connection: sa.Connection, project_id: int) -> list[CaseRow]:
    """Every case about a project, newest first."""
    query = _CASE.where(moderation_case.c.project_id == project_id).order_by(moderation_case.c.id.desc())
    return [CaseRow(*tuple(row)) for row in connection.execute(query)]


def deciders(connection: sa.Connection, case: CaseRow, project: str) -> frozenset[int]:
    """Whose decision the holds of a case are, as the journal knows for operators. Cost: linear in the project's."""
    query = (
        sa.select(account.c.id)
        .join(journal, journal.c.actor == account.c.name)
        .where(journal.c.project == project, journal.c.moderation_case == case.number, journal.c.hint == "hide")
    )
    return frozenset(connection.scalars(query))


def moderators(connection: sa.Connection) -> list[int]:
    """The people who look into cases and could act: moderators and operators."""
    query = sa.select(account.c.id).where(
        account.c.office.in_(("moderator", "operator")),
        account.c.kind == "person",
        account.c.deleted_at.is_(None),
        account.c.frozen_at.is_(None),
    )
    return list(connection.scalars(query.order_by(account.c.id)))


def has_notes(connection: sa.Connection, case_id: int) -> bool:
    """Whether a moderator wrote anything in the case."""
    return connection.scalar(sa.select(case_note.c.id).where(case_note.c.case_id == case_id).limit(1)) is not None


def note(
    connection: sa.Connection, case_id: int, account_id: int | None, text: str, now: datetime, *, shown: bool = False
) -> int:
    """Write something in a case, for moderators, and where it is ``shown`` for the project's people. Its id."""
    row = case_note.insert().values(case_id=case_id, by=account_id, text=text, at=now, shown=shown)
    return int(connection.execute(row.returning(case_note.c.id)).scalar_one())


def shown(connection: sa.Connection, case_id: int) -> list[str]:
    """The evidence in a case that the project's people are shown, oldest first."""
    query = sa.select(case_note.c.text).where(case_note.c.case_id == case_id, case_note.c.shown)
    return list(connection.scalars(query.order_by(case_note.c.id)))


def notes(connection: sa.Connection, case_id: int) -> list[NoteRow]:
    """What moderators wrote in a case, oldest first."""
    query = (
        sa.select(case_note.c.id, case_note.c.at, account.c.name, case_note.c.text)
        .outerjoin(account, sa.and_(account.c.id == case_note.c.by, account.c.deleted_at.is_(None)))
        .where(case_note.c.case_id == case_id)
        .order_by(case_note.c.id)
    )
    return [NoteRow(*tuple(row)) for row in connection.execute(query)]
