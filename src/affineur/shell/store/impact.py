"""Runs that gave classes of impact, as recorded: with what numbers, measured when, and how far they are applied.

What does not live here: the facts of each project, which are a file of the lake (`shell.impact.facts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from affineur.core.impact.policy import Numbers, Thresholds
from affineur.core.impact.protections import PROTECTIONS

from .schema import impact_run, journal, lake_file

State = Literal["applying", "applied", "dry"]
JUMPS_KEPT = 1000
"""Of the projects whose rise waits, so many are named, the most installed first."""

_DELAYED = {impact for each in PROTECTIONS.values() if each.kind == "delays" for impact in each.classes}


@dataclass(frozen=True, slots=True)
class Jump:
    """A project whose rise waits for somebody to look."""

    project: str
    measured: str
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run. ``last_day``: the newest day whose downloads counted; ``sha256``: of all classes; ``applied``: the last
    project whose class was written. ``facts``: the file of the lake, and ``facts_sha256`` its digest."""

    id: int
    at: datetime
    last_day: date
    numbers: Numbers
    thresholds: Thresholds
    counts: Mapping[str, int]
    projects: int
    facts: str
    facts_sha256: str
    sha256: str
    applied: str
    state: State
    jumps: tuple[Jump, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """What a run came to, before it has a number."""

    last_day: date
    numbers: Numbers
    thresholds: Thresholds
    counts: Mapping[str, int]
    sha256: str
    jumps: Sequence[Jump]


_QUERY = sa.select(impact_run, sa.func.coalesce(lake_file.c.sha256, "").label("facts_sha256")).outerjoin(
    lake_file, lake_file.c.name == impact_run.c.facts
)


def record(connection: sa.Connection, made: Made, at: datetime, facts: str, state: State) -> int:
    """Record a run; its number."""
    row = impact_run.insert().values(
        at=at,
        last_day=made.last_day.isoformat(),
        numbers=orjson.dumps(asdict(made.numbers)).decode(),
        thresholds=orjson.dumps(asdict(made.thresholds)).decode(),
        counts=orjson.dumps(dict(made.counts)).decode(),
        projects=sum(made.counts.values()),
        facts=facts,
        sha256=made.sha256,
        applied="",
        state=state,
        jumps=orjson.dumps([asdict(each) for each in made.jumps[:JUMPS_KEPT]]).decode(),
    )
    return int(connection.execute(row.returning(impact_run.c.id)).scalar_one())


def find(connection: sa.Connection, number: int) -> Run | None:
    """The run of that number."""
    if not 0 < number < 1 << 62:
        return None
    row = connection.execute(_QUERY.where(impact_run.c.id == number)).first()
    return None if row is None else _read(row)


def newest(connection: sa.Connection, at: datetime | None = None) -> Run | None:
    """The newest run up to ``at`` that gave classes: no dry one."""
    query = _QUERY.where(impact_run.c.state != "dry").order_by(impact_run.c.id.desc()).limit(1)
    row = connection.execute(query if at is None else query.where(impact_run.c.at <= at)).first()
    return None if row is None else _read(row)


def runs(connection: sa.Connection, limit: int = 100) -> list[Run]:
    """Runs, newest first, dry ones among them."""
    return [_read(row) for row in connection.execute(_QUERY.order_by(impact_run.c.id.desc()).limit(limit))]


def note_applied(connection: sa.Connection, number: int, project: str, *, whole: bool) -> None:
    """Note that classes are written up to ``project``, and whether that was the last one."""
    values = {"applied": project, "state": "applied" if whole else "applying"}
    connection.execute(impact_run.update().where(impact_run.c.id == number).values(values))


def widely_used_since(connection: sa.Connection, project: str) -> datetime | None:
    """Since when the class of a project has been one of those that delay its owners; None where it is none, or old.

    A project that was C3 and is C4 now has not become one of them again. Cost: its entries about classes, few a year.
    """
    query = (
        sa.select(journal.c.at, journal.c.old, journal.c.new)
        .where(journal.c.project == project, journal.c.event == "ProjectReclassified")
        .order_by(journal.c.serial.desc())
    )
    since: datetime | None = None
    for at, old, new in connection.execute(query):
        told = orjson.loads(new)
        if "impact" in told and told["impact"] not in _DELAYED:
            return since
        if "impact" in told:
            since = at
            if orjson.loads(old).get("impact") not in _DELAYED:
                return since
    return since


def _read(row: sa.Row[Any]) -> Run:
    return Run(
        row.id,
        row.at,
        date.fromisoformat(row.last_day),
        Numbers(**orjson.loads(row.numbers)),
        Thresholds(**orjson.loads(row.thresholds)),
        orjson.loads(row.counts),
        row.projects,
        row.facts,
        row.facts_sha256,
        row.sha256,
        row.applied,
        row.state,
        tuple(Jump(**each) for each in orjson.loads(row.jumps)),
    )
