"""Classify: measure every project's impact, record what was known, and give classes by it; as a chore once a month.

A run is measured and recorded first, whole; then its classes are written, some hundred projects a transaction, and
whoever finds a run half applied goes on with it. A class that an operator said by hand is left alone.
What does not live here: judging (`core.impact.policy`), and saying a class by hand (`status`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import NoReturn

import sqlalchemy as sa

from affineur.core.access import UNATTENDED
from affineur.core.decision import refuse
from affineur.core.downloads.classes import TABLE_VERSION
from affineur.core.downloads.figures import MONTH_DAYS
from affineur.core.impact.policy import Facts, Numbers, Thresholds, counts, judge
from affineur.core.life import lifecycle
from affineur.core.life.lifecycle import Said
from affineur.core.life.standing import Standing
from affineur.projections import pages
from affineur.settings import Settings
from affineur.shell.impact import evidence, facts
from affineur.shell.impact.facts import Judged
from affineur.shell.impact.gathering import gather, measured
from affineur.shell.index import Index
from affineur.shell.lake.files import fresh, new_name, open_files
from affineur.shell.progress import Tell, tell_nobody
from affineur.shell.store import impact, journal, lake, projects
from affineur.shell.store.impact import JUMPS_KEPT, Jump, Made, Run
from affineur.shell.store.projects import ProjectRow
from affineur.shell.store.schema import project as project_table

from . import designation

log = logging.getLogger(__name__)

CHUNK = 200
"""Projects a transaction: some tenths of a second in which nobody else writes."""
CHORE_STEP = 4_000
"""Projects that one call of the chore writes: some 20 s, between which other background work has its turn."""
Clock = Callable[[], datetime]

_SET = (
    project_table.update()
    .where(project_table.c.id == sa.bindparam("project_id"))
    .values(impact=sa.bindparam("then"), impact_since=sa.bindparam("since"), impact_basis=sa.bindparam("basis"))
)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A run judged again from what it recorded: the digest of its classes then and now, and whether limits agree."""

    run: Run
    sha256: str
    thresholds: Thresholds

    @property
    def same(self) -> bool:
        """Whether it came to the same."""
        return (self.sha256, self.thresholds) == (self.run.sha256, self.run.thresholds)


def numbers_of(settings: Settings) -> Numbers:
    """The numbers that decide, as the settings have them."""
    return Numbers(
        percent=settings.impact_percent,
        window_days=settings.impact_window_days,
        floor=settings.impact_floor,
        network_cap=settings.network_cap,
    )


def run(index: Index, clock: Clock, *, dry: bool = False, tell: Tell = tell_nobody) -> Run:
    """Measure every project, record the run, and give the classes; with ``dry`` record only.

    A run that is not yet applied is applied first. `Refused` where no day is counted whole (``impact.statistics``),
    or where another run was recorded meanwhile (``impact.run``). ``clock`` gives aware UTC.
    """
    finish(index, clock, tell=tell)
    last_day = index.lake.state().last_day
    if last_day is None:
        refuse(
            "impact.statistics",
            "No day of downloads is counted yet, so nothing can be measured.",
            "Collect and roll up first: `affineur statistics collect`, `affineur statistics roll-up`.",
        )
    made = _measure(index, last_day, clock(), dry, tell)
    if not dry:
        finish(index, clock, tell=tell)
    with index.store.read() as connection:
        return impact.find(connection, made) or _no_run(made)


def classify_monthly(index: Index, now: datetime) -> int:
    """Once a month, unless the setting ``impact_runs`` says not: a run; else go on with one; projects written. A chore.

    None before there is a month of statistics: every project would look unused. Where nothing is due it costs one read.
    """
    with index.store.read() as connection:
        newest = impact.newest(connection)
    if newest is not None and newest.state == "applying":
        return finish(index, lambda: now, most=CHORE_STEP)
    due = newest is None or (newest.at.year, newest.at.month) != (now.year, now.month)
    if not due or index.settings.impact_runs == "off":
        return 0
    state = index.lake.state()
    enough = state.first_day and state.last_day and state.last_day - state.first_day >= timedelta(days=MONTH_DAYS)
    if not enough or state.last_day is None or (newest is not None and newest.last_day >= state.last_day):
        return 0
    _measure(index, state.last_day, now, False, tell_nobody)
    return finish(index, lambda: now, most=CHORE_STEP)


def finish(index: Index, clock: Clock, *, most: int | None = None, tell: Tell = tell_nobody) -> int:
    """Write the classes of the newest run, if it has any left, at most about ``most``; how many were written.

    May be killed anywhere: what is written is noted with it.
    """
    with index.store.read() as connection:
        found = impact.newest(connection)
    if found is None or found.state != "applying":
        return 0
    if evidence.facts_path(index, found) is None:
        log.error("the facts of a run of impact are gone; the next run gives the classes", extra={"run": found.id})
        with index.store.write() as connection:
            impact.note_applied(connection, found.id, found.applied, whole=True)
        return 0
    done, mark = 0, found.applied
    with evidence.facts_file(index, found) as (path, scratch):
        moving = facts.read(path, scratch, mark, moving_only=True)
        while some := list(islice(moving, CHUNK)):
            tell("classes", done, None)
            if not _write(index, found, mark, some, clock()):
                return done  # somebody else is at it
            done, mark = done + len(some), some[-1].facts.project
            if most is not None and done >= most:
                return done
    with index.store.write() as connection:
        impact.note_applied(connection, found.id, mark, whole=True)
    return done


