"""Transition: how every act of the life cycle is carried out inside its transaction. Not an act itself.

Permission, edge, guards, rows, event, log: each exists once, and is asked here in this order, for pages, API, command
line, imports and background work alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import Actor, actor_class
from affineur.core.decision import Decision
from affineur.core.impact.protections import PROTECTIONS
from affineur.core.life import guards, lifecycle
from affineur.core.life.lifecycle import NOTHING_SAID, TRANSITIONS, WHOLE, Act, Place, Said
from affineur.core.life.standing import Standing
from affineur.core.moderation import cases as two_people
from affineur.core.names import NormalizedName
from affineur.core.security import CONSOLE, Caller, Happened, Origin
from affineur.shell.store import cases, grants, holds, impact, journal, projects, replacements, security
from affineur.shell.store.projects import ProjectRow

from . import permission

_DELAYED = frozenset(each.act for each in PROTECTIONS.values() if each.kind == "delays")
"""The acts of owners that a class delays, from some time after it was given."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A project after an act: its row as it is now, what it was, and whether anything changed."""

    project: ProjectRow
    before: Standing
    changed: bool


def begin(
    connection: sa.Connection, actor: Actor, act: Act, name: NormalizedName, now: datetime, place: Place, said: Said
) -> ProjectRow:
    """The project, where ``actor`` may do ``act`` and the table has an edge for it from here; else `Refused`."""
    found = permission.require(connection, actor, TRANSITIONS[act].action, name, now)
    if place.version is not None:
        projects.require_place(connection, found, place.version, place.filename)
    lifecycle.possible(name, found.standing, act, place, lifecycle.meant(found.standing, act, place, said)).require()
    return found


def carry_out(
    connection: sa.Connection,
    actor: Actor,
    act: Act,
    found: ProjectRow,
    now: datetime,
    said: Said = NOTHING_SAID,
    place: Place = WHOLE,
    case: cases.CaseRow | None = None,
    origin: Origin = CONSOLE,
    public: bool = True,
) -> Moved:
    """Check the guards of ``act``, then write what it changes and say so in the journal and the log. After `begin`.

    What changes nothing is no error and is not recorded. ``origin``: where ``actor`` acts from, for the log. What is
    not ``public`` (a class of impact, where the settings say so) stays out of the journal, and so out of every page.
    """
    guards.check(act, _facts(connection, actor, act, found, now, said, place, case), said, place).require()
    before = found.standing
    then = lifecycle.after(before, act, said, now, place)
    told = lifecycle.events(found.name, before, then, act, said, actor, place)
    if not told:
        return Moved(found, before, changed=False)
    placing = holds.Placing(now, actor.account_id, actor_class(actor), case.id if case else None)
    holds.keep(connection, found.id, before, then, placing)
    if public:
        projects.touch(connection, found.id, journal.append(connection, now, told, actor.name or None), now)
    grants.note_act(connection, found.id, actor.account_id, now)
    facts = {"act": act, "release": place.version, "file": place.filename, "case": said.case}
    facts = {name: value for name, value in facts.items() if value is not None}
    happened = Happened("ProjectStateChanged", actor.account_id, actor.name or None, found.name, facts=facts)
    security.append(connection, Caller(actor, now, origin), happened)
    return Moved(projects.find(connection, found.name) or found, before, changed=True)


def foresee(
    connection: sa.Connection, actor: Actor, act: Act, name: NormalizedName, now: datetime, place: Place, said: Said
) -> tuple[ProjectRow, Standing]:
    """The project, and the standing that ``act`` would lead to, by the same questions; nothing is written."""
    found = begin(connection, actor, act, name, now, place, said)
    guards.check(act, _facts(connection, actor, act, found, now, said, place, None), said, place).require()
    return found, lifecycle.after(found.standing, act, said, now, place)


def verdict(
    connection: sa.Connection, actor: Actor, act: Act, found: ProjectRow, now: datetime, place: Place, said: Said
) -> Decision:
    """What would be said to ``act``: the first objection there is, for pages that show it beside each act."""
    said = lifecycle.meant(found.standing, act, place, said)
    edge = lifecycle.possible(found.name, found.standing, act, place, said)
    for decision in (permission.ask(connection, actor, TRANSITIONS[act].action, found, now), edge):
        if not decision.allowed:
            return decision
    case = cases.open_case(connection, found.id) if act == "condemn" else None
    return guards.check(act, _facts(connection, actor, act, found, now, said, place, case), said, place)


def _facts(
    connection: sa.Connection,
    actor: Actor,
    act: Act,
    found: ProjectRow,
    now: datetime,
    said: Said,
    place: Place,
    case: cases.CaseRow | None,
) -> guards.Facts:
    """What the guards of ``act`` look at, and nothing that only others do."""
    held = lifecycle.slot(found.standing, TRANSITIONS[act].dimension, place, said.origin)
    placed_as = holds.placed_as(connection, found.id, held) if held is not None else None
    since = now - guards.WITHHOLDS_COUNT_FOR
    return guards.Facts(
        found.name,
        found.standing,
        now,
        by_office=guards.is_office(actor),
        account_id=actor.account_id,
        candidates=[replacements.candidate(connection, found, one) for one in said.replacements],
        analysis_filed=case is not None and cases.has_notes(connection, case.id),
        proposed_by=_proposed_by(case, act, place),
        withheld_lately=holds.withheld_by_owners(connection, found.id, since) if act == "withhold" else 0,
        placed_by_owner=placed_as == "owner",
        placed_by_others=placed_as not in (None, "owner"),
        unarchive_asked_by=found.unarchive_asked_by,
        unarchives_at=found.unarchives_at,
        widely_used_since=impact.widely_used_since(connection, found.name) if act in _DELAYED else None,
    )


def _proposed_by(case: cases.CaseRow | None, act: Act, place: Place) -> int | None:
    """Who asked for exactly this before: whoever agreed to one file has not agreed to the whole project."""
    if case is None or case.proposed != two_people.proposal(act, place.version, place.filename):
        return None
    return case.proposed_by
