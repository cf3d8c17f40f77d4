"""Voucher campaigns and their codes as stored, and the facts by which somebody may claim one.

What does not live here: who may claim (`core.impact.vouchers`), and that it is claimed once in one transaction
(`actions.claim_voucher`). The database holds the rest: one code is given to one account, one a campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa

from affineur.core.impact.vouchers import Code, Eligible, Person, parse_eligible, plain
from affineur.core.people.second_factor import FactorKind

from .accounts import POSTURE
from .schema import account, campaign, device, project, role, security_event, session, voucher

_MOST_AT_ONCE = 500
"""Ids in one question: every database takes as many."""
OFFERED = "VoucherOffered"
"""The event of the security log by which it is known who was written to."""


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as stored."""

    id: int
    name: str
    title: str
    text: str
    eligible: Eligible
    opens_at: datetime
    closes_at: datetime
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Stock:
    """How many codes a campaign has for a region: all, claimed, expired without being claimed, and left."""

    region: str
    all: int
    claimed: int
    expired: int

    @property
    def left(self) -> int:
        """Those that can still be claimed, as long as the campaign is open."""
        return self.all - self.claimed - self.expired


@dataclass(frozen=True, slots=True)
class Claim:
    """A voucher that somebody has. ``code`` is for its holder's eyes only."""

    campaign: str
    title: str
    text: str
    code: str = field(repr=False)
    region: str
    expires_at: datetime | None
    claimed_at: datetime


_COLUMNS = (
    campaign.c.id, campaign.c.name, campaign.c.title, campaign.c.text, campaign.c.eligible, campaign.c.opens_at,
    campaign.c.closes_at, campaign.c.made_at,
)  # fmt: skip


def add(
    connection: sa.Connection,
    name: str,
    title: str,
    text: str,
    eligible: Eligible,
    opens_at: datetime,
    closes_at: datetime,
    made_by: int | None,
    made_at: datetime,
) -> int:
    """A new campaign; its id. IntegrityError where the name is taken."""
    values = {
        "name": name, "title": title, "text": text, "eligible": orjson.dumps(plain(eligible)).decode(),
        "opens_at": opens_at, "closes_at": closes_at, "made_by": made_by, "made_at": made_at,
    }  # fmt: skip
    return int(connection.execute(campaign.insert().values(values).returning(campaign.c.id)).scalar_one())


def find(connection: sa.Connection, name: str) -> CampaignRow | None:
    """The campaign of that name."""
    row = connection.execute(sa.select(*_COLUMNS).where(campaign.c.name == name)).first()
    return None if row is None else _read(row)


def listed(connection: sa.Connection) -> list[CampaignRow]:
    """All of them, newest first: a few a year."""
    found = connection.execute(sa.select(*_COLUMNS).order_by(campaign.c.opens_at.desc(), campaign.c.id.desc()))
    return [_read(row) for row in found]


def open_ones(connection: sa.Connection, now: datetime) -> list[CampaignRow]:
    """Those that are open, the one that closes first before the others."""
    query = sa.select(*_COLUMNS).where(campaign.c.opens_at <= now, campaign.c.closes_at > now)
    return [_read(row) for row in connection.execute(query.order_by(campaign.c.closes_at, campaign.c.id))]


def close(connection: sa.Connection, campaign_id: int, at: datetime) -> None:
    """Let a campaign end at ``at``."""
    connection.execute(campaign.update().where(campaign.c.id == campaign_id).values(closes_at=at))


def add_codes(connection: sa.Connection, campaign_id: int, codes: Sequence[Code]) -> int:
    """Keep those of ``codes`` that the campaign does not have yet; how many. Cost: those it has, and the new ones."""
    known = set(connection.scalars(sa.select(voucher.c.code).where(voucher.c.campaign_id == campaign_id)))
    rows = [
        {"campaign_id": campaign_id, "code": each.code, "region": each.region, "expires_at": each.expires_at}
        for each in codes
        if each.code not in known
    ]
    if rows:
        connection.execute(voucher.insert(), rows)
    return len(rows)


def stock(connection: sa.Connection, campaign_id: int, now: datetime) -> list[Stock]:
    """What a campaign has, by region. Cost: its codes."""
    taken = voucher.c.claimed_at.is_not(None)
    late = sa.and_(voucher.c.claimed_at.is_(None), voucher.c.expires_at <= now)
    query = (
        sa.select(
            voucher.c.region,
            sa.func.count().label("codes"),
            sa.func.count().filter(taken).label("claimed"),
            sa.func.count().filter(late).label("expired"),
        )
        .where(voucher.c.campaign_id == campaign_id)
        .group_by(voucher.c.region)
        .order_by(voucher.c.region)
    )
    return [Stock(row.region, row.codes, row.claimed, row.expired) for row in connection.execute(query)]


