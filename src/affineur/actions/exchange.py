"""Exchange: a job shows the identity token of its service and is given a token to upload with, for fifteen minutes.

The walk: count the attempt → verify the token → one transaction: whose claims are these → use the identity up →
make the projects that wait for it → mint. The token is for every project whose publisher the claims satisfy. None
is preferred: an owner who registered somebody else's job in more detail must not be able to lock its own out.
What does not live here: signatures and issuers' keys (`shell.issuers`), and the comparison (`core.publishers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core import publishers as rules
from affineur.core.access import Actor, Resource, may
from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people import throttle
from affineur.core.security import Caller, Happened, Origin
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.issuers import IdentityToken, Issuers
from affineur.shell.store import accounts, attempts, journal, projects, publishers, security, tokens
from affineur.shell.store.publishers import Pending, Registered

from . import minting, naming

LIFETIME_SECONDS = 900
"""PEP 807: a token lives for 900 seconds at least, counted from the request."""

REFUSALS_UNREAD = (throttle.Limit("refusal", 5, timedelta(hours=1)),)
"""Entries of the log about identities that no issuer has signed, from one address: anybody can send those."""
REFUSALS_READ = (throttle.Limit("refusal", 20, timedelta(hours=1)),)
"""…and about genuine ones, of one owner at the service: a job that is set up wrongly and tries again and again."""

_TOLD = (
    *("sub", "repository", "job_workflow_ref", "environment", "event_name", "ref", "sha", "run_id", "run_attempt"),
    *("actor", "project_path", "ci_config_ref_uri", "pipeline_id", "job_id", "email", "organization", "project"),
)
"""Claims that the log keeps: which job it was. Never the token."""
_TOLD_CHARACTERS = 300
_MOST_PROJECTS_TOLD = 20


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A token to upload with. ``secret`` is known here only; ``created`` are projects that it made."""

    secret: str
    expires_at: datetime
    publisher: str
    projects: tuple[NormalizedName, ...]
    created: tuple[NormalizedName, ...]


def exchange(
    index: Index, issuers: Issuers, text: str, audience: str, address: str, origin: Origin, now: datetime
) -> Exchanged:
    """The upload token that the identity token ``text`` is worth. May wait for the issuer: some seconds at most.

    ``audience``: what it has to be made for; ``address``: the client's, whole, for counting; ``origin``: as it is
    kept. `Refused`: ``throttle.token-mint``; what `shell.issuers.Issuers.read` refuses; ``publisher.…`` for claims
    that belong to no publisher (``invalid-publisher``), an identity that was used before (``invalid-reuse-token``),
    and a pending publisher that cannot make its project (``invalid-pending-publisher``). Refusals are logged, but for
    the first and for what is more than `REFUSALS_UNREAD` and `REFUSALS_READ`.
    """
    counters = attempts.limits(throttle.TOKEN_MINT, "address", throttle.network(address))
    attempts.take(index.store, counters, now).require()
    found = issuers.read(text, audience, now)
    if isinstance(found, Decision):
        if _counts(index, REFUSALS_UNREAD, throttle.network(address), now):
            _log_refusal(index, found, {}, origin, now)
        raise Refused(found)
    try:
        with index.store.write() as connection:
            made = _exchange(index, connection, found, issuers, origin, now)
            attempts.give_back_in(connection, counters)
    except Refused as refused:
        home = _home(found)
        if _counts(index, REFUSALS_READ, home or found.issuer.url, now):
            _log_refusal(index, refused.decision, found.claims, origin, now, home=home)
        raise
    for name in made.created:
        pages.project(index, name)
    return made


def burn(index: Index, text: str, origin: Origin, now: datetime) -> bool:
    """Revoke the upload token ``text`` of a publisher, by whoever holds it; whether it was one in force.

    Tokens of accounts stay: those are revoked by their owners.
    """
    with index.store.write() as connection:
        actor = tokens.actor_of(connection, text, now, factor_required=False)
        if isinstance(actor, Decision) or actor.kind != "publisher" or actor.token_id is None:
            return False
        tokens.revoke(connection, [actor.token_id], now, "its job was done")
        facts = {"token": actor.token_id, "publisher": actor.name}
        names = sorted(actor.projects or ())[:_MOST_PROJECTS_TOLD]
        told = [Happened("TokenRevoked", None, None, name, facts=facts) for name in names]
        security.append(connection, Caller(actor, now, origin), *told)
    return True


