"""Everything about a case that a moderator decides by, gathered for its page.

What does not live here: the queue and the forms (`cases`), what an act comes to (`holding`), and what lies in a file
(`examine`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from affineur.actions import permission
from affineur.core.decision import refuse
from affineur.core.history.chronicle_words import ACTORS, sentence
from affineur.core.life import signals as rules_of_signals
from affineur.core.life.lifecycle import HOLDING, TRANSITIONS, Act, legal
from affineur.core.life.lifecycle import Place as WhatOf
from affineur.core.life.standing import Standing, hold_on, project_status
from affineur.core.moderation import case_words, reporters
from affineur.core.moderation.reporters import Record
from affineur.core.moderation.reports import KINDS, parse_case_number
from affineur.core.names import NormalizedName
from affineur.core.versions import order_key
from affineur.core.views.simple import FileLink
from affineur.shell.store import (
    accounts,
    appeals,
    case_facts,
    case_queue,
    cases,
    chronicle,
    grants,
    projects,
    reading,
    reports,
    signals,
)
from affineur.shell.store.case_queue import Queued
from affineur.shell.store.projects import ProjectRow
from affineur.shell.store.reports import ReportRow
from affineur.web.session import Session

ENTRIES = 20
"""Entries of the journal that the page shows."""
RELEASES = 20


@dataclass(frozen=True, slots=True)
class Weighed:
    """A report with what the record of its reporter makes of it. ``record`` None: nobody's vote."""

    row: ReportRow
    record: Record | None

    @property
    def weight(self) -> float:
        """What it counts."""
        return 0.0 if self.record is None else round(reporters.weight(self.record), 2)

    @property
    def trusted(self) -> bool:
        """Whether it can begin a hold."""
        return self.record is not None and reporters.is_trusted(self.record)


@dataclass(frozen=True, slots=True)
class Release:
    """A release at a glance, and its files with whether each is held."""

    version: str
    created_at: object
    yanked: bool
    held: str | None
    files: list[tuple[FileLink, str | None]]


@dataclass(frozen=True, slots=True)
class Possible:
    """Something to do with a project: ``act``, or why nothing comes of it now."""

    act: Act
    why_not: str = ""


def everything(connection: sa.Connection, number: str, session: Session) -> dict[str, Any]:
    """What the page of a case shows. `Refused` by ``report.case`` and ``case.exists``."""
    parse_case_number(number)
    queued = case_queue.one(connection, number.strip())
    found = projects.find(connection, queued.project) if queued else None
    if queued is None or found is None:
        refuse("case.exists", f"There is no case {number.strip()}.", "Look at the queue for its number.")
    permission.require(connection, session.actor, "moderate", found.name, session.now)
    return {
        "queued": queued,
        "case": queued.case,
        "project": found,
        "number": queued.case.number,
        "due": case_words.due(queued.case.review_due_at, session.now),
        "is_overdue": case_words.is_overdue(queued.case.review_due_at, session.now),
        "is_mine": queued.case.taken_by is not None and queued.case.taken_by == session.actor.account_id,
        "status": project_status(found.standing),
        **_said(connection, queued),
        **_second(connection, queued, session),
        **_about(connection, found, session),
        "acts": [_possible(act, found.standing) for act in TRANSITIONS if act in HOLDING],
        "sentence": sentence,
        "actors": ACTORS,
    }


def _said(connection: sa.Connection, queued: Queued) -> dict[str, Any]:
    """What people said in the case."""
    filed = reports.in_case(connection, queued.case.id)
    records = reports.records(connection, {each.reporter_id for each in filed if each.reporter_id is not None})
    return {
        "reports": [Weighed(each, records.get(each.reporter_id or 0) if each.reporter else None) for each in filed],
        "kinds": KINDS,
        "placed": case_facts.holds_of(connection, queued.case.id),
        "held": bool(queued.held),
        "appeals": appeals.in_case(connection, queued.case.id),
        "notes": cases.notes(connection, queued.case.id),
        "earlier": [each for each in cases.history(connection, queued.case.project_id) if each.id != queued.case.id],
    }


def _second(connection: sa.Connection, queued: Queued, session: Session) -> dict[str, Any]:
    """What waits for a second moderator, and whether whoever looks can be that."""
    case = queued.case
    first = accounts.by_id(connection, case.proposed_by) if case.proposed_by else None
    mine = case.proposed_by is not None and case.proposed_by == session.actor.account_id
    waits = case_words.proposed(NormalizedName(queued.project), case.proposed) if case.proposed else ""
    looked_at = bool(queued.held) and case.closed_at is None and not case.proposed
    return {
        "proposed": waits,
        "proposed_by": first.name if first else "the console",
        "may_agree": bool(waits) and not mine,
        # What the index holds by itself, or one moderator long ago: a look at it lets it stand for another while.
        "may_let_stand": looked_at,
    }


def _about(connection: sa.Connection, found: ProjectRow, session: Session) -> dict[str, Any]:
    """What is known of the project."""
    rows = sorted(reading.releases(connection, found.id), key=lambda each: order_key(each.version), reverse=True)
    files: dict[str, list[FileLink]] = {}
    for each in sorted(projects.file_links(connection, found.id), key=lambda link: link.filename):
        files.setdefault(each.version, []).append(each)
    shown = [
        Release(
            row.version,
            row.created_at,
            row.yanked,
            _held(found.standing, row.version),
            [(each, _held(found.standing, row.version, each.filename)) for each in files.get(row.version, [])],
        )
        for row in rows[:RELEASES]
    ]
    return {
        "releases": shown,
        "release_count": len(rows),
        "owners": case_words.ages(case_facts.owners_since(connection, found.id), session.now),
        "crew": grants.crew(connection, found.id),
        "age": case_words.span(session.now - found.created_at),
        "signals": rules_of_signals.signals(signals.facts(connection, found), session.now),
        "entries": chronicle.newest_of(connection, found.name, ENTRIES),
    }


def _held(standing: Standing, version: str, filename: str | None = None) -> str | None:
    """The hold on exactly that release, or exactly that file."""
    hold = hold_on(standing, version, filename)
    if hold is None or (filename is None and hold.level == "file"):
        return None
    return hold.kind if filename is None or hold.level == "file" else None


def _possible(act: Act, standing: Standing) -> Possible:
    """Whether ``act`` leads anywhere, for the project or anything of it."""
    places = [WhatOf(), *(WhatOf(hold.version, hold.filename) for hold in standing.holds)]
    origins = {hold.origin for hold in standing.holds} | {"ours"}
    if any(act in legal(standing, place, origin) for place in places for origin in origins):  # type: ignore[arg-type]
        return Possible(act)
    nothing = {"clear": "Nothing is quarantined.", "condemn": "Only what is quarantined can be condemned."}
    return Possible(act, nothing.get(act, "Nothing is withheld."))