def take(connection: sa.Connection, campaign_id: int, region: str, account_id: int, now: datetime) -> bool:
    """Give an account a code of that region, the one that expires first; False where none is left.

    IntegrityError where the account has one of the campaign already.
    """
    free = (
        voucher.c.campaign_id == campaign_id,
        voucher.c.region == region,
        voucher.c.claimed_at.is_(None),
        sa.or_(voucher.c.expires_at.is_(None), voucher.c.expires_at > now),
    )
    first = (
        sa.select(voucher.c.id)
        .where(*free)
        .order_by(voucher.c.expires_at.is_(None), voucher.c.expires_at, voucher.c.id)
    )
    while (key := connection.scalar(first.limit(1))) is not None:
        # That it is still free is asked again by the very statement that takes it.
        gives = voucher.update().where(voucher.c.id == key, voucher.c.claimed_at.is_(None))
        if connection.execute(gives.values(account_id=account_id, claimed_at=now)).rowcount:
            return True
    return False


def claims(connection: sa.Connection, account_id: int) -> list[Claim]:
    """The vouchers that an account has, newest first."""
    query = (
        sa.select(
            campaign.c.name, campaign.c.title, campaign.c.text, voucher.c.code, voucher.c.region, voucher.c.expires_at,
            voucher.c.claimed_at,
        )
        .join(campaign, campaign.c.id == voucher.c.campaign_id)
        .where(voucher.c.account_id == account_id)
        .order_by(voucher.c.claimed_at.desc())
    )  # fmt: skip
    return [Claim(*tuple(row)) for row in connection.execute(query)]


def claimers(connection: sa.Connection, campaign_id: int) -> set[int]:
    """The accounts that have a voucher of a campaign."""
    query = sa.select(voucher.c.account_id).where(
        voucher.c.campaign_id == campaign_id, voucher.c.account_id.is_not(None)
    )
    return {int(each) for each in connection.scalars(query) if each is not None}


def told(connection: sa.Connection, name: str) -> set[int]:
    """The accounts that were written to about a campaign, as the security log has it. Cost: all such letters."""
    query = sa.select(security_event.c.account_id).where(
        security_event.c.event == OFFERED, security_event.c.facts == offered_facts(name)
    )
    return {int(each) for each in connection.scalars(query) if each is not None}


def offered_facts(name: str) -> str:
    """What the log keeps beside `OFFERED`, as it is stored."""
    return orjson.dumps({"campaign": name}).decode()


def willing(connection: sa.Connection, account_ids: Iterable[int]) -> set[int]:
    """Those of some accounts that take messages."""
    found: set[int] = set()
    for some in _parts(account_ids):
        query = sa.select(account.c.id).where(account.c.id.in_(some), account.c.accepts_messages)
        found |= set(connection.scalars(query))
    return found


def person(connection: sa.Connection, account_id: int) -> Person | None:
    """What decides about one account; None where there is none, or it is deleted."""
    return next(iter(_people(connection, [account_id])), None)


def people(connection: sa.Connection, eligible: Eligible) -> Iterator[Person]:
    """Everybody who could be eligible, by id. Cost: every account of a person, or those with a role if it takes one."""
    query = sa.select(account.c.id).where(
        account.c.kind == "person", account.c.deleted_at.is_(None), account.c.frozen_at.is_(None)
    )
    if eligible.asks_for_role:
        held = sa.select(role.c.account_id).join(project, project.c.id == role.c.project_id)
        if eligible.classes:
            held = held.where(project.c.impact.in_(sorted(eligible.classes)))
        if eligible.roles:
            held = held.where(role.c.role.in_(sorted(eligible.roles)))
        query = query.where(account.c.id.in_(held))
    for some in _parts(connection.scalars(query.order_by(account.c.id)).all()):
        yield from _people(connection, some)


def _people(connection: sa.Connection, ids: Sequence[int]) -> Iterator[Person]:
    on_device = sa.select(sa.func.max(device.c.seen_at)).where(device.c.account_id == account.c.id)
    in_session = sa.select(sa.func.max(session.c.seen_at)).where(session.c.account_id == account.c.id)
    query = sa.select(
        *POSTURE,
        account.c.created_at,
        on_device.scalar_subquery().label("on_device"),
        in_session.scalar_subquery().label("in_session"),
    ).where(account.c.id.in_(ids), account.c.deleted_at.is_(None))
    held = (
        sa.select(role.c.account_id, role.c.role, project.c.impact)
        .join(project, project.c.id == role.c.project_id)
        .where(role.c.account_id.in_(ids))
        .distinct()
    )
    holds: dict[int, set[tuple[str, str | None]]] = {}
    for each in connection.execute(held):
        holds.setdefault(each.account_id, set()).add((each.role, each.impact))
    for row in connection.execute(query.order_by(account.c.id)):
        there: tuple[tuple[FactorKind, bool], ...] = (("passkey", row.has_passkey), ("totp", row.has_totp))
        yield Person(
            row.account_id,
            row.account_kind,
            row.frozen_at is not None,
            frozenset(kind for kind, has in there if has),
            row.created_at,
            max((at for at in (row.on_device, row.in_session) if at is not None), default=None),
            frozenset(holds.get(row.account_id, ())),  # type: ignore[arg-type]
        )


def _parts(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while some := list(islice(rest, _MOST_AT_ONCE)):
        yield some


def _read(row: sa.Row[*tuple[Any, ...]]) -> CampaignRow:
    key, name, title, text, eligible, opens_at, closes_at, made_at = row
    return CampaignRow(key, name, title, text, parse_eligible(orjson.loads(eligible)), opens_at, closes_at, made_at)