def _exchange(
    index: Index, connection: sa.Connection, found: IdentityToken, issuers: Issuers, origin: Origin, now: datetime
) -> Exchanged:
    home, claims = _home(found), found.claims
    known = publishers.at_home(connection, home) if home else []
    waiting = _waiting(connection, home, issuers, now)
    chosen = rules.choose([*(each.publisher for each in known), *(each.publisher for each in waiting)], claims)
    if isinstance(chosen, Decision):
        raise Refused(chosen)
    if not publishers.spend(connection, found.issuer.url, found.reuse_key, found.remembered_until):
        refuse(
            "publisher.invalid-reuse-token",
            "This identity token was exchanged before, and each is good for once.",
            "Ask the service for a new one.",
        )
    serving = [each for each in known if rules.matches(each.publisher, claims).allowed]
    created, failed = _make_waiting(index, connection, found, waiting, now)
    serving = [each for each in serving if not each.unconfirmed] + created
    if not serving:
        raise Refused(failed[0] if failed else _unconfirmed(known, claims))
    for each in serving:
        publishers.note_use(connection, each, rules.pinned(each.publisher, claims), now)
    chief = max(serving, key=lambda each: len(each.publisher.fields))
    # Whole seconds are what the token's format knows; one more, so that none of the 900 is lost.
    expires_at = now.replace(microsecond=0) + timedelta(seconds=LIFETIME_SECONDS + 1)
    minted = minting.publisher_token(connection, chief.id, [each.project_id for each in serving], now, expires_at)
    names = tuple(sorted({each.project for each in serving}))
    display = rules.display(chief.publisher)
    facts = {"publisher": display, "token": minted.id, "claims": _told(claims)}
    told = [Happened("IdentityExchanged", None, None, name, facts=facts) for name in names[:_MOST_PROJECTS_TOLD]]
    security.append(connection, _caller(display, origin, now), *told)
    return Exchanged(minted.secret, expires_at, display, names, tuple(each.project for each in created))


def _waiting(connection: sa.Connection, home: str | None, issuers: Issuers, now: datetime) -> list[Pending]:
    """The pending publishers the token may belong to, with the pins that they have yet to learn."""
    if home is None:
        return []
    found: list[Pending] = []
    for each in publishers.pending_at_home(connection, home, now):
        described = each.publisher
        try:
            anew = rules.parse(described.kind, described.issuer, described.fields, issuers.admitted)
        except Refused:  # the settings ask for other claims by now
            continue
        found.append(
            Pending(each.id, each.account_id, each.account, each.display_name, anew, each.created_at, each.expires_at)
        )
    return found


def _make_waiting(
    index: Index, connection: sa.Connection, found: IdentityToken, waiting: list[Pending], now: datetime
) -> tuple[list[Registered], list[Decision]]:
    """The projects that were waiting for this identity, made; and why others could not be."""
    made: list[Registered] = []
    failed: list[Decision] = []
    fitting = [each for each in waiting if rules.matches(each.publisher, found.claims).allowed]
    for each in fitting:
        others = any(one.project == each.project and one.account_id != each.account_id for one in fitting)
        objection = _contested(each.project) if others else _objection(index, connection, each, now)
        if objection is None:
            made.append(_make(connection, each, now))
        else:
            failed.append(objection)
    return made, failed


def _contested(name: NormalizedName) -> Decision:
    """Two accounts wait for one project with one job. Whoever came first may be the one to whom it does not belong:
    then the job would publish into a project of somebody else's."""
    return deny(
        "publisher.invalid-pending-publisher",
        f"More than one account waits to make the project '{name}' with this job, so it is made for none of them.",
        "Publish its first file with a token of yours, and add the publisher to the project.",
    )


