"""Roles on projects: offered and accepted, given up, proposed to be taken away and objected to; who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.indexes import START, fill, new_index

from affineur.actions.answer_invitation import accept_invitation, refuse_invitation
from affineur.actions.freeze import freeze, thaw
from affineur.actions.grant import set_role
from affineur.actions.invite import invite, withdraw_invitation
from affineur.actions.leave import leave
from affineur.actions.propose_removal import propose_removal, withdraw_proposal
from affineur.actions.settle_removal import consent_to_removal, object_to_removal, remove, settle_removals
from affineur.actions.tokens import create_token
from affineur.core.access import Actor
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.permissions import Office, Role
from affineur.core.security import Caller, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, journal, offers, outbox, projects, security, sponsors, tokens
from affineur.shell.store.schema import outbox as letters

BRIE = NormalizedName("brie")
LATER = START + timedelta(days=1)
FORTNIGHT = timedelta(days=14)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """Three projects; of brie, olga and otto are owners and mia is maintainer."""
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    made = new_index(tmp_path / "data", database=url, registration="open")
    fill(made)
    held: tuple[tuple[str, Role], ...] = (("olga", "owner"), ("otto", "owner"), ("mia", "maintainer"))
    for name, role in held:
        person(made, name)
        set_role(made, console(LATER), BRIE, name, role)
    person(made, "nina")
    with made.store.write() as connection:  # what was told so far is not what is asked below
        connection.execute(letters.delete())
    yield made
    made.close()


def person(index: Index, name: str, *, address: str | None = "") -> int:
    """An account with a verified address (``name@example.org``)."""
    with index.store.write() as connection:
        key = accounts.add_account(connection, name, START)
        if address is not None:
            emails.add(connection, key, address or f"{name}@example.org", START, verified_at=START)
    return key


def as_(index: Index, name: str, at: datetime = LATER, *, office: Office | None = None, late: bool = False) -> Caller:
    """Somebody who is signed in, with a passkey that was touched just now (``late``: without any factor)."""
    with index.store.read() as connection:
        key = accounts.account_id(connection, name)
    if late:
        posture = Posture(required=True, stepped_up=StepUp(at, "password"))
    else:
        posture = Posture(frozenset({"passkey"}), True, None, StepUp(at, "passkey"))
    return Caller(Actor(key, name, office, posture=posture), at)


def roles_on(index: Index, project: NormalizedName = BRIE) -> dict[str, str]:
    with index.store.read() as connection:
        found = projects.find(connection, project)
        assert found is not None
        return {name: role for name, role, _ in grants.roles(connection, found.id)}


def mails(index: Index, template: str) -> set[str]:
    """The addresses that a letter waits for."""
    with index.store.read() as connection:
        found = outbox.mails(connection, unsent_only=True, limit=100)
    return {each.to_address for each in found if each.template == template}


def logged(index: Index) -> list[str]:
    with index.store.read() as connection:
        return [each.event for each in security.recorded(connection, security.Filter())]


def open_proposals(index: Index) -> list[offers.Proposal]:
    with index.store.read() as connection:
        return offers.proposals(connection)


def outcome_of(index: Index, proposal_id: int) -> str | None:
    with index.store.read() as connection:
        found = offers.proposal(connection, proposal_id)
    assert found is not None
    return found.outcome


def refusal(act: object, *arguments: object, **more: object) -> str:
    """The rule by which an act is refused."""
    with pytest.raises(Refused) as caught:
        act(*arguments, **more)  # type: ignore[operator]
    return caught.value.decision.rule


def test_an_invitation_becomes_a_role_when_it_is_accepted_and_everybody_concerned_is_told(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "nina", "maintainer")
    assert "nina" not in roles_on(index)
    assert mails(index, "role-invitation") == {"nina@example.org"}
    accept_invitation(index, as_(index, "nina"), made.id)
    assert roles_on(index)["nina"] == "maintainer"
    assert mails(index, "invitation-answered") == {"olga@example.org"}
    assert mails(index, "role-granted") == {"otto@example.org"}
    with index.store.read() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        nina = next(each for each in grants.holders(connection, found.id) if each.name == "nina")
        entry = list(journal.entries(connection))[-1]
        olga = next(each for each in grants.holders(connection, found.id) if each.name == "olga")
    assert (nina.granted_by, nina.granted_at, nina.last_act_at) == ("olga", LATER, None)
    assert olga.last_act_at == LATER
    assert (entry.event.event, entry.event.new, entry.serial) == ("RoleGranted", {"role": "maintainer"}, found.serial)
    assert "nina" not in repr(entry)
    assert {"RoleOffered", "RoleOfferAnswered", "RoleGranted"} <= set(logged(index))


def test_an_invitation_is_answered_once_and_by_nobody_else(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "nina", "owner")
    assert refusal(accept_invitation, index, as_(index, "mia"), made.id) == "role.no-invitation"
    refuse_invitation(index, as_(index, "nina"), made.id)
    assert refusal(accept_invitation, index, as_(index, "nina"), made.id) == "role.invitation"
    assert "nina" not in roles_on(index)
    assert mails(index, "invitation-answered") == {"olga@example.org"}


def test_an_invitation_lasts_fourteen_days_to_the_minute(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "nina", "owner")
    assert refusal(accept_invitation, index, as_(index, "nina", LATER + FORTNIGHT), made.id) == "role.invitation"
    accept_invitation(index, as_(index, "nina", LATER + FORTNIGHT - MINUTE), made.id)
    assert roles_on(index)["nina"] == "owner"


@pytest.mark.parametrize("how", ["frozen", "demoted"])
def test_an_invitation_is_good_only_while_its_sender_may_invite(index: Index, how: str) -> None:
    """A thief invites an account of their own; the account they took is then frozen."""
    made = invite(index, as_(index, "olga"), BRIE, "nina", "owner").id
    if how == "frozen":
        freeze(index, console(LATER), "olga", "taken over")
    else:
        set_role(index, console(LATER), BRIE, "olga", "maintainer")
    assert refusal(accept_invitation, index, as_(index, "nina"), made) == "role.invitation"
    assert "nina" not in roles_on(index)
    if how == "frozen":
        thaw(index, console(LATER), "olga")
        accept_invitation(index, as_(index, "nina"), made)
        assert roles_on(index)["nina"] == "owner"


def test_taking_a_role_away_takes_a_strong_proof_by_every_way(index: Index) -> None:
    person(index, "opal")
    operator = as_(index, "opal", office="operator")
    phished = Posture(frozenset({"totp"}), True, None, StepUp(LATER, "totp", LATER))
    weak = Caller(Actor(operator.actor.account_id, "opal", "operator", posture=phished), LATER)
    assert refusal(set_role, index, weak, BRIE, "mia", None) == "access.strong"
    assert set_role(index, operator, BRIE, "mia", None)


def test_a_withdrawn_invitation_cannot_be_accepted(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "nina", "owner")
    assert refusal(withdraw_invitation, index, as_(index, "mia"), made.id) == "access.role"
    withdraw_invitation(index, as_(index, "otto"), made.id)
    assert refusal(accept_invitation, index, as_(index, "nina"), made.id) == "role.invitation"


def test_who_may_not_invite_and_who_need_not_be_invited(index: Index) -> None:
    olga = as_(index, "olga")
    assert refusal(invite, index, as_(index, "mia"), BRIE, "nina", "owner") == "access.role"
    assert refusal(invite, index, olga, BRIE, "nobody", "owner") == "account.exists"
    assert refusal(invite, index, olga, BRIE, "not@one@address", "owner") == "role.whom"
    assert refusal(invite, index, olga, BRIE, "otto", "maintainer") == "role.held"
    invite(index, olga, BRIE, "mia", "owner")
    assert refusal(invite, index, olga, BRIE, "mia", "owner") == "role.offered"


def test_a_maintainer_becomes_an_owner_by_accepting(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "mia", "owner")
    accept_invitation(index, as_(index, "mia"), made.id)
    assert roles_on(index)["mia"] == "owner"


def test_the_first_role_takes_a_second_factor_and_the_invitation_waits_for_it(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "nina", "owner")
    assert refusal(accept_invitation, index, as_(index, "nina", late=True), made.id) == "factor.first"
    accept_invitation(index, as_(index, "nina"), made.id)


def test_inviting_an_address_answers_the_same_whether_an_account_has_it_or_not(index: Index) -> None:
    olga = as_(index, "olga")
    known = invite(index, olga, BRIE, "NINA@example.org", "maintainer")
    unknown = invite(index, olga, BRIE, "somebody@example.org", "maintainer")
    assert (known.whom, unknown.whom) == ("NINA@example.org", "somebody@example.org")
    # Mail goes to the address as its holder wrote it.
    assert mails(index, "role-invitation") == {"nina@example.org", "somebody@example.org"}
    assert refusal(invite, index, olga, BRIE, "nina@example.org", "owner") == "role.offered"
    assert refusal(invite, index, olga, BRIE, "somebody@example.org", "owner") == "role.offered"
    with index.store.read() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        listed = offers.open_on(connection, found.id, LATER)
    assert [(each.whom, each.account_id) for each in listed] == [
        ("NINA@example.org", None),
        ("somebody@example.org", None),
    ]


def test_whoever_verifies_the_invited_address_later_can_accept(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "somebody@example.org", "maintainer")
    person(index, "sam", address="Somebody@example.org")
    with index.store.write() as connection:  # an address that is not verified counts for nothing
        thief = accounts.add_account(connection, "thea", START)
        emails.add(connection, thief, "somebody@example.org", START)
    assert refusal(accept_invitation, index, as_(index, "thea"), made.id) == "role.no-invitation"
    accept_invitation(index, as_(index, "sam"), made.id)
    assert roles_on(index)["sam"] == "maintainer"


def test_a_refused_invitation_does_not_tell_who_has_the_address(index: Index) -> None:
    made = invite(index, as_(index, "olga"), BRIE, "nina@example.org", "maintainer")
    refuse_invitation(index, as_(index, "nina"), made.id)
    with index.store.read() as connection:
        told = [each.values for each in outbox.mails(connection, unsent_only=True, limit=9) if "answer" in each.values]
    assert [each["account"] for each in told] == ["nina@example.org"]


def test_where_nobody_may_register_no_mail_goes_to_strangers(index: Index, tmp_path: Path) -> None:
    closed = new_index(tmp_path / "closed", registration="invitation")
    fill(closed)
    person(closed, "olga")
    set_role(closed, console(LATER), BRIE, "olga", "owner")
    invite(closed, as_(closed, "olga"), BRIE, "somebody@example.org", "maintainer")
    assert mails(closed, "role-invitation") == set()
    closed.close()


def test_a_machine_is_invited_as_maintainer_and_a_sponsor_answers_for_it(index: Index) -> None:
    with index.store.write() as connection:
        robot = accounts.add_account(connection, "robot", START, kind="automation")
        for name in ("nina", "mia"):
            sponsors.add(connection, robot, accounts.account_id(connection, name) or 0, START)
    assert refusal(invite, index, as_(index, "olga"), BRIE, "robot", "owner") == "role.machine"
    made = invite(index, as_(index, "olga"), BRIE, "robot", "maintainer")
    assert mails(index, "role-invitation") == {"nina@example.org", "mia@example.org"}
    assert refusal(accept_invitation, index, as_(index, "otto"), made.id) == "role.no-invitation"
    accept_invitation(index, as_(index, "nina"), made.id)
    assert roles_on(index) == {"olga": "owner", "otto": "owner", "mia": "maintainer", "robot": "maintainer"}
    # It is not asked for an objection, and its sponsors are told.
    assert propose_removal(index, as_(index, "olga"), BRIE, "robot", "done") is None
    assert "robot" not in roles_on(index)
    assert {"nina@example.org", "mia@example.org"} <= mails(index, "role-removed")


def test_leaving_ends_the_role_and_the_tokens_that_were_for_this_project_only(index: Index) -> None:
    narrow = create_token(index, console(LATER), "otto", projects=(BRIE,))
    wide = create_token(index, console(LATER), "otto", projects=(BRIE, NormalizedName("comte")))
    sent = invite(index, as_(index, "otto"), BRIE, "nina", "owner")
    leave(index, as_(index, "otto"), BRIE)
    assert "otto" not in roles_on(index)
    with index.store.read() as connection:
        one, other = tokens.find(connection, narrow.id), tokens.find(connection, wide.id)
        last = list(journal.entries(connection))[-1]
    assert one is not None and other is not None
    assert (one.state(LATER), other.state(LATER)) == ("revoked", "valid")
    assert (last.event.event, last.event.old, last.event.rule) == ("RoleRevoked", {"role": "owner"}, "role.left")
    assert "otto" not in repr(last)
    assert mails(index, "left-project") == {"olga@example.org", "otto@example.org"}
    assert refusal(accept_invitation, index, as_(index, "nina"), sent.id) == "role.invitation"
    assert {"RoleLeft", "TokenRevoked"} <= set(logged(index))


def test_the_only_owner_cannot_leave_and_is_told_the_ways_out(index: Index) -> None:
    leave(index, as_(index, "otto"), BRIE)
    with pytest.raises(Refused) as caught:
        leave(index, as_(index, "olga"), BRIE)
    decision = caught.value.decision
    assert decision.rule == "role.last-owner"
    assert any("maintainers" in way for way in decision.ways_out)
    made = invite(index, as_(index, "olga"), BRIE, "mia", "owner")
    accept_invitation(index, as_(index, "mia"), made.id)
    leave(index, as_(index, "olga"), BRIE)
    assert roles_on(index) == {"mia": "owner"}


def test_leaving_takes_a_strong_and_fresh_proof(index: Index) -> None:
    olga = as_(index, "olga")
    stale = Caller(olga.actor, LATER + timedelta(minutes=6))
    assert refusal(leave, index, stale, BRIE) == "access.step-up"
    code = Posture(frozenset({"totp"}), True, None, StepUp(LATER, "totp", LATER))
    assert refusal(leave, index, Caller(Actor(olga.actor.account_id, "olga", posture=code), LATER), BRIE) == (
        "access.strong"
    )


def test_a_proposal_is_told_to_every_address_of_who_is_concerned_and_silence_means_yes(index: Index) -> None:
    with index.store.write() as connection:
        otto = accounts.account_id(connection, "otto") or 0
        emails.add(connection, otto, "otto@example.net", START, verified_at=START)
    made = propose_removal(index, as_(index, "olga"), BRIE, "otto", "Has not been here for years.")
    assert made is not None
    assert mails(index, "removal-proposed") == {"otto@example.org", "otto@example.net"}
    assert settle_removals(index, LATER + FORTNIGHT - MINUTE) == 0
    assert roles_on(index)["otto"] == "owner"
    assert settle_removals(index, LATER + FORTNIGHT) == 1
    assert "otto" not in roles_on(index)
    assert outcome_of(index, made) == "removed"
    assert settle_removals(index, LATER + FORTNIGHT) == 0
    assert mails(index, "removal-done") == {"olga@example.org", "otto@example.org", "otto@example.net"}
    assert {"RemovalProposed", "RemovalSettled", "RoleRemoved"} <= set(logged(index))


def test_an_objection_in_time_ends_the_proposal_and_the_role_stays(index: Index) -> None:
    made = propose_removal(index, as_(index, "olga"), BRIE, "mia", "Unsure.")
    assert made is not None
    in_time = LATER + FORTNIGHT - MINUTE
    assert refusal(object_to_removal, index, as_(index, "otto", in_time), made, "no") == "removal.exists"
    assert refusal(object_to_removal, index, as_(index, "mia", in_time), made, " ") == "message.text"
    object_to_removal(index, as_(index, "mia", in_time), made, "I release 2.0 next week.")
    assert outcome_of(index, made) == "objected"
    assert settle_removals(index, LATER + FORTNIGHT) == 0
    assert roles_on(index)["mia"] == "maintainer"
    assert mails(index, "removal-objected") == {"olga@example.org", "otto@example.org"}


def test_an_objection_is_too_late_after_fourteen_days_whether_or_not_the_chore_has_run(index: Index) -> None:
    made = propose_removal(index, as_(index, "olga"), BRIE, "mia", "Unsure.")
    late = as_(index, "mia", LATER + FORTNIGHT)
    assert refusal(object_to_removal, index, late, made, "No!") == "removal.settled"


def test_consent_removes_at_once(index: Index) -> None:
    made = propose_removal(index, as_(index, "olga"), BRIE, "mia", "As we said.")
    assert made is not None
    consent_to_removal(index, as_(index, "mia"), made)
    assert "mia" not in roles_on(index)
    assert outcome_of(index, made) == "consented"
    assert "RoleLeft" in logged(index)


def test_only_who_proposed_withdraws_and_leaving_withdraws_too(index: Index) -> None:
    made = propose_removal(index, as_(index, "olga"), BRIE, "mia", "Unsure.")
    assert made is not None
    assert refusal(withdraw_proposal, index, as_(index, "otto"), made) == "removal.proposer"
    withdraw_proposal(index, as_(index, "olga"), made)
    assert outcome_of(index, made) == "withdrawn"
    again = propose_removal(index, as_(index, "olga"), BRIE, "mia", "Unsure.")
    assert again is not None
    leave(index, as_(index, "olga"), BRIE)
    assert outcome_of(index, again) == "withdrawn"
    assert open_proposals(index) == []


def test_what_cannot_be_proposed(index: Index) -> None:
    olga = as_(index, "olga")
    assert refusal(propose_removal, index, as_(index, "mia"), BRIE, "olga", "x") == "access.role"
    assert refusal(propose_removal, index, olga, BRIE, "olga", "x") == "removal.self"
    assert refusal(propose_removal, index, olga, BRIE, "nina", "x") == "removal.role"
    assert refusal(propose_removal, index, olga, BRIE, "nobody", "x") == "removal.role"
    assert refusal(propose_removal, index, olga, BRIE, "mia", "") == "message.text"
    propose_removal(index, olga, BRIE, "mia", "x")
    assert refusal(propose_removal, index, as_(index, "otto"), BRIE, "mia", "x") == "removal.open"
    leave(index, as_(index, "otto"), BRIE)
    assert refusal(propose_removal, index, console(LATER), BRIE, "olga", "x") == "role.last-owner"


def test_two_owners_who_propose_each_other_do_not_leave_the_project_without_one(index: Index) -> None:
    propose_removal(index, as_(index, "olga"), BRIE, "otto", "x")
    propose_removal(index, as_(index, "otto"), BRIE, "olga", "y")
    assert settle_removals(index, LATER + FORTNIGHT) == 1
    assert [role for role in roles_on(index).values() if role == "owner"] == ["owner"]


def test_who_has_become_the_only_owner_meanwhile_stays(index: Index) -> None:
    made = propose_removal(index, console(LATER), BRIE, "otto", "x")
    assert made is not None
    leave(index, as_(index, "olga"), BRIE)
    settle_removals(index, LATER + FORTNIGHT)
    assert roles_on(index)["otto"] == "owner"
    assert outcome_of(index, made) == "withdrawn"


def test_the_silence_of_somebody_who_is_frozen_says_nothing(index: Index) -> None:
    propose_removal(index, as_(index, "olga"), BRIE, "otto", "x")
    with index.store.write() as connection:
        accounts.change(connection, accounts.account_id(connection, "otto") or 0, frozen_at=LATER)
    assert settle_removals(index, LATER + FORTNIGHT) == 0
    assert roles_on(index)["otto"] == "owner"


def test_whoever_was_frozen_has_the_time_to_object_that_they_lost(index: Index) -> None:
    made = propose_removal(index, as_(index, "olga"), BRIE, "otto", "x")
    assert made is not None
    freeze(index, console(LATER + MINUTE), "otto", "taken over")
    thawed = LATER + 2 * FORTNIGHT
    thaw(index, console(thawed), "otto")
    assert settle_removals(index, thawed) == 0
    last = thawed + FORTNIGHT - MINUTE
    assert settle_removals(index, last - MINUTE) == 0
    object_to_removal(index, as_(index, "otto", last - MINUTE), made, "No.")
    assert roles_on(index)["otto"] == "owner"


@pytest.mark.parametrize("how", ["frozen", "demoted"])
def test_a_proposal_comes_to_nothing_where_its_maker_may_not_propose_any_more(index: Index, how: str) -> None:
    set_role(index, console(LATER), BRIE, "nina", "owner")  # so that it is not for being the only one left
    made = propose_removal(index, as_(index, "olga"), BRIE, "otto", "x")
    assert made is not None
    if how == "frozen":
        freeze(index, console(LATER), "olga", "taken over")
    else:
        set_role(index, console(LATER), BRIE, "olga", "maintainer")
    settle_removals(index, LATER + FORTNIGHT)
    assert roles_on(index)["otto"] == "owner"
    assert outcome_of(index, made) == "withdrawn"


def test_a_moderator_decides_at_once_and_the_person_is_told(index: Index) -> None:
    made = propose_removal(index, as_(index, "olga"), BRIE, "otto", "x")
    assert made is not None
    assert refusal(remove, index, as_(index, "olga"), BRIE, "otto") == "access.office"
    person(index, "mo")
    remove(index, as_(index, "mo", office="moderator"), BRIE, "otto")
    assert "otto" not in roles_on(index)
    assert outcome_of(index, made) == "moderator"
    assert mails(index, "role-removed") == {"otto@example.org", "olga@example.org", "mia@example.org"}
    assert refusal(remove, index, as_(index, "mo", office="moderator"), BRIE, "olga") == "role.last-owner"


def test_what_an_account_began_does_not_go_on_without_it(index: Index) -> None:
    sent = invite(index, as_(index, "olga"), BRIE, "nina", "owner")
    made = propose_removal(index, as_(index, "olga"), BRIE, "mia", "x")
    other = propose_removal(index, as_(index, "otto"), BRIE, "olga", "y")
    assert made is not None and other is not None
    with index.store.write() as connection:
        offers.withdraw_all_of(connection, accounts.account_id(connection, "olga") or 0, LATER)
    assert refusal(accept_invitation, index, as_(index, "nina"), sent.id) == "role.invitation"
    assert (outcome_of(index, made), outcome_of(index, other)) == ("withdrawn", None)