def repeat(index: Index, number: int) -> Repeated:
    """Judge a run again from what it recorded: thresholds and classes. `Refused` (``impact.run``) for no such run."""
    with index.store.read() as connection:
        found = impact.find(connection, number) or _no_run(number)
    with evidence.facts_file(index, found) as (path, scratch):
        jumps = found.thresholds.judges_jumps
        limits = measured(path, scratch, found.numbers, judges_jumps=jumps)
        digest = hashlib.sha256()
        for each in facts.read(path, scratch):
            again = judge(each.facts, limits, found.numbers, found.last_day)
            digest.update(_line(Judged(each.facts, again)))
    return Repeated(found, digest.hexdigest(), limits)


def _measure(index: Index, last_day: date, now: datetime, dry: bool, tell: Tell) -> int:
    """Gather, judge and record; the number of the run."""
    numbers = numbers_of(index.settings)
    files = open_files(index.settings)
    with index.store.read() as connection:
        before = impact.newest(connection)
    with fresh(files) as scratch, fresh(files) as target:
        scratch.mkdir()
        earlier = evidence.facts_path(index, before) if before else None
        found = gather(index, last_day, now, numbers, scratch, earlier, tell)
        tally = _Tally(last_day, numbers, found.thresholds)
        tell("judging", 0, None)
        facts.write(tally.of(found.facts()), target, scratch)
        name = new_name("facts", f"{last_day}")
        put = files.put(name, target)
    made = tally.made()
    total = sum(made.counts.values())
    listed = lake.File(name, "facts", last_day, last_day, total, put.size_bytes, put.sha256, TABLE_VERSION, now)
    with index.store.write() as connection:
        newest = impact.newest(connection)
        if (newest and newest.id) != (before and before.id):
            refuse("impact.run", "Another run was recorded meanwhile.", "Look at it: `affineur impact runs`.")
        lake.add(connection, listed)
        return impact.record(connection, made, now, name, "dry" if dry else "applying")


class _Tally:
    """Judges one project after the other, and adds up what is recorded of them all."""

    def __init__(self, day: date, numbers: Numbers, limits: Thresholds) -> None:
        self._day, self._numbers, self._limits = day, numbers, limits
        self._digest = hashlib.sha256()
        self._counts = counts(())
        self._jumps: list[Jump] = []

    def of(self, every: Iterable[Facts]) -> Iterator[Judged]:
        """Each with its verdict."""
        for each in every:
            judged = Judged(each, judge(each, self._limits, self._numbers, self._day))
            self._counts[judged.verdict.impact] += 1
            self._digest.update(_line(judged))
            if judged.verdict.waits == "jump":
                self._jumps.append(Jump(each.project, judged.verdict.measured, each.window_before, each.last_window))
            yield judged

    def made(self) -> Made:
        """What it came to, after the last of them."""
        jumps = sorted(self._jumps, key=lambda jump: (-jump.now, jump.project))[:JUMPS_KEPT]
        return Made(self._day, self._numbers, self._limits, self._counts, self._digest.hexdigest(), jumps)


def _line(judged: Judged) -> bytes:
    """What a run is known by, of each project."""
    return f"{judged.facts.project} {judged.verdict.impact} {judged.verdict.basis} {judged.verdict.waits}\n".encode()


def _write(index: Index, found: Run, mark: str, some: list[Judged], now: datetime) -> bool:
    """Write the classes of some projects, tell of them, and move the mark; False where the mark was not there."""
    risen = {
        each.facts.project: designation.prepare(index, found, each)
        for each in some
        if each.verdict.impact == designation.CRITICAL != each.facts.impact
    }
    with index.store.write() as connection:
        present = impact.find(connection, found.id)
        if present is None or (present.applied, present.state) != (mark, "applying"):
            return False
        moved = list(_moved(connection, some, now))
        _keep(connection, moved, now, public=index.settings.impact_public)
        for row, before in moved:
            if row.name in risen:
                designation.tell_critical(connection, row, risen[row.name], now)
            elif before.impact == designation.CRITICAL != row.standing.impact:
                designation.tell_ended(connection, row, now)
        impact.note_applied(connection, found.id, some[-1].facts.project, whole=False)
    for row, _ in moved:
        pages.project(index, row.name)
    return True


def _moved(connection: sa.Connection, some: list[Judged], now: datetime) -> Iterator[tuple[ProjectRow, Standing]]:
    """Each project as it is from now on, and its standing before; not those that changed since they were measured."""
    for each in some:
        found = projects.find(connection, each.facts.project)
        if found is None or (found.standing.impact, found.standing.impact_basis) != (
            each.facts.impact,
            each.facts.basis,
        ):
            continue  # removed, or said by hand meanwhile, which counts for more
        said = Said(value=each.verdict.impact, basis=each.verdict.basis)
        lifecycle.possible(found.name, found.standing, "reclassify", lifecycle.WHOLE, said).require()
        then = lifecycle.after(found.standing, "reclassify", said, now)
        yield replace(found, standing=then), found.standing


def _keep(connection: sa.Connection, moved: list[tuple[ProjectRow, Standing]], now: datetime, *, public: bool) -> None:
    """Write the classes of all of them, and say so in the journal, where classes are for everybody to see."""
    if not moved:
        return
    connection.execute(
        _SET,
        [
            {
                "project_id": row.id,
                "then": row.standing.impact,
                "since": row.standing.impact_since,
                "basis": row.standing.impact_basis,
            }
            for row, _ in moved
        ],
    )
    if not public:
        return
    told = [
        lifecycle.events(row.name, before, row.standing, "reclassify", Said(value=row.standing.impact), UNATTENDED)
        for row, before in moved
    ]
    last = journal.append(connection, now, [event for (event,) in told])
    for serial, (row, _) in enumerate(moved, start=last - len(moved) + 1):
        projects.touch(connection, row.id, serial, now)


def _no_run(number: int) -> NoReturn:
    refuse("impact.run", f"There is no run {number}.", "List them: `affineur impact runs`.")
