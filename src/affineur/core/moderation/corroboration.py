"""Corroboration: what several reports together come to, and what the index may put on hold by itself.

What lives here: which reports are distinct votes, the score that puts a project into review, and the one rule by which
a hold begins without a moderator. What does not: a single report (`reports`), an account's record (`reporters`),
due dates and second moderators (`cases`), and carrying a hold out (`actions`).
Sources: the corroboration rule of pypi/warehouse (`observations/tasks.py`: malware reports only; one trusted reporter
for a project younger than 24 hours, else two reporters of whom one is trusted). Ours adds what that one was found to
lack: age and use of the project, releases in place of projects, one vote for each network, records, and a breaker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import fsum
from types import MappingProxyType
from typing import Literal

from ..decision import Decision, deny
from ..impact.protections import PROTECTIONS
from ..life.standing import Impact
from ..versions import CanonicalVersion, order_key
from .cases import hold_review_due
from .reporters import NEWCOMER, Record, is_trusted, weight
from .reports import Filed

IN_REVIEW_SCORE = 1.0
"""One full vote: two newcomers (2 × 0.625), or one account whose reports have been right (`reporters.weight`)."""

NEW_PROJECT = timedelta(hours=24)
"""Younger than this nobody can have come to rely on it; then one trusted reporter is enough. *PyPI*: the same."""

NEW_RELEASE = timedelta(days=7)
"""Of a widely used project only releases younger than this are held by the index itself: older ones are pinned in
many places, and have been seen by many."""

QUORUM = 2
"""Distinct votes of which one is trusted. *PyPI*: the same."""

BREAKER_PER_HOUR = 10
"""Automatic holds in an hour on the whole index; beyond, people decide. *PyPI* held about one project a day in 2024,
so an hour with ten is an attack, on users or by a reporter. 10 is what a moderator can undo in an hour."""

BREAKER_WINDOW = timedelta(hours=1)

_WIDELY_USED: frozenset[Impact | None] = PROTECTIONS["automatic-hold"].classes | {None}
_NOBODY: Mapping[int, Record] = MappingProxyType({})
_HELD_NOTHING: frozenset[CanonicalVersion] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the index knows of a project that was reported. Times are aware UTC.

    ``first_file_at``: of the first file it ever had, removed ones included: a project that stood empty for a week
    is as new as its first file. None: it never had one. ``releases``: the releases with files, each with the time of
    its first one. ``reports``: those on this project; only open ones on malware are looked at. ``records``: by
    account; an account without one is a newcomer. ``impact``: None where it is not known. ``holds_last_hour``:
    automatic holds on the whole index. ``reviewed_at``: when a moderator last decided; reports that were there to be
    read then begin no hold again. ``held``, ``held_releases``: what is on hold already.
    """

    now: datetime
    first_file_at: datetime | None
    releases: Mapping[CanonicalVersion, datetime]
    reports: Collection[Filed]
    records: Mapping[int, Record] = field(default_factory=lambda: _NOBODY)
    impact: Impact | None = None
    holds_last_hour: int = 0
    reviewed_at: datetime | None = None
    held: bool = False
    held_releases: frozenset[CanonicalVersion] = _HELD_NOTHING


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the index does by itself: puts nothing on hold, the project, or ``releases`` (oldest first) of it.

    ``decision`` says by which rule and why; ``page`` whether moderators are called at once; ``review_due_at`` by when
    one of them has to have looked at the hold (None: there is none); ``reports``: ids of those that counted.
    """

    hold: Literal["none", "project", "releases"]
    decision: Decision
    releases: tuple[CanonicalVersion, ...] = ()
    page: bool = False
    review_due_at: datetime | None = None
    reports: tuple[int, ...] = ()


def is_new(first_file_at: datetime | None, now: datetime) -> bool:
    """Whether the project had its first file less than `NEW_PROJECT` ago."""
    return first_file_at is not None and now - first_file_at < NEW_PROJECT


def is_widely_used(impact: Impact | None, first_file_at: datetime | None, now: datetime) -> bool:
    """Whether automation must not take the project away whole: class C3 or C4, or unknown and not new."""
    if impact is None and is_new(first_file_at, now):
        return False
    return impact in _WIDELY_USED


def distinct_votes(reports: Iterable[Filed], records: Mapping[int, Record] = _NOBODY) -> frozenset[int]:
    """Accounts whose reports count as votes of their own; those of no weight are none.

    An account has one vote, and so has a network: as many accounts as can be given a network each. 50 accounts in one
    network are one vote, one account in 50 networks too. Where some must give way, the weightier ones stay. More
    reports never take a vote away, so nobody can silence others by reporting from their network.
    """
    networks: dict[int, set[str | None]] = {}
    for each in reports:
        if each.account_id is not None and weight(_record(records, each.account_id)) > 0:
            networks.setdefault(each.account_id, set()).add(each.network)
    ordered = sorted(networks, key=lambda account: _precedence(account, _record(records, account)))
    holder: dict[str | None, int] = {}
    exhausted: set[str | None] = set()
    return frozenset(account for account in ordered if _find_network(account, networks, holder, exhausted))


def score(reports: Iterable[Filed], records: Mapping[int, Record] = _NOBODY) -> float:
    """The weights of the distinct votes among the open ``reports`` on one project, of any kind, added up."""
    votes = distinct_votes((each for each in reports if each.state == "open"), records)
    return fsum(weight(_record(records, account)) for account in votes)  # fsum: the same in any order


def in_review(reports: Iterable[Filed], records: Mapping[int, Record] = _NOBODY) -> bool:
    """Whether a project is in review: its score has reached `IN_REVIEW_SCORE`.

    It brings the case forward in the moderators' queue and shows in nothing public. One newcomer alone does not
    bring that about; the report is in the queue all the same.
    """
    return score(reports, records) >= IN_REVIEW_SCORE


def automatic(facts: Facts, *, breaker_per_hour: int = BREAKER_PER_HOUR) -> Verdict:
    """What the index holds by itself because of the reports in ``facts``.

    Malware only, and never on untrusted reports alone, however many. A trusted reporter is enough for a project
    younger than `NEW_PROJECT`; else `QUORUM` distinct votes, one of them trusted. A widely used project never
    disappears whole: of it, releases younger than `NEW_RELEASE` that a trusted report names are held, each with its
    own quorum (a report on the whole project counts for each release, one on another release does not).

    The rule of the decision: ``hold.automatic`` (allowed); ``hold.nothing``, ``hold.corroboration``,
    ``hold.widely-used``, ``hold.breaker`` (nothing is held; for the last two moderators are called).
    """
    counted = tuple(each for each in facts.reports if _counts(each, facts))
    if not counted or facts.held or not facts.releases:
        return Verdict("none", deny("hold.nothing", "There is no open report on malware about anything on offer."))
    if not _corroborated(counted, facts):
        return Verdict("none", _not_corroborated(counted, facts))
    ids = tuple(sorted(each.id for each in counted))
    widely_used = is_widely_used(facts.impact, facts.first_file_at, facts.now)
    named = _releases_named(counted, facts) if widely_used else ()
    releases = tuple(each for each in named if each not in facts.held_releases)
    if widely_used and not named:
        return Verdict("none", _too_widely_used(facts), page=True, reports=ids)
    if widely_used and not releases:
        return Verdict("none", deny("hold.nothing", "What was reported is on hold already."), reports=ids)
    if facts.holds_last_hour >= breaker_per_hour:
        return Verdict("none", _broken(facts.holds_last_hour, breaker_per_hour), page=True, reports=ids)
    return Verdict(
        "releases" if widely_used else "project",
        _held(counted, facts),
        releases,
        page=True,
        review_due_at=hold_review_due(facts.now, widely_used=widely_used),
        reports=ids,
    )


def _counts(report: Filed, facts: Facts) -> bool:
    if report.kind != "malware" or report.state != "open":
        return False
    return facts.reviewed_at is None or report.filed_at > facts.reviewed_at


def _corroborated(reports: Collection[Filed], facts: Facts, *, naming: CanonicalVersion | None = None) -> bool:
    """Whether ``reports`` have their quorum, or with ``naming`` those of them that speak of that release."""
    heard = [each for each in reports if naming is None or each.version in (naming, None)]
    said_by = {each.account_id for each in heard if naming is None or each.version == naming}
    if not any(account is not None and is_trusted(_record(facts.records, account)) for account in said_by):
        return False
    return is_new(facts.first_file_at, facts.now) or len(distinct_votes(heard, facts.records)) >= QUORUM


def _releases_named(reports: Collection[Filed], facts: Facts) -> tuple[CanonicalVersion, ...]:
    """Releases young enough to be held, each named by a trusted report and with a quorum of its own."""
    named = {each.version for each in reports}
    young = (
        version
        for version, first_file_at in facts.releases.items()
        if version in named and facts.now - first_file_at < NEW_RELEASE
    )
    return tuple(sorted((each for each in young if _corroborated(reports, facts, naming=each)), key=order_key))


def _precedence(account: int, record: Record) -> tuple[float, bool, int]:
    return (-weight(record), not is_trusted(record), account)


def _find_network(
    account: int, networks: Mapping[int, set[str | None]], holder: dict[str | None, int], exhausted: set[str | None]
) -> bool:
    """Give ``account`` a network of its own, moving others to another of theirs where needed; whether it can be.

    Augmenting paths, as for a maximum matching (Kuhn 1955). Accounts that were given one keep one. Networks that a
    search has found to lead nowhere lead nowhere for good, so floods stay cheap.
    """
    came_from: dict[str | None, int] = {}
    waiting = deque([account])
    while waiting:
        asking = waiting.popleft()
        for network in networks[asking] - exhausted - came_from.keys():
            came_from[network] = asking
            if network in holder:
                waiting.append(holder[network])
                continue
            _hand_over(network, account, came_from, holder)
            return True
    exhausted.update(came_from)
    return False


def _hand_over(
    free: str | None, account: int, came_from: Mapping[str | None, int], holder: dict[str | None, int]
) -> None:
    """Walk the path back from the ``free`` network to ``account``: each on the way takes the network it asked for."""
    had = {holder[network]: network for network in came_from if network in holder}
    network = free
    while True:
        taker = came_from[network]
        holder[network] = taker
        if taker == account:
            return
        network = had[taker]


def _record(records: Mapping[int, Record], account_id: int) -> Record:
    return records.get(account_id, NEWCOMER)


def _tally(reports: Collection[Filed], facts: Facts) -> dict[str, object]:
    votes = distinct_votes(reports, facts.records)
    trusted = sum(is_trusted(_record(facts.records, account)) for account in votes)
    return {"reports": len(reports), "votes": len(votes), "trusted_votes": trusted, "quorum": QUORUM}


def _held(reports: Collection[Filed], facts: Facts) -> Decision:
    tally = _tally(reports, facts)
    said = (
        f"Malware was reported by {tally['votes']} independent of each other, {tally['trusted_votes']} of them trusted."
    )
    return Decision(True, "hold.automatic", said, MappingProxyType(tally))


def _not_corroborated(reports: Collection[Filed], facts: Facts) -> Decision:
    tally = _tally(reports, facts)
    return deny(
        "hold.corroboration",
        f"{tally['votes']} independent of each other reported malware, {tally['trusted_votes']} of them trusted: "
        f"an automatic hold takes {QUORUM}, one of them trusted.",
        "A moderator decides.",
        **tally,
    )


def _too_widely_used(facts: Facts) -> Decision:
    return deny(
        "hold.widely-used",
        "The project is, or may be, widely used, and no release younger than "
        f"{NEW_RELEASE.days} days was named by enough reporters.",
        "A moderator decides at once.",
        impact=facts.impact,
        limit_days=NEW_RELEASE.days,
    )


def _broken(holds: int, breaker_per_hour: int) -> Decision:
    return deny(
        "hold.breaker",
        f"There were {holds} automatic holds in the last hour, and {breaker_per_hour} are the most.",
        "A moderator decides at once.",
        holds_last_hour=holds,
        breaker_per_hour=breaker_per_hour,
    )
