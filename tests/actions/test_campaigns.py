"""Voucher campaigns: codes given once, to whom they are for, one each, also when many ask at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import START, new_index, publish

from affineur.actions import campaigns as acts
from affineur.actions.claim_voucher import claim_voucher, vouchers_of
from affineur.actions.status import set_status
from affineur.core.access import SYSTEM, Actor
from affineur.core.decision import Refused
from affineur.core.impact.vouchers import Eligible
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.permissions import Office
from affineur.core.security import Caller, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, outbox, projects, security
from affineur.shell.store.campaigns import Claim, Stock
from affineur.shell.store.schema import factor, voucher
from affineur.shell.store.security import Filter

NOW = START + timedelta(days=10)
DAY = timedelta(days=1)
CONSOLE = console(NOW)
KEYS = Eligible(frozenset({"C3", "C4"}), frozenset({"owner"}), "passkey")
OWNERS = ("ann", "bob", "eve")


@pytest.fixture
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """`ann`, `bob` and `eve` own brie, which is C4; `cat` owns comte, which is C1; `dan` owns nothing."""
    on_postgresql = getattr(request, "param", "sqlite") == "postgresql"
    opened = new_index(tmp_path / "data", database=request.getfixturevalue("postgresql_url") if on_postgresql else "")
    publish(opened, "brie")
    publish(opened, "comte", minutes=2)
    with opened.store.write() as connection:
        for name in (*OWNERS, "cat", "dan"):
            key = accounts.add_account(connection, name, START)
            emails.add(connection, key, f"{name}@example.org", START, verified_at=START)
            found = projects.find(connection, "brie" if name in OWNERS else "comte")
            assert found is not None
            if name != "dan":
                grants.set_role(connection, found.id, key, "owner", START, None)
    for each, impact in ((NormalizedName("brie"), "C4"), (NormalizedName("comte"), "C1")):
        set_status(opened, SYSTEM, "reclassify", each, START + DAY, Said(value=impact))
    yield opened
    opened.close()


ON_BOTH = pytest.mark.parametrize("index", ["sqlite", "postgresql"], indirect=True)
"""For what the database itself decides, or counts."""


def by(index: Index, name: str, now: datetime = NOW, office: Office | None = None) -> Caller:
    with index.store.read() as connection:
        key = accounts.account_id(connection, name)
    posture = Posture(frozenset({"passkey"}), stepped_up=StepUp(now, "passkey"))
    return Caller(Actor(key, name, office, posture=posture), now)


def campaign(index: Index, codes: str = "", eligible: Eligible = KEYS, name: str = "keys") -> None:
    acts.make_campaign(index, CONSOLE, name, "Security keys", "One each.", eligible, NOW, NOW + 30 * DAY)
    if codes:
        acts.import_codes(index, CONSOLE, name, codes)


def refused_by(act: Callable[..., object], *given: object) -> str:
    with pytest.raises(Refused) as refused:
        act(*given)
    return refused.value.decision.rule


def letters(index: Index) -> list[str]:
    with index.store.read() as connection:
        found = outbox.mails(connection, unsent_only=True, limit=1000)
    return sorted(row.to_address.partition("@")[0] for row in found if row.template == "voucher-offer")


def given(index: Index) -> list[tuple[str, int]]:
    with index.store.read() as connection:
        taken = sa.select(voucher.c.code, voucher.c.account_id).where(voucher.c.claimed_at.is_not(None))
        return [(row.code, row.account_id) for row in connection.execute(taken)]


def test_an_owner_of_a_critical_project_claims_one_code_and_finds_it_again(index: Index) -> None:
    campaign(index, "AAAA\nBBBB")
    (offer,) = vouchers_of(index, by(index, "ann")).offers
    assert (offer.campaign.name, offer.regions) == ("keys", ("",))
    made = claim_voucher(index, by(index, "ann"), "keys")
    assert (made.code, made.title, made.claimed_at) == ("AAAA", "Security keys", NOW)
    assert refused_by(claim_voucher, index, by(index, "ann"), "keys") == "voucher.once"
    later = vouchers_of(index, by(index, "ann", NOW + 365 * DAY))
    assert (later.claims, later.offers) == ((made,), ())
    assert vouchers_of(index, by(index, "bob")).claims == ()


def test_nobody_else_is_given_a_code(index: Index) -> None:
    campaign(index, "AAAA")
    with index.store.write() as connection:
        key = accounts.account_id(connection, "bob")
        assert key is not None
        accounts.change(connection, key, frozen_at=NOW)
        eve = accounts.account_id(connection, "eve")
        assert eve is not None
        added = {"account_id": eve, "kind": "passkey", "label": "key", "created_at": START}
        connection.execute(factor.insert().values(added))
    frozen = by(index, "bob")
    assert refused_by(claim_voucher, index, frozen, "keys") == "voucher.person"
    posture = replace(frozen.actor.posture, frozen=True)
    assert refused_by(claim_voucher, index, replace(frozen, actor=replace(frozen.actor, posture=posture)), "keys") == (
        "access.frozen"
    )
    for name in ("cat", "dan", "eve"):
        assert refused_by(claim_voucher, index, by(index, name), "keys") == "voucher.eligible"
        assert vouchers_of(index, by(index, name)).offers == ()
    machine = Caller(Actor(frozen.actor.account_id, "robo", kind="automation"), NOW)
    assert refused_by(claim_voucher, index, machine, "keys") == "access.machine"
    token = Caller(replace(by(index, "ann").actor, token_id="t"), NOW)
    assert refused_by(claim_voucher, index, token, "keys") == "access.signed-in"
    assert refused_by(claim_voucher, index, Caller(SYSTEM, NOW), "keys") == "access.own"
    assert refused_by(claim_voucher, index, by(index, "ann"), "nothing") == "campaign.exists"
    assert given(index) == []


def test_a_campaign_gives_nothing_before_it_opens_or_after_it_closes_and_what_was_given_stays(index: Index) -> None:
    campaign(index, "AAAA\nBBBB")
    early = replace(by(index, "ann"), now=NOW - timedelta(seconds=1))
    assert refused_by(claim_voucher, index, early, "keys") == "voucher.closed"
    mine = claim_voucher(index, by(index, "ann"), "keys")
    assert acts.close_campaign(index, replace(CONSOLE, now=NOW + DAY), "keys").closes_at == NOW + DAY
    again = acts.close_campaign(index, replace(CONSOLE, now=NOW + 2 * DAY), "keys")
    assert again.closes_at == NOW + DAY
    late = by(index, "bob", NOW + DAY)
    assert refused_by(claim_voucher, index, late, "keys") == "voucher.closed"
    assert refused_by(acts.import_codes, index, late_console(), "keys", "CCCC") == "voucher.closed"
    assert vouchers_of(index, late).offers == ()
    assert vouchers_of(index, by(index, "ann", NOW + DAY)).claims == (mine,)


def late_console() -> Caller:
    return console(NOW + 2 * DAY)


def test_an_expired_code_is_not_given_and_those_that_end_first_go_first(index: Index) -> None:
    campaign(index, "LAST\nSECOND,,2026-02-20\nFIRST,,2026-01-12", Eligible())
    assert claim_voucher(index, by(index, "ann"), "keys").code == "FIRST"
    late = by(index, "bob", NOW + 5 * DAY)
    assert claim_voucher(index, late, "keys").code == "SECOND"
    campaign(index, "OLD,,2026-01-12", Eligible(), name="more")
    assert refused_by(claim_voucher, index, late, "more") == "voucher.left"
    _, numbers = acts.shown(index, console(NOW + 5 * DAY), "more")
    assert (numbers.whole, numbers.whole.left) == (Stock("", 1, 0, 1), 0)


def test_regions_are_chosen_among_those_that_have_codes(index: Index) -> None:
    campaign(index, "EU1,EU\nUS1,US", Eligible())
    assert vouchers_of(index, by(index, "ann")).offers[0].regions == ("EU", "US")
    assert refused_by(claim_voucher, index, by(index, "ann"), "keys") == "voucher.region"
    assert claim_voucher(index, by(index, "ann"), "keys", "EU").region == "EU"
    assert refused_by(claim_voucher, index, by(index, "bob"), "keys", "EU") == "voucher.region"
    assert claim_voucher(index, by(index, "bob"), "keys").code == "US1"
    assert refused_by(claim_voucher, index, by(index, "eve"), "keys") == "voucher.left"


@ON_BOTH
def test_many_at_once_get_different_codes_and_nobody_two(index: Index) -> None:
    campaign(index, "\n".join(f"CODE-{number}" for number in range(4)), Eligible())
    callers = [by(index, name) for name in (*OWNERS, "cat", "dan") for _ in range(3)]

    def ask(caller: Caller) -> Claim | str:
        try:
            return claim_voucher(index, caller, "keys")
        except Refused as refused:
            return refused.decision.rule

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, callers))
    claims = [each for each in answers if isinstance(each, Claim)]
    assert len(claims) == len({each.code for each in claims}) == 4
    assert {each for each in answers if isinstance(each, str)} == {"voucher.once", "voucher.left"}
    assert len({account for _, account in given(index)}) == 4


@ON_BOTH
def test_the_database_itself_gives_nobody_two_of_one_campaign(index: Index) -> None:
    campaign(index, "AAAA\nBBBB", Eligible())
    claim_voucher(index, by(index, "ann"), "keys")
    key = by(index, "ann").actor.account_id
    with pytest.raises(sa.exc.IntegrityError), index.store.write() as connection:
        connection.execute(voucher.update().where(voucher.c.code == "BBBB").values(account_id=key, claimed_at=NOW))


@ON_BOTH
def test_codes_that_are_there_are_counted_and_no_code_is_told_to_operators_or_the_log(index: Index) -> None:
    campaign(index)
    first = acts.import_codes(index, CONSOLE, "keys", "AAAA-SECRET\nBBBB-SECRET\ntwo words\n")
    again = acts.import_codes(index, CONSOLE, "keys", "AAAA-SECRET\nCCCC-SECRET\nCCCC-SECRET\n")
    assert (first.added, first.refused) == (2, {"unfit": 1})
    assert (again.added, again.refused) == (1, {"repeated": 1, "known": 1})
    made = claim_voucher(index, by(index, "ann"), "keys")
    told = repr((acts.listed(index, CONSOLE), acts.shown(index, CONSOLE, "keys"), first, again, made))
    with index.store.read() as connection:
        happened = list(security.recorded(connection, Filter(), limit=1000))
    told += repr(happened)
    assert "SECRET" not in told
    assert {each.event for each in happened} >= {"CampaignMade", "CampaignCodesAdded", "VoucherClaimed"}
    claimed = next(each for each in happened if each.event == "VoucherClaimed")
    assert (claimed.account, claimed.facts) == ("ann", {"campaign": "keys"})


@ON_BOTH
def test_a_campaign_counts_who_could_claim_and_what_is_left(index: Index) -> None:
    campaign(index, "AAAA,EU\nBBBB,EU\nCCCC\nDDDD,,2026-01-12")
    claim_voucher(index, by(index, "ann"), "keys", "EU")
    found, numbers = acts.shown(index, replace(CONSOLE, now=NOW + 3 * DAY), "keys")
    assert found.eligible == KEYS
    assert (numbers.eligible, numbers.stock) == (2, (Stock("", 2, 0, 1), Stock("EU", 2, 1, 0)))
    ((_, whole),) = acts.listed(index, replace(CONSOLE, now=NOW + 3 * DAY))
    assert (whole.all, whole.claimed, whole.expired, whole.left) == (4, 1, 1, 2)


@ON_BOTH
def test_everybody_for_whom_it_is_gets_one_letter_however_often_it_is_announced(index: Index) -> None:
    campaign(index)
    assert refused_by(acts.announce, index, CONSOLE, "keys") == "voucher.left"
    acts.import_codes(index, CONSOLE, "keys", "AAAA\nBBBB\nCCCC")
    assert refused_by(acts.announce, index, console(NOW - DAY), "keys") == "voucher.closed"
    claim_voucher(index, by(index, "ann"), "keys")
    with index.store.write() as connection:
        eve = accounts.account_id(connection, "eve")
        assert eve is not None
        accounts.change(connection, eve, accepts_messages=False)
    first = acts.announce(index, CONSOLE, "keys")
    assert (first.letters, first.before, first.unreachable) == (1, 0, 1)
    again = acts.announce(index, CONSOLE, "keys")
    assert (again.letters, again.before, again.unreachable) == (0, 1, 1)
    with index.store.write() as connection:
        accounts.change(connection, eve, accepts_messages=True)
    assert acts.announce(index, CONSOLE, "keys").letters == 1
    assert letters(index) == ["bob", "eve"]


@pytest.mark.parametrize("office", [None, "moderator", "auditor"])
def test_only_operators_run_campaigns_and_auditors_see_them(index: Index, office: Office | None) -> None:
    campaign(index, "AAAA")
    other = by(index, "dan", office=office)
    times = (NOW, NOW + DAY)
    assert refused_by(acts.make_campaign, index, other, "x", "X", "X", KEYS, *times) == "access.office"
    for act, *more in ((acts.import_codes, "BBBB"), (acts.close_campaign,), (acts.announce,)):
        assert refused_by(act, index, other, "keys", *more) == "access.office"
    if office == "auditor":
        assert acts.shown(index, other, "keys")[1].whole.left == 1
    else:
        assert refused_by(acts.listed, index, other) == refused_by(acts.shown, index, other, "keys") == "access.office"
    operator = by(index, "dan", office="operator")
    assert acts.import_codes(index, operator, "keys", "BBBB").added == 1
    assert refused_by(acts.make_campaign, index, operator, "keys", "X", "X", KEYS, *times) == "campaign.name"
