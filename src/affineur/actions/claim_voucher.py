"""Claim a voucher: one code to one person, once a campaign; and see what one has, and could have.

What does not live here: campaigns (`campaigns`), and who may claim (`core.impact.vouchers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.core.impact import vouchers
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import campaigns, security
from affineur.shell.store.campaigns import CampaignRow, Claim


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign that somebody could claim from, and the regions that have codes left (``""``: everywhere)."""

    campaign: CampaignRow
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vouchers:
    """What somebody has, and what they could have."""

    claims: tuple[Claim, ...]
    offers: tuple[Offer, ...]


def claim_voucher(index: Index, by: Caller, name: str, region: str | None = None) -> Claim:
    """Give the caller a code of the campaign ``name``; ``region`` is needed where several have codes left.

    `Refused`: ``access.…``, ``campaign.exists``, ``voucher.closed``, ``voucher.person``, ``voucher.eligible``,
    ``voucher.once``, ``voucher.left``, ``voucher.region``.
    """
    account_id = _me(by)
    try:
        with index.store.write() as connection:
            found = campaigns.find(connection, name)
            if found is None:
                refuse("campaign.exists", f"There is no campaign {name[:80]!a} on this index.", "Check its name.")
            _may_claim(connection, by, found, account_id).require()
            left = [each.region for each in campaigns.stock(connection, found.id, by.now) if each.left]
            chosen = vouchers.require_region(region, left)
            if not campaigns.take(connection, found.id, chosen, account_id, by.now):
                vouchers.require_region(region, ())
            facts = {"campaign": name, **({"region": chosen} if chosen else {})}
            security.append(connection, by, Happened("VoucherClaimed", account_id, by.actor.name, facts=facts))
            return next(each for each in campaigns.claims(connection, account_id) if each.campaign == name)
    except sa.exc.IntegrityError:  # the same person, at the same moment, in another window
        raise Refused(_once(name)) from None


def vouchers_of(index: Index, by: Caller) -> Vouchers:
    """What the caller has, and what is there for them now. `Refused`: ``access.…``. Cost: the open campaigns."""
    account_id = _me(by)
    with index.store.read() as connection:
        claimed = campaigns.claims(connection, account_id)
        return Vouchers(tuple(claimed), tuple(_offers(connection, by, account_id)))


def _offers(connection: sa.Connection, by: Caller, account_id: int) -> Iterator[Offer]:
    for each in campaigns.open_ones(connection, by.now):
        if _may_claim(connection, by, each, account_id).allowed:
            left = [one.region for one in campaigns.stock(connection, each.id, by.now) if one.left]
            if left:
                yield Offer(each, tuple(left))


def _may_claim(connection: sa.Connection, by: Caller, found: CampaignRow, account_id: int) -> Decision:
    if any(each.campaign == found.name for each in campaigns.claims(connection, account_id)):
        return _once(found.name)
    open_now = vouchers.may_claim_now(found.opens_at, found.closes_at, by.now)
    if not open_now.allowed:
        return open_now
    who = campaigns.person(connection, account_id)
    if who is None:
        return deny("voucher.person", "Vouchers are for people who have an account.")
    return vouchers.judge(found.eligible, who, by.now)


def _once(name: str) -> Decision:
    return deny(
        "voucher.once", f"You have a voucher of the campaign '{name}' already.", "Your page of vouchers shows it."
    )


def _me(by: Caller) -> int:
    may(by.actor, "claim-voucher", Resource(account_id=by.actor.account_id), by.now).require()
    if by.actor.account_id is None:
        refuse("access.own", "The index itself has no account.", "Sign in.")
    return by.actor.account_id
