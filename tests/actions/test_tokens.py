"""Making, confirming, revoking and losing tokens: what each writes, whom it tells, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.indexes import START, new_index, publish

from affineur.actions import minting
from affineur.actions.disclose import revoke_disclosed
from affineur.actions.grant import set_role
from affineur.actions.tokens import Created, confirm_token, create_token, revoke_token
from affineur.core.access import Actor, Resource, may
from affineur.core.decision import Decision, Refused
from affineur.core.names import NormalizedName
from affineur.core.people import caveats, macaroons
from affineur.core.people.caveats import ALL_ACTIONS
from affineur.core.people.disclosure import Finding
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.people.tokens import MOST_TOKENS
from affineur.core.security import Caller, Origin, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, outbox, projects, security, tokens
from affineur.shell.store.schema import account, factor, project_publisher, publisher, sponsor
from affineur.shell.store.tokens import TokenRow

NOW = START + timedelta(days=1)
BRIE = NormalizedName("brie")
HERE = Origin("192.0.2.0", "a test")


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = new_index(tmp_path / "data", database=database)
    yield opened
    opened.close()


def person(index: Index, name: str = "olga") -> Caller:
    """Somebody with a passkey and a verified address, signed in, who has just confirmed."""
    with index.store.write() as connection:
        key = accounts.add_account(connection, name, START)
        emails.add(connection, key, f"{name}@example.org", START, verified_at=START)
    posture = Posture(frozenset({"passkey"}), required=True, stepped_up=StepUp(NOW, "passkey"))
    return Caller(Actor(key, name, posture=posture), NOW, HERE)


def with_token(index: Index, made: Created, later: timedelta = timedelta(0)) -> Caller:
    """Whoever comes with a token."""
    with index.store.read() as connection:
        actor = tokens.actor_of(connection, made.secret, NOW + later, factor_required=True)
    assert isinstance(actor, Actor), actor
    return Caller(actor, NOW + later, HERE)


def rule_of(index: Index, secret: str) -> str:
    """Why a token is refused; empty where it is not."""
    with index.store.read() as connection:
        found = tokens.actor_of(connection, secret, NOW, factor_required=True)
    return found.rule if isinstance(found, Decision) else ""


def events(index: Index) -> list[tuple[str, str | None, str | None]]:
    with index.store.read() as connection:
        return [(e.event, e.account, e.project) for e in security.recorded(connection, security.Filter())][::-1]


def mails(index: Index) -> list[outbox.OutboxRow]:
    with index.store.read() as connection:
        return outbox.mails(connection, unsent_only=False, limit=50)[::-1]


def row(index: Index, key: str) -> TokenRow:
    with index.store.read() as connection:
        found = tokens.find(connection, key)
    assert found is not None
    return found


def refused(rule: str) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.decision.rule == rule)


def test_a_new_token_is_in_the_log_and_its_owner_hears_of_it(index: Index) -> None:
    made = create_token(index, person(index), "olga", label="my\nlaptop", actions=["upload", "read"], projects=[BRIE])
    assert events(index)[-1] == ("TokenCreated", "olga", None)
    (mail,) = mails(index)
    assert (mail.to_address, mail.template) == ("olga@example.org", "token-created")
    assert (mail.values["label"], mail.values["scope"]) == ("my laptop", "upload and read, for brie")
    assert made.secret not in repr(mails(index)) + repr(events(index))
    assert made.expires_at == NOW + timedelta(days=365)


def test_one_makes_tokens_of_ones_own_account_only(index: Index) -> None:
    olga = person(index)
    person(index, "bruno")
    with pytest.raises(Refused, match="Only its holder"):
        create_token(index, olga, "bruno")
    with refused("account.exists"):
        create_token(index, olga, "nobody-yet")


def test_making_one_takes_a_fresh_proof(index: Index) -> None:
    olga = person(index)
    stale = replace(olga, now=NOW + timedelta(minutes=5, seconds=1))
    with refused("access.step-up"):
        create_token(index, stale, "olga")


@pytest.mark.parametrize(
    ("seconds", "rule"),
    [(0, "token.expiry"), (-1, "token.expiry"), (365 * 86400 + 1, "token.longest"), (365 * 86400, ""), (1, "")],
)
def test_a_token_ends_within_what_the_index_allows(index: Index, seconds: int, rule: str) -> None:
    ends = NOW + timedelta(seconds=seconds)
    if rule:
        with refused(rule):
            create_token(index, person(index), "olga", expires_at=ends)
    else:
        assert create_token(index, person(index), "olga", expires_at=ends).expires_at == ends


def test_a_token_makes_none_that_may_do_more_or_lives_longer(index: Index) -> None:
    olga = person(index)
    ends = NOW + timedelta(days=10)
    first = create_token(index, olga, "olga", actions=["manage", "upload"], expires_at=ends)
    confirm_token(index, olga, first.id)
    holder = with_token(index, first)
    with refused("token.wider"):
        create_token(index, holder, "olga", actions=["upload", "yank"])
    with refused("token.longest"):
        create_token(index, holder, "olga", actions=["upload"], expires_at=ends + timedelta(seconds=1))
    second = create_token(index, holder, "olga", actions=["upload"])
    assert second.expires_at is not None and second.expires_at <= ends
    soon = macaroons.narrow(macaroons.read(first.secret), caveats.expiry(NOW + timedelta(hours=1), NOW))
    narrowed = with_token(index, replace(first, secret=macaroons.write(soon)))
    third = create_token(index, narrowed, "olga", actions=["upload"])
    assert third.expires_at is not None and third.expires_at <= NOW + timedelta(hours=1)


def test_a_token_for_certain_projects_makes_none_at_all(index: Index) -> None:
    olga = person(index)
    first = create_token(index, olga, "olga", projects=[BRIE])
    confirm_token(index, olga, first.id)
    with refused("access.token"):
        create_token(index, with_token(index, first), "olga", projects=[BRIE])


def test_an_account_has_so_many_tokens_and_no_more(index: Index) -> None:
    olga = person(index)
    with index.store.write() as connection:
        for _ in range(MOST_TOKENS - 1):
            minting.account_token(connection, olga.actor.account_id or 0, "", NOW, actions=["read"])
        old = minting.account_token(connection, olga.actor.account_id or 0, "", NOW, actions=["read"], expires_at=NOW)
    assert row(index, old.id).state(NOW) == "expired"
    last = create_token(index, olga, "olga")
    with refused("token.count"):
        create_token(index, olga, "olga")
    revoke_token(index, olga, last.id)
    create_token(index, olga, "olga")


@pytest.mark.parametrize("label", ["x" * 101, "ü" * 101])
def test_a_name_that_is_too_long_is_refused(index: Index, label: str) -> None:
    with refused("token.label"):
        create_token(index, person(index), "olga", label=label)


def test_a_token_for_nothing_is_refused(index: Index) -> None:
    with refused("token.actions"):
        create_token(index, person(index), "olga", actions=[])


# -- confirming


def test_a_confirmed_token_may_do_for_five_minutes_what_takes_a_fresh_proof(index: Index) -> None:
    olga = person(index)
    made = create_token(index, olga, "olga")
    account_of_olga = Resource(account_id=olga.actor.account_id)
    before = with_token(index, made)
    assert may(before.actor, "create-token", account_of_olga, NOW).rule == "access.step-up"
    assert confirm_token(index, olga, made.id) == NOW + timedelta(minutes=5)
    for later, allowed in ((timedelta(minutes=5), True), (timedelta(minutes=5, seconds=1), False)):
        caller = with_token(index, made, later)
        assert may(caller.actor, "create-token", account_of_olga, caller.now).allowed == allowed
    assert events(index)[-1][0] == "TokenConfirmed"


def test_a_confirmation_is_as_old_as_the_proof_behind_it(index: Index) -> None:
    olga = person(index)
    made = create_token(index, olga, "olga")
    later = replace(olga, now=NOW + timedelta(minutes=4))
    assert confirm_token(index, later, made.id) == NOW + timedelta(minutes=5)
    with refused("access.step-up"):
        confirm_token(index, replace(olga, now=NOW + timedelta(minutes=6)), made.id)


def test_a_token_cannot_confirm_itself_nor_is_one_of_others_confirmed(index: Index) -> None:
    olga, bruno = person(index), person(index, "bruno")
    made = create_token(index, olga, "olga")
    confirm_token(index, olga, made.id)
    with refused("access.signed-in"):
        confirm_token(index, with_token(index, made), made.id)
    with refused("token.exists"):
        confirm_token(index, bruno, made.id)


def test_a_code_from_an_app_confirms_but_never_strongly(index: Index) -> None:
    """A code may have been phished; on a page a device that is known speaks for it, and a token has none."""
    olga = person(index)
    by_code = StepUp(NOW, "totp", NOW - timedelta(days=30))
    coded = replace(olga, actor=replace(olga.actor, posture=Posture(frozenset({"totp"}), True, None, by_code)))
    made = create_token(index, coded, "olga")
    with index.store.write() as connection:
        row_of_app = {"account_id": olga.actor.account_id, "kind": "totp", "label": "app", "created_at": START}
        connection.execute(factor.insert().values(**row_of_app))
    confirm_token(index, coded, made.id)
    holder = with_token(index, made)
    assert may(holder.actor, "create-token", Resource(account_id=holder.actor.account_id), NOW).allowed
    strong = may(holder.actor, "unarchive", Resource(BRIE, role="owner"), NOW)
    assert not strong.allowed


# -- revoking


def test_others_cannot_revoke_a_token_nor_learn_that_there_is_one(index: Index) -> None:
    olga, bruno = person(index), person(index, "bruno")
    made = create_token(index, olga, "olga")
    for key in (made.id, made.id[:8], "00000000"):
        with refused("token.exists"):
            revoke_token(index, bruno, key)
    assert rule_of(index, made.secret) == ""
    assert revoke_token(index, replace(olga, now=NOW + timedelta(days=1)), made.id[:8]) == made.id, "takes no proof"
    assert rule_of(index, made.secret) == "token.revoked"
    assert events(index)[-1] == ("TokenRevoked", "olga", None)


# -- found in public


def test_a_token_found_in_public_is_revoked_and_its_owner_told_where(index: Index) -> None:
    made = create_token(index, person(index), "olga", label="laptop")
    place = "https://example.org/code/.pypirc"
    assert revoke_disclosed(index, console(NOW), "scanner.example.org", [Finding(made.secret, place)]) == 1
    assert rule_of(index, made.secret) == "token.revoked"
    assert events(index)[-1] == ("TokenDisclosed", "olga", None)
    mail = mails(index)[-1]
    assert (mail.to_address, mail.template) == ("olga@example.org", "token-disclosed")
    assert (mail.values["found_in"], mail.values["reported_by"]) == (place, "scanner.example.org")
    assert "scanner.example.org" in (row(index, made.id).revoked_because or "")
    assert revoke_disclosed(index, console(NOW), "scanner.example.org", [Finding(made.secret, place)]) == 0
    assert len(mails(index)) == 2, "it is told once"


def test_a_narrowed_copy_gives_the_whole_token_away(index: Index) -> None:
    made = create_token(index, person(index), "olga")
    copy = macaroons.write(macaroons.narrow(macaroons.read(made.secret), caveats.for_projects([BRIE])))
    assert revoke_disclosed(index, console(NOW), "scanner", [Finding(copy, "x")]) == 1
    assert rule_of(index, made.secret) == "token.revoked"


def test_what_only_looks_like_a_token_revokes_nothing(index: Index) -> None:
    made = create_token(index, person(index), "olga")
    sound = macaroons.read(made.secret)
    forged = macaroons.write(replace(sound, signature=bytes(32)))
    foreign = macaroons.write(macaroons.mint(b"another key", "affineur", sound.identifier, sound.caveats))
    findings = [Finding(text, "x") for text in (forged, foreign, made.id, made.secret[:-4], "pypi-", "")]
    assert revoke_disclosed(index, console(NOW), "scanner", findings) == 0
    assert rule_of(index, made.secret) == ""


def test_those_who_answer_for_a_machine_hear_of_its_lost_token(index: Index) -> None:
    olga = person(index)
    with index.store.write() as connection:
        machine = accounts.add_account(connection, "robot", START, kind="automation")
        connection.execute(sponsor.insert().values(machine_id=machine, account_id=olga.actor.account_id, since=START))
        made = minting.account_token(connection, machine, "nightly", NOW, actions=["upload"])
    assert revoke_disclosed(index, console(NOW), "scanner", [Finding(made.secret, "x")]) == 1
    (mail,) = mails(index)
    assert (mail.to_address, mail.values["label"]) == ("olga@example.org", "nightly of robot")
    assert events(index)[-1] == ("TokenDisclosed", "robot", None)


def test_owners_hear_of_a_lost_token_of_their_trusted_publisher(index: Index) -> None:
    person(index)
    publish(index, "brie")
    set_role(index, console(NOW), BRIE, "olga", "owner")
    before = len(mails(index))
    with index.store.write() as connection:
        connection.execute(publisher.insert().values(
            id="p", kind="github", issuer="https://issuer.example.org", fields="{}", fingerprint="f", home="h",
            created_at=START,
        ))  # fmt: skip
        found = projects.find(connection, BRIE)
        assert found is not None
        connection.execute(
            project_publisher.insert().values(publisher_id="p", project_id=found.id, added_at=START, pins="{}")
        )
        made = minting.publisher_token(connection, "p", [found.id], NOW, NOW + timedelta(minutes=15))
    assert revoke_disclosed(index, console(NOW), "scanner", [Finding(made.secret, "x")]) == 1
    mail = mails(index)[before]
    assert (mail.to_address, mail.values["label"]) == ("olga@example.org", "trusted publishing of brie")
    assert events(index)[-1] == ("TokenDisclosed", None, "brie")
    assert rule_of(index, made.secret) == "token.revoked"


def test_a_deleted_accounts_token_is_refused(index: Index) -> None:
    olga = person(index)
    made = create_token(index, olga, "olga", actions=sorted(ALL_ACTIONS))
    with index.store.write() as connection:
        connection.execute(account.update().values(deleted_at=NOW))
    assert rule_of(index, made.secret) == "token.revoked"
