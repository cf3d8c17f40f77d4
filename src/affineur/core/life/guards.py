"""Guards: what must hold, beside the table's edge and the right to act, before an act of the life cycle is done.

Each answers for one act and says what was measured. What does not live here: the edges (`lifecycle`), who may
(`access`), and the numbers of two-person rules (`reports`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from ..access import Actor
from ..decision import Decision, allow, deny
from ..impact import protections
from ..moderation import cases
from ..names import NormalizedName
from .lifecycle import HOLD_CODES, WHOLE, Act, Place, Said
from .standing import Impact, Replacement, Standing

REPLACEMENTS_AT_MOST = 5
REPLACEMENT_AGE = timedelta(days=90)
"""A replacement by strangers is at least so old: advice must not point at what was made to be pointed at."""
OWNERS_WITHHOLD_AT_MOST = 3
WITHHOLDS_COUNT_FOR = timedelta(days=30)
OWNERS_WITHHOLD_FOR = ("secret", "personal-data", "legal")
"""What owners may withhold a file for; what is broken or insecure is yanked."""
UNARCHIVE_WAITS = timedelta(hours=72)
REGRET = timedelta(hours=24)
"""How long an archiving can be taken back at once, whatever the project's class."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known here of a project that is named as a replacement."""

    replacement: Replacement
    exists: bool
    created_at: datetime | None = None
    shares_an_owner: bool = False
    impact: Impact | None = None
    offered: bool = True
    leads_to: frozenset[str] = frozenset()
    """Every project that its own replacements lead to, step by step."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards look at. ``by_office``: whether a moderator, an operator or the index itself acts."""

    project: NormalizedName
    standing: Standing
    now: datetime
    by_office: bool
    account_id: int | None = None
    candidates: Sequence[Candidate] = field(default=())
    analysis_filed: bool = False
    proposed_by: int | None = None
    """Who asked for the same act before, and waits for a second moderator."""
    withheld_lately: int = 0
    """How many times owners withheld something of this project within `WITHHOLDS_COUNT_FOR`."""
    placed_by_owner: bool = False
    """Of a hold that is there already: whether an owner placed it."""
    placed_by_others: bool = False
    """…whether somebody else did."""
    unarchive_asked_by: int | None = None
    unarchives_at: datetime | None = None
    widely_used_since: datetime | None = None
    """Since when its class has been one of those that delay owners; None: since it has the one it has."""


def is_office(actor: Actor) -> bool:
    """Whether a moderator, an operator or the index itself acts; everybody else acts as an owner."""
    return actor.kind == "system" or actor.office in ("operator", "moderator")


def check(act: Act, facts: Facts, said: Said, place: Place = WHOLE) -> Decision:
    """Whether ``act`` may be done as things are: what every guard of the act says, the first objection first."""
    guard = GUARDS.get(act)
    return guard(facts, said, place) if guard else allow(f"lifecycle.{act}")


def _archive(facts: Facts, said: Said, place: Place) -> Decision:
    if facts.standing.safety == "condemned":
        return deny(
            "lifecycle.archive",
            f"Project '{facts.project}' was found harmful by the moderators; its owners no longer change its state.",
            "Appeal, if that is wrong.",
        )
    return allow("lifecycle.archive")


def _unarchive(facts: Facts, said: Said, place: Place) -> Decision:
    standing = facts.standing
    if standing.custody not in ("owned", "custodial"):
        return deny(
            "lifecycle.unarchive",
            f"Project '{facts.project}' has nobody who answers for it (it is {standing.custody}).",
            "It has to be adopted first.",
            custody=standing.custody,
        )
    if facts.by_office or not _is_delayed("unarchive", facts) or _just_archived(facts):
        return allow("lifecycle.unarchive")
    if facts.unarchives_at is not None and (
        facts.now >= facts.unarchives_at or facts.account_id != facts.unarchive_asked_by
    ):
        return allow("lifecycle.unarchive")
    hours = UNARCHIVE_WAITS // timedelta(hours=1)
    waiting = (
        f"; it was asked for, and happens at {facts.unarchives_at:%Y-%m-%d %H:%M} UTC" if facts.unarchives_at else ""
    )
    return deny(
        "lifecycle.unarchive-waits",
        f"Project '{facts.project}' is widely used ({standing.impact}): one owner alone unarchives it after "
        f"{hours} hours{waiting}.",
        "Another owner can do it at once.",
        impact=standing.impact,
        limit_hours=hours,
    )


def _is_delayed(act: protections.Act, facts: Facts) -> bool:
    standing = facts.standing
    since = facts.widely_used_since or standing.impact_since
    return protections.applies(act, standing.impact, standing.impact_basis, since, facts.now)


def _just_archived(facts: Facts) -> bool:
    since = facts.standing.maintenance_since
    return since is not None and facts.now - since <= REGRET