def _objection(index: Index, connection: sa.Connection, waiting: Pending, now: datetime) -> Decision | None:
    """Why a pending publisher cannot make its project now, if it cannot."""
    name = waiting.project
    if projects.find(connection, name) is not None:
        return deny(
            "publisher.invalid-pending-publisher",
            f"There is a project '{name}' already: somebody made it before this publisher was used.",
            "If it is yours, add the publisher to it.",
        )
    settings = index.settings
    owner = accounts.actor_by_id(connection, waiting.account_id, factor_required=settings.second_factor_required)
    if owner is None:
        return deny("publisher.invalid-pending-publisher", f"Nobody would own the project '{name}'.")
    new = Resource(name, exists=False, new_projects=settings.new_projects)
    for decision in (may(owner, "create", new, now), naming.new_name(index, connection, name)):
        if not decision.allowed:
            return deny(
                "publisher.invalid-pending-publisher",
                f"The project '{name}' cannot be made: {decision.reason}",
                *decision.ways_out,
                because=decision.rule,
            )
    return None


def _make(connection: sa.Connection, waiting: Pending, now: datetime) -> Registered:
    """Make the project that a pending publisher is for, owned by whoever registered it; it becomes an ordinary one."""
    described, name = waiting.publisher, waiting.project
    project = projects.add_project(connection, name, waiting.display_name, now)
    projects.grant(connection, project.id, waiting.account_id, "owner", now)
    key = publishers.register(connection, described, project.id, waiting.account_id, now)
    assert key is not None, "a project that was made just now has no publishers"  # noqa: S101
    publishers.remove_pending(connection, waiting.id)
    display = rules.display(described)
    events = [
        Event("ProjectCreated", name, actor_class="publisher"),
        Event("PublisherAdded", name, new={"kind": described.kind}, rule="set-publishers", actor_class="publisher"),
    ]
    projects.touch(connection, project.id, journal.append(connection, now, events, display), now)
    facts = {"publisher": display, "id": key, "pending": waiting.id}
    security.append(
        connection,
        _caller(display, Origin(), now),
        Happened("PublisherAdded", waiting.account_id, waiting.account, name, facts=facts),
        Happened("RoleGranted", waiting.account_id, waiting.account, name, facts={"role": "owner"}),
    )
    return Registered(key, project.id, name, described, waiting.account, now, None)


def _unconfirmed(known: list[Registered], claims: Mapping[str, object]) -> Decision:
    """Projects that were unarchived: the job is one of theirs, and no owner has said so again."""
    waiting = [each for each in known if each.unconfirmed and rules.matches(each.publisher, claims).allowed]
    names = ", ".join(f"'{each.project}'" for each in waiting[:_MOST_PROJECTS_TOLD])
    return deny(
        "publisher.unconfirmed",
        f"This publisher waits to be confirmed: {names} was unarchived, and no owner has said since "
        "that it may publish.",
        "An owner confirms it on the project's page under Publishing, or with `affineur publisher confirm`.",
        publisher=rules.display(waiting[0].publisher),
    )


def _home(found: IdentityToken) -> str | None:
    return rules.home_of(found.issuer.kind, found.claims)


def _caller(name: str, origin: Origin, now: datetime) -> Caller:
    return Caller(Actor(None, name, kind="publisher", projects=frozenset()), now, origin)


def _told(claims: Mapping[str, object]) -> dict[str, str]:
    return {claim: str(claims[claim])[:_TOLD_CHARACTERS] for claim in _TOLD if isinstance(claims.get(claim), str)}


def _counts(index: Index, limit: tuple[throttle.Limit, ...], whose: str, now: datetime) -> bool:
    """Whether one more refusal is worth an entry; it is counted."""
    return attempts.take(index.store, attempts.limits(limit, "identity", whose), now).allowed


def _log_refusal(
    index: Index,
    decision: Decision,
    claims: Mapping[str, object],
    origin: Origin,
    now: datetime,
    home: str | None = None,
) -> None:
    """Log a refusal; with the projects whose publisher was nearest, so that their owners find it."""
    said = decision.facts.get("publisher")
    facts = {"reason": decision.reason[:1000], "claims": _told(claims)}
    with index.store.write() as connection:
        near = publishers.at_home(connection, home) if home and said else []
        names = sorted({each.project for each in near if rules.display(each.publisher) == said})
        whose: list[str | None] = [*names[:_MOST_PROJECTS_TOLD]] or [None]
        told = [Happened("IdentityRefused", None, None, name, "refused", decision.rule, facts) for name in whose]
        security.append(connection, _caller("", origin, now), *told)
