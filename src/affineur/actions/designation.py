"""Designation: the one letter to owners whose project is critical from now on, and the note when it no longer is.

Not an act itself: `classify` hands in what a run gave. What the letter says is changed comes from the table that the
guards ask (`core.impact.letter`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.impact import letter
from affineur.core.impact.explain import explain
from affineur.core.impact.protections import NOTICE
from affineur.core.life.standing import Impact
from affineur.core.names import NormalizedName
from affineur.shell.impact import evidence, facts
from affineur.shell.impact.evidence import Beside
from affineur.shell.index import Index
from affineur.shell.store import grants, impact
from affineur.shell.store.impact import Run
from affineur.shell.store.projects import ProjectRow

CRITICAL: Impact = "C4"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the letter tells as its reasons, put together before the transaction that sends it."""

    reasons: tuple[str, ...]
    installers: tuple[str, ...]
    chains: tuple[str, ...]
    last_day: str


def prepare(index: Index, run: Run, judged: facts.Judged) -> Evidence:
    """The evidence for a project that a run made critical. Cost: some questions to statistics and to the graph."""
    name = NormalizedName(judged.facts.project)
    with evidence.facts_file(index, run) as (path, _):
        found = facts.one(path, name)
    assert found is not None  # noqa: S101 -- it was read from this very file
    told = explain(run.id, run.last_day, judged.facts, run.thresholds, run.numbers, found[1])
    beside = evidence.beside(index, name, run)
    critical = [each for each in told.numbers if each.met and each.rule.startswith("impact.critical-")]
    met = tuple(f"{each.sentence}. Counted: {each.counts}; {each.window}." for each in critical)
    raw = f"All downloads in these days: {beside.downloads:,}; by installers, before networks are capped: "
    met += (f"{raw}{beside.installs:,}.",)
    return Evidence(met, _installers(beside), tuple(" → ".join(chain) for chain in beside.chains), f"{run.last_day}")


def tell_critical(connection: sa.Connection, found: ProjectRow, shown: Evidence, now: datetime) -> int:
    """Put the letter into the outbox, for the next working hour; how many owners it goes to.

    ``found``: the project as it is from now on.
    """
    standing = found.standing
    since = standing.impact_since or now
    changed = letter.changes(
        CRITICAL, standing.impact_basis, since, impact.widely_used_since(connection, found.name) or since
    )
    values: dict[str, object] = {
        "project": found.display_name,
        "reasons": list(shown.reasons),
        "installers": list(shown.installers),
        "chains": list(shown.chains),
        "day": shown.last_day,
        "protects": [each.text for each in changed if each.protection.kind == "protects"],
        "delays": [
            f"From {each.applies_from:%Y-%m-%d} on: {each.text}" for each in changed if each.rule == "impact.notice"
        ],
        "notice_days": NOTICE.days,
        "unchanged": letter.unchanged(),
        "exits": letter.exits(standing),
        "beside": letter.beside(standing),
        "at": since,
        "page": f"project/{found.name}/impact",
    }
    return grants.tell_people(connection, found.id, "impact-critical", values, letter.working_hours(now))


def tell_ended(connection: sa.Connection, found: ProjectRow, now: datetime) -> int:
    """Put the note that a project is no longer critical into the outbox, for the next working hour."""
    values: dict[str, object] = {
        "project": found.display_name,
        "impact": found.standing.impact,
        "at": now,
        "page": f"project/{found.name}/impact",
    }
    return grants.tell_people(connection, found.id, "impact-ended", values, letter.working_hours(now))


def _installers(beside: Beside) -> tuple[str, ...]:
    return tuple(f"{each.value or 'not known'}: {each.downloads:,}" for each in beside.installers)