def _deprecate(facts: Facts, said: Said, place: Place) -> Decision:
    if len(said.replacements) > REPLACEMENTS_AT_MOST:
        return deny(
            "lifecycle.replacement",
            f"{len(said.replacements)} replacements are no advice; at most {REPLACEMENTS_AT_MOST} can be named.",
            "Name those that people should look at first.",
        )
    for candidate in facts.candidates:
        decision = _replacement(facts, candidate)
        if not decision.allowed:
            return decision
    return allow("lifecycle.deprecate")


def _replacement(facts: Facts, candidate: Candidate) -> Decision:
    name = candidate.replacement.name
    if name == facts.project:
        return deny("lifecycle.replacement", f"Project '{name}' cannot replace itself.", "Name another one.")
    if not candidate.exists or not candidate.offered:
        return deny(
            "lifecycle.replacement",
            f"There is no project '{name}' on offer here, so nobody could follow the advice.",
            "Name a project of this index; write of others in the reason.",
        )
    if facts.project in candidate.leads_to:
        return deny(
            "lifecycle.replacement-cycle",
            f"Project '{name}' is deprecated itself, and its advice leads back to '{facts.project}'.",
            "Agree with its owners on which one people should use.",
        )
    age = facts.now - (candidate.created_at or facts.now)
    trusted = candidate.shares_an_owner or facts.by_office
    if not trusted and (age < REPLACEMENT_AGE or candidate.impact == "C0"):
        return deny(
            "lifecycle.replacement-age",
            f"Project '{name}' is {age.days} days old and none of your owners has a role on it; advice may point at "
            f"strangers' projects that are {REPLACEMENT_AGE.days} days old and in use.",
            "Name one that shares an owner with yours, or write of it in the reason.",
            age_days=age.days,
            limit_days=REPLACEMENT_AGE.days,
        )
    return allow("lifecycle.replacement")


def _condemn(facts: Facts, said: Said, place: Place) -> Decision:
    if not facts.analysis_filed:
        return deny(
            "lifecycle.condemn",
            "A verdict needs an analysis: nothing is written in the case yet.",
            "Add a note to the case that says what was found and where.",
        )
    if facts.account_id is None:  # whoever has the machine itself in hand needs nobody's leave
        return allow("lifecycle.condemn")
    first, second = (facts.account_id, None) if facts.proposed_by is None else (facts.proposed_by, facts.account_id)
    return cases.may_take_effect("condemn", facts.standing.impact, first, second)


def _withhold(facts: Facts, said: Said, place: Place) -> Decision:
    if facts.by_office:
        return allow("lifecycle.withhold")
    if place.level == "project" or said.code not in OWNERS_WITHHOLD_FOR:
        reasons = ", ".join(code for code in HOLD_CODES if code in OWNERS_WITHHOLD_FOR)
        return deny(
            "lifecycle.withhold",
            f"Owners withhold a file or a release, for one of these reasons: {reasons}.",
            "Yank what is broken or insecure; ask the moderators about anything else.",
        )
    if facts.placed_by_others:
        return deny(
            "lifecycle.withhold",
            "The moderators withhold this already; why, they say.",
            "Appeal, if that is wrong.",
        )
    if _is_delayed("withhold", facts):
        return deny(
            "lifecycle.withhold-second",
            f"Project '{facts.project}' is widely used ({facts.standing.impact}): where a file goes, pins break.",
            "Ask a moderator to withhold it; yank it meanwhile.",
            impact=facts.standing.impact,
        )
    if facts.withheld_lately >= OWNERS_WITHHOLD_AT_MOST:
        return deny(
            "lifecycle.withhold-often",
            f"Something of project '{facts.project}' was withheld {facts.withheld_lately} times within "
            f"{WITHHOLDS_COUNT_FOR.days} days; owners may {OWNERS_WITHHOLD_AT_MOST} times.",
            "Ask a moderator.",
            withheld=facts.withheld_lately,
            limit=OWNERS_WITHHOLD_AT_MOST,
        )
    return allow("lifecycle.withhold")


def _unwithhold(facts: Facts, said: Said, place: Place) -> Decision:
    if facts.by_office or facts.placed_by_owner:
        return allow("lifecycle.unwithhold")
    return deny(
        "lifecycle.unwithhold",
        "The moderators withheld this; its owners cannot give it back.",
        "Appeal, if that is wrong.",
    )


GUARDS: Mapping[Act, Callable[[Facts, Said, Place], Decision]] = MappingProxyType(
    {
        "archive": _archive,
        "unarchive": _unarchive,
        "deprecate": _deprecate,
        "condemn": _condemn,
        "withhold": _withhold,
        "unwithhold": _unwithhold,
    }
)
