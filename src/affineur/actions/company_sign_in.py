"""Sign in with the company: make or find the account, give and take what groups come to, begin a session.

An account that is there already is never taken over because an address is the same: whoever holds it links it to
their company themselves, signed in to both (`company_link`). What does not live here: whether the company's word is
to be believed (`core.people.company_identity`, `shell.company`), and what groups come to (`core.people.company`).
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from affineur.core.access import SYSTEM
from affineur.core.decision import Decision, Refused, allow, refuse
from affineur.core.people import company, company_identity, throttle
from affineur.core.people.accounts import LONGEST_CHOSEN_NAME, chosen_name
from affineur.core.people.company import Due
from affineur.core.people.company_identity import Identity
from affineur.core.people.throttle import Limit
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.mail.letters import UnfitMail, require_address
from affineur.shell.store import (
    accounts,
    attempts,
    emails,
    factors,
    identities,
    outbox,
    security,
    sessions,
)
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.identities import IdentityRow
from affineur.shell.store.sessions import SessionRow

from .addresses import send_link
from .beginning import FROZEN, Begun, Stranger, begin, caller_for
from .company_groups import Answer, renew, use_up

_NOTED = (Limit("company-noted", 20, timedelta(hours=1)),)
"""How often refusals from one address go into the log, which is never shortened."""


def sign_in(index: Index, by: Stranger, answer: Answer, ends: str = "") -> Begun:
    """Begin a session for whoever the company says came back; the first time, their account is made.

    Offices and roles that groups give are renewed; they are taken from somebody who may not come in any more, and
    whose sessions end. ``ends``: id of the session that the browser had until now.
    `Refused`: ``company.used``, ``company.member``, ``company.setting``, ``company.address`` (an account has the
    address already and is not linked), ``signin.frozen``.
    """
    rules = company.parse_rules(index.settings.company_groups)
    groups = answer.who.groups or frozenset()
    admitted = company.admitted(rules, groups)
    with index.store.write() as connection:
        use_up(connection, answer, by.now)
        account = _find(connection, answer.who)
        if admitted.allowed:
            account = account or _make(connection, index, by, answer.who)
            admitted = _not_frozen(account)
        changed = []
        if account is not None and account.frozen_at is None:
            owed = company.due(rules, groups) if admitted.allowed else Due()
            changed = renew(connection, index, Caller(SYSTEM, by.now, by.origin), account, owed)
        begun = None
        if account is not None and admitted.allowed:
            begun = _welcome(connection, index, by, account, answer.who, ends)
        else:
            _turn_away(connection, by, account, admitted)
    for name in changed:
        pages.project(index, name)
    if begun is None:
        raise Refused(admitted)  # after the block: what changed, and the log, are kept
    return begun


def _not_frozen(account: AccountRow) -> Decision:
    return allow(FROZEN.rule) if account.frozen_at is None else FROZEN


def _turn_away(connection: sa.Connection, by: Stranger, account: AccountRow | None, why: Decision) -> None:
    """Note who may not come in; what they had begun here before ends."""
    key, name = (account.id, account.name) if account else (None, None)
    if key is not None:
        sessions.end_all(connection, key)
    facts = {"via": "company"}
    refused = Happened("SignInRefused", key, name, outcome="refused", rule=why.rule, facts=facts)
    security.append(connection, by.caller, refused)


def _welcome(
    connection: sa.Connection,
    index: Index,
    by: Stranger,
    account: AccountRow,
    who: Identity,
    ends: str,
) -> Begun:
    """Begin the session. A company that still knows somebody asks them nothing: their proof is as old as it says."""
    if not index.settings.password_sign_in:
        identities.end_password_sessions(connection, account.id)
    guarded, proved_at = factors.is_guarded(connection, account.id), who.signed_in_at and min(by.now, who.signed_in_at)
    return begin(
        connection, index, account, by,
        via="company", proof="company", proved_at=proved_at, needs_factor=guarded, ends=ends,
    )  # fmt: skip


def confirm(index: Index, by: Caller, session: SessionRow, answer: Answer) -> None:
    """Note that whoever is signed in proved to their company, just now, that it is them.

    `Refused`: ``company.used``, ``company.other`` (it was somebody else), ``company.fresh``.
    """
    company_identity.fresh(answer.who, by.now).require()
    at = min(by.now, answer.who.signed_in_at or by.now)
    with index.store.write() as connection:
        use_up(connection, answer, by.now)
        mine = identities.of_account(connection, session.account_id, answer.who.issuer)
        if mine is None or mine.subject != answer.who.subject:
            refuse(
                "company.other",
                "Somebody else signed in at your company than the one whose account this is.",
                "Sign out there, and confirm again as yourself.",
            )
        sessions.step_up(connection, session.id, at, "company")
        facts = {"proof": "company"}
        security.append(connection, by, Happened("SteppedUp", session.account_id, by.actor.name, facts=facts))


def note_refusal(index: Index, by: Caller, address: str, why: Decision, event: str = "SignInRefused") -> None:
    """Write a refusal into the log, at most so many an hour from one ``address``."""
    counted = attempts.limits(_NOTED, throttle.network(address))
    if attempts.take(index.store, counted, by.now).allowed:
        key, name = by.actor.account_id, by.actor.name or None
        with index.store.write() as connection:
            facts = {"via": "company"}
            refused = Happened(event, key, name, outcome="refused", rule=why.rule, facts=facts)
            security.append(connection, by, refused)


def _find(connection: sa.Connection, who: Identity) -> AccountRow | None:
    row = identities.find(connection, who.issuer, who.subject)
    return None if row is None else accounts.by_id(connection, row.account_id)


def _make(connection: sa.Connection, index: Index, by: Stranger, who: Identity) -> AccountRow:
    """The account of somebody who comes for the first time. Only an address that the company vouches for counts."""
    address = _fit(who.address)
    holder = emails.holder(connection, address) if address is not None else None
    if holder is not None and who.address_verified:
        refuse(
            "company.address",
            f"An account of this index has the address {address} already, and it is not linked to your company.",
            "If it is yours, sign in to it and link it there: the page is /account/company/link.",
            "If you cannot sign in to it, whoever runs this index can link it.",
        )
    key = accounts.add_account(connection, _free_name(connection, who.suggested_name), by.now)
    account = accounts.by_id(connection, key)
    assert account is not None  # noqa: S101 - it was added just now
    caller = caller_for(connection, index, account, by.origin, by.now)
    identities.link(connection, IdentityRow(who.issuer, who.subject, key, by.now))
    facts = {"issuer": who.issuer, "subject": who.subject}
    made = Happened("AccountCreated", key, account.name, facts={"via": "company"})
    security.append(connection, caller, made, Happened("IdentityLinked", key, account.name, facts=facts))
    if address is not None and holder is None:
        _add_address(connection, caller, account, address, verified=who.address_verified)
    return account


def _fit(address: str | None) -> str | None:
    try:
        require_address(address or "")
    except UnfitMail:
        return None
    return address


def _add_address(
    connection: sa.Connection, caller: Caller, account: AccountRow, address: str, *, verified: bool
) -> None:
    """Keep an address; one that the company did not vouch for is sent the link that verifies it."""
    facts = {"address": address, "via": "company"}
    if verified:
        emails.add(connection, account.id, address, caller.now, verified_at=caller.now)
        security.append(connection, caller, Happened("EmailVerified", account.id, account.name, facts=facts))
        outbox.put(connection, caller.now, address, "welcome", {"account": account.name}, account.id)
        return
    row = emails.find(connection, account.id, emails.add(connection, account.id, address, caller.now))
    assert row is not None  # noqa: S101 - it was added just now
    security.append(connection, caller, Happened("EmailAdded", account.id, account.name, facts=facts))
    send_link(connection, account.name, caller.now, row)


def _free_name(connection: sa.Connection, suggested: str) -> str:
    """``suggested``, or with the first number behind it that makes it a name one may choose."""
    for number in range(1, 1000):
        tail = "" if number == 1 else f"-{number}"
        name = suggested[: LONGEST_CHOSEN_NAME - len(tail)].rstrip("._-") + tail
        decision = chosen_name(name, accounts.is_taken(connection, name), accounts.lookalike(connection, name))
        if decision.allowed:
            return name
    raise Refused(decision)
