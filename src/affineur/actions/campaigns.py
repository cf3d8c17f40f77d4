"""Campaigns that give vouchers: make one, add codes to it, write to those whom it is for, close it.

Codes are counted from the moment they are imported, and shown to nobody but their claimers. What does not live here:
claiming one (`claim_voucher`), and who may (`core.impact.vouchers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from affineur.core.access import INDEX, may
from affineur.core.decision import refuse
from affineur.core.impact import vouchers
from affineur.core.impact.vouchers import Eligible, Fault
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import campaigns, emails, outbox, security
from affineur.shell.store.campaigns import CampaignRow, Stock
from affineur.shell.store.outbox import Letter

PAGE = "account/vouchers"
_LETTERS_AT_ONCE = 200
"""In one transaction: others write between two of them."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a campaign stands: ``eligible`` people that have no voucher of it yet, and its codes by region."""

    eligible: int
    stock: tuple[Stock, ...]

    @property
    def whole(self) -> Stock:
        """All regions together."""
        added = (sum(getattr(each, name) for each in self.stock) for name in ("all", "claimed", "expired"))
        return Stock("", *added)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to: how many codes are new, and how many lines were refused, by fault."""

    added: int
    refused: Mapping[Fault, int]


@dataclass(frozen=True, slots=True)
class Announced:
    """How many were written to now, were before, and cannot be: they take no messages, or have no address."""

    letters: int
    before: int
    unreachable: int


def make_campaign(
    index: Index,
    by: Caller,
    name: str,
    title: str,
    text: str,
    eligible: Eligible,
    opens_at: datetime,
    closes_at: datetime,
) -> CampaignRow:
    """A new campaign, without codes. Moments are aware UTC.

    `Refused`: ``access.…`` (it takes a fresh proof), ``campaign.name`` (also one that is taken), ``campaign.text``,
    ``campaign.time``.
    """
    may(by.actor, "set-campaigns", INDEX, by.now).require()
    title, text = title.strip(), text.strip().replace("\r\n", "\n")
    vouchers.require_campaign(name, title, text, opens_at, closes_at, by.now)
    with index.store.write() as connection:
        if campaigns.find(connection, name) is not None:
            refuse("campaign.name", f"There is a campaign '{name}' already.", "Choose another name.")
        campaigns.add(connection, name, title, text, eligible, opens_at, closes_at, by.actor.account_id, by.now)
        _note(connection, by, "CampaignMade", name, {"title": title, "closes_at": closes_at.isoformat()})
        return _require(connection, name)


def import_codes(index: Index, by: Caller, name: str, text: str) -> Imported:
    """Add the codes of ``text`` (`vouchers.read_codes`) to a campaign; those that it has already are counted.

    `Refused`: ``access.…``, ``campaign.exists``, ``campaign.codes``, ``voucher.closed`` where it is over.
    """
    may(by.actor, "set-campaigns", INDEX, by.now).require()
    read = vouchers.read_codes(text, by.now)
    with index.store.write() as connection:
        found = _require(connection, name)
        _require_not_closed(found, by.now)
        added = campaigns.add_codes(connection, found.id, read.codes)
        refused: dict[Fault, int] = dict(read.refused)
        if known := len(read.codes) - added:
            refused["known"] = known
        _note(connection, by, "CampaignCodesAdded", name, {"codes": added, "refused": sum(refused.values())})
    return Imported(added, refused)


def close_campaign(index: Index, by: Caller, name: str) -> CampaignRow:
    """Let a campaign end now. What was claimed stays with its claimers; twice is no harm.

    `Refused`: ``access.…``, ``campaign.exists``.
    """
    may(by.actor, "set-campaigns", INDEX, by.now).require()
    with index.store.write() as connection:
        found = _require(connection, name)
        if vouchers.phase(found.opens_at, found.closes_at, by.now) != "closed":
            campaigns.close(connection, found.id, by.now)
            _note(connection, by, "CampaignClosed", name, {})
        return _require(connection, name)


def announce(index: Index, by: Caller, name: str) -> Announced:
    """Write one letter to everybody for whom a campaign is, who has no voucher of it and was not written to yet.

    May be killed and repeated: nobody gets two. `Refused`: ``access.…``, ``campaign.exists``, ``voucher.closed``
    (only what can be claimed is announced), ``voucher.left``.
    """
    may(by.actor, "set-campaigns", INDEX, by.now).require()
    with index.store.read() as connection:
        found = _require(connection, name)
        vouchers.may_claim_now(found.opens_at, found.closes_at, by.now).require()
        vouchers.require_region(None, ["" for each in campaigns.stock(connection, found.id, by.now) if each.left])
        fitting = _eligible(connection, found, by.now)
        before = campaigns.told(connection, name) & set(fitting)
        reachable = campaigns.willing(connection, [each for each in fitting if each not in before])
    waiting, letters = iter([each for each in fitting if each in reachable]), 0
    while some := list(islice(waiting, _LETTERS_AT_ONCE)):
        letters += _write_to(index, by, found, some)
    return Announced(letters, len(before), len(fitting) - len(before) - letters)


def listed(index: Index, by: Caller) -> list[tuple[CampaignRow, Stock]]:
    """Every campaign with its codes, all regions together, newest first. `Refused`: ``access.…``."""
    may(by.actor, "see-campaigns", INDEX, by.now).require()
    with index.store.read() as connection:
        return [
            (each, Numbers(0, tuple(campaigns.stock(connection, each.id, by.now))).whole)
            for each in campaigns.listed(connection)
        ]


def shown(index: Index, by: Caller, name: str) -> tuple[CampaignRow, Numbers]:
    """A campaign and how it stands. Cost: a look at everybody who could be eligible.

    `Refused`: ``access.…``, ``campaign.exists``.
    """
    may(by.actor, "see-campaigns", INDEX, by.now).require()
    with index.store.read() as connection:
        found = _require(connection, name)
        stock = campaigns.stock(connection, found.id, by.now)
        return found, Numbers(len(_eligible(connection, found, by.now)), tuple(stock))


def _eligible(connection: sa.Connection, found: CampaignRow, now: datetime) -> list[int]:
    """The accounts that could claim, had they not."""
    given = campaigns.claimers(connection, found.id)
    return [
        each.account_id
        for each in campaigns.people(connection, found.eligible)
        if each.account_id not in given and vouchers.judge(found.eligible, each, now).allowed
    ]


def _write_to(index: Index, by: Caller, found: CampaignRow, some: list[int]) -> int:
    """Letters to those who were not written to meanwhile; how many."""
    with index.store.write() as connection:
        told = campaigns.told(connection, found.name)
        reached = [(each, emails.primary(connection, each)) for each in some if each not in told]
        values: dict[str, object] = {
            "title": found.title,
            "text": found.text,
            "until": found.closes_at,
            "whom": vouchers.described(found.eligible),
            "page": PAGE,
        }
        letters = [Letter(address, "voucher-offer", values, each) for each, address in reached if address is not None]
        outbox.put_all(connection, by.now, letters)
        facts = {"campaign": found.name}
        security.append(
            connection,
            by,
            *(Happened(campaigns.OFFERED, each, None, facts=facts) for each, address in reached if address is not None),
        )
    return len(letters)


def _require(connection: sa.Connection, name: str) -> CampaignRow:
    found = campaigns.find(connection, name)
    if found is None:
        refuse("campaign.exists", f"There is no campaign {name[:80]!a} on this index.", "Check its name.")
    return found


def _require_not_closed(found: CampaignRow, now: datetime) -> None:
    if vouchers.phase(found.opens_at, found.closes_at, now) == "closed":
        vouchers.may_claim_now(found.opens_at, found.closes_at, now).require()


def _note(connection: sa.Connection, by: Caller, event: str, name: str, facts: Mapping[str, object]) -> None:
    security.append(connection, by, Happened(event, None, None, facts={"campaign": name, **facts}))
