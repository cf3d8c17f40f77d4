"""Campaigns that give vouchers, for those who run the index. Claiming one is done where people are signed in.

Codes go in and are counted; none comes out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from affineur.actions import campaigns as acts
from affineur.core.impact import vouchers
from affineur.core.impact.vouchers import Phase, Without, described, parse_eligible, phase, plain
from affineur.core.life.standing import Impact
from affineur.core.permissions import Role
from affineur.shell.store.campaigns import CampaignRow, Stock

from .operation import Call, Input, Listing, Made, Operation, Output

Days = Annotated[float, msgspec.Meta(ge=0, le=vouchers.MOST_DAYS, multiple_of=1)]
"""A whole number, which JSON may write as 3.0 as well."""


class WhoMayClaim(Input):
    """Who may claim: with one of these roles on a project of one of these classes (any where none is named).

    ``without``: lacking a passkey, or any second factor. Days: the least age of the account, and within how many they
    were last signed in; 0 asks for nothing.
    """

    classes: list[Impact] = msgspec.field(default_factory=list)
    roles: list[Role] = msgspec.field(default_factory=list)
    without: Without | None = None
    account_days: Days = 0
    seen_days: Days = 0


class NewCampaign(Input):
    """A campaign. ``text``: what it gives, and how it is redeemed; plain. ``opens_at``: at once where it is null."""

    name: Annotated[
        str, msgspec.Meta(min_length=1, max_length=vouchers.LONGEST_NAME, pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    ]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=vouchers.LONGEST_TITLE)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=vouchers.LONGEST_TEXT)]
    eligible: WhoMayClaim
    closes_at: Annotated[datetime, msgspec.Meta(tz=True)]
    opens_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class NewCodes(Input):
    """Codes, one a line: ``CODE`` or ``CODE,REGION,2027-01-31``, the last day on which it can be redeemed."""

    codes: Annotated[str, msgspec.Meta(min_length=1)]


class Claimers(Output):
    """Who may claim; as it was given."""

    classes: list[Impact]
    roles: list[Role]
    without: Without | None
    account_days: int
    seen_days: int


class CodesOfRegion(Output):
    """How many codes there are for a region (``""``: everywhere)."""

    region: str
    all: int
    claimed: int
    expired: int
    left: int


class Campaign(Output):
    """A campaign and its codes, all regions together. ``whom``: who may claim, in a sentence."""

    name: str
    title: str
    text: str
    eligible: Claimers
    whom: str
    phase: Phase
    opens_at: datetime
    closes_at: datetime
    codes: CodesOfRegion


class CampaignNumbers(Campaign):
    """The same with its regions. ``eligible_people``: those who could claim and have not."""

    eligible_people: int
    regions: list[CodesOfRegion]


class CodesAdded(Output):
    """What an import came to. ``refused``: lines that gave no code, by fault."""

    added: int
    refused: dict[Literal["unfit", "repeated", "known", "expired"], int]


class LettersSent(Output):
    """Who was written to now, and before; and who cannot be: they take no messages, or have no address."""

    letters: int
    before: int
    unreachable: int


def list_campaigns(call: Call) -> Listing:
    """Newest first: a few a year, so one page."""
    return Listing([_shown(each, stock, call.now) for each, stock in acts.listed(call.index, call.caller)])


def get_campaign(call: Call) -> CampaignNumbers:
    """One of them."""
    return _numbers(call)


def make_campaign(call: Call) -> Made:
    """Make one."""
    body: NewCampaign = call.body
    asked = body.eligible
    days = {"account_days": int(asked.account_days), "seen_days": int(asked.seen_days)}
    eligible = parse_eligible({**msgspec.to_builtins(asked), **days})
    opens_at = body.opens_at or call.now
    made = acts.make_campaign(
        call.index, call.caller, body.name, body.title, body.text, eligible, opens_at, body.closes_at
    )
    return Made(_shown(made, Stock("", 0, 0, 0), call.now), made.name, f"/campaigns/{made.name}")


def add_codes(call: Call) -> CodesAdded:
    """Add codes."""
    made = acts.import_codes(call.index, call.caller, call.path["campaign"], call.body.codes)
    return CodesAdded(added=made.added, refused=dict(made.refused))


def announce(call: Call) -> LettersSent:
    """Write to those whom it is for."""
    made = acts.announce(call.index, call.caller, call.path["campaign"])
    return LettersSent(letters=made.letters, before=made.before, unreachable=made.unreachable)


def close_campaign(call: Call) -> CampaignNumbers:
    """Close it."""
    acts.close_campaign(call.index, call.caller, call.path["campaign"])
    return _numbers(call)


def _numbers(call: Call) -> CampaignNumbers:
    found, numbers = acts.shown(call.index, call.caller, call.path["campaign"])
    shown = _shown(found, numbers.whole, call.now)
    return CampaignNumbers(
        **msgspec.structs.asdict(shown),
        eligible_people=numbers.eligible,
        regions=[_codes(each) for each in numbers.stock],
    )


def _shown(found: CampaignRow, stock: Stock, now: datetime) -> Campaign:
    return Campaign(
        name=found.name,
        title=found.title,
        text=found.text,
        eligible=msgspec.convert(plain(found.eligible), Claimers),
        whom=described(found.eligible),
        phase=phase(found.opens_at, found.closes_at, now),
        opens_at=found.opens_at,
        closes_at=found.closes_at,
        codes=_codes(stock),
    )


def _codes(stock: Stock) -> CodesOfRegion:
    return CodesOfRegion(
        region=stock.region, all=stock.all, claimed=stock.claimed, expired=stock.expired, left=stock.left
    )


OPERATIONS = (
    Operation(
        method="GET", path="/campaigns", name="listCampaigns", tag="campaigns",
        summary="The voucher campaigns of the index, newest first: for operators and auditors.",
        handler=list_campaigns, answer=Campaign, paged=True, needs="see-campaigns",
    ),
    Operation(
        method="GET", path="/campaigns/{campaign}", name="getCampaign", tag="campaigns",
        summary="A voucher campaign, how many could claim, and its codes by region.",
        handler=get_campaign, answer=CampaignNumbers, needs="see-campaigns",
    ),
    Operation(
        method="POST", path="/campaigns", name="makeCampaign", tag="campaigns",
        summary="Make a voucher campaign; it gives nothing before codes are added.",
        handler=make_campaign, body=NewCampaign, answer=Campaign, status=201, needs="set-campaigns",
    ),
    Operation(
        method="POST", path="/campaigns/{campaign}/codes", name="addCampaignCodes", tag="campaigns",
        summary="Add codes to a voucher campaign; those it has already are counted, none is ever shown again.",
        handler=add_codes, body=NewCodes, answer=CodesAdded, needs="set-campaigns", idempotent=True,
    ),
    Operation(
        method="POST", path="/campaigns/{campaign}/announcement", name="announceCampaign", tag="campaigns",
        summary="Write one letter to everybody for whom a voucher campaign is; nobody gets two.",
        handler=announce, answer=LettersSent, needs="set-campaigns", idempotent=True,
    ),
    Operation(
        method="POST", path="/campaigns/{campaign}/close", name="closeCampaign", tag="campaigns",
        summary="Close a voucher campaign for good; what was claimed stays with its claimers.",
        handler=close_campaign, answer=CampaignNumbers, needs="set-campaigns", idempotent=True,
    ),
)  # fmt: skip
