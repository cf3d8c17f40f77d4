"""Second factors, confirming, recovery and the ladder as acts: what they write, on both databases."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from tests.indexes import new_index, publish
from tests.shell.soft_authenticator import SoftAuthenticator

from affineur.actions import confirm, recover, second_stage
from affineur.actions import factors as acts
from affineur.actions.calling_off import OPEN
from affineur.actions.delete_account import delete_account
from affineur.actions.ladder import notice_ladder
from affineur.core.access import Resource, may
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.people.recovery import KEPT_OPEN
from affineur.core.people.second_factor import REMOVAL_WAITS, StepUp
from affineur.core.permissions import Action
from affineur.core.security import Caller, console
from affineur.shell.bearer import digest_of
from affineur.shell.index import Index
from affineur.shell.store import (
    accounts,
    emails,
    factors,
    grants,
    outbox,
    projects,
    recoveries,
    schema,
    security,
    sessions,
    tickets,
)
from affineur.shell.store.sessions import SessionRow, Stage

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
PLACE = "http://localhost:8000"


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = new_index(tmp_path / "data", database=database, base_url=f"{PLACE}/")
    yield made
    made.close()


def person(index: Index, name: str = "ann", *, password_at: datetime = NOW - 100 * DAY, mails: int = 2) -> int:
    with index.store.write() as connection:
        key = accounts.add_account(connection, name, NOW - 100 * DAY)
        accounts.change(connection, key, password_hash="none", password_changed_at=password_at)
        for number in range(mails):
            emails.add(connection, key, f"{name}{number}@example.org", NOW, verified_at=NOW)
    return key


def session_of(index: Index, account: int, at: datetime = NOW, stage: Stage = "whole") -> SessionRow:
    row = SessionRow(
        digest_of(secrets.token_hex()), account, stage, "password", at, at, at + 30 * DAY, "", "a test", "dev", None,
        None,
    )  # fmt: skip
    with index.store.write() as connection:
        sessions.add(connection, row, StepUp(at, "password") if stage == "whole" else None)
    return row


def by(index: Index, account: int, at: datetime = NOW, proof: StepUp | None = None) -> Caller:
    """Somebody who has just proven that it is them (with a passkey, unless told)."""
    with index.store.read() as connection:
        actor = accounts.actor_by_id(connection, account, factor_required=index.settings.second_factor_required)
    assert actor is not None
    given = proof or StepUp(at, "passkey")
    return Caller(replace(actor, posture=replace(actor.posture, stepped_up=given)), at)


def add_app(index: Index, account: int, at: datetime = NOW) -> tuple[pyotp.TOTP, acts.Added]:
    session = session_of(index, account, at)
    app = pyotp.TOTP(acts.totp_enrolment(index, by(index, account, at), session.id).secret)
    return app, acts.add_totp(index, by(index, account, at), session.id, app.at(at))


def add_key(index: Index, account: int, at: datetime = NOW, label: str = "") -> tuple[SoftAuthenticator, acts.Added]:
    session = session_of(index, account, at)
    acts.begin_passkey(index, by(index, account, at), session.id)
    key = SoftAuthenticator(PLACE, "localhost")
    answer = key.register(challenge_of(index, session))
    return key, acts.add_passkey(index, by(index, account, at), session.id, answer, label)


def challenge_of(index: Index, session: SessionRow) -> bytes:
    with index.store.read() as connection:
        found = connection.scalar(sa.select(schema.session.c.challenge).where(schema.session.c.id == session.id))
    assert found is not None
    return bytes(found)


def happened(index: Index, account: int) -> list[str]:
    with index.store.read() as connection:
        return [each.event for each in security.recorded(connection, security.Filter(account_id=account))][::-1]


def letters(index: Index, template: str) -> list[str]:
    with index.store.read() as connection:
        rows = outbox.mails(connection, unsent_only=True, limit=1000)
    return [row.to_address for row in rows if row.template == template]


def refusal(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.decision.rule


# --- adding and giving


def test_the_first_factor_brings_codes_and_every_address_is_told(index: Index) -> None:
    ann = person(index)
    _, first = add_app(index, ann)
    assert first.codes is not None and len(set(first.codes)) == 10
    _, second = add_key(index, ann)
    assert second.codes is None
    assert sorted(letters(index, "factor-added")) == 2 * ["ann0@example.org"] + 2 * ["ann1@example.org"]
    assert happened(index, ann) == ["FactorAdded", "RecoveryCodesMade", "FactorAdded"]


def test_nothing_is_added_without_a_fresh_proof(index: Index) -> None:
    ann = person(index)
    session = session_of(index, ann)
    stale = by(index, ann, proof=StepUp(NOW - 5 * MINUTE - SECOND, "password"))
    for act in (acts.begin_passkey, acts.totp_enrolment):
        with pytest.raises(Refused) as error:
            act(index, stale, session.id)
        assert refusal(error) == "access.step-up"


def test_an_answer_to_a_challenge_is_taken_once(index: Index) -> None:
    ann = person(index)
    key, _ = add_key(index, ann)
    session = session_of(index, ann)
    second_stage.passkey_options(index, by(index, ann), session)
    answer = key.assert_presence(challenge_of(index, session))
    assert confirm.with_passkey(index, by(index, ann), session, answer) == "passkey"
    with pytest.raises(Refused) as error:
        confirm.with_passkey(index, by(index, ann), session, answer)
    assert refusal(error) == "factor.challenge"
    second_stage.passkey_options(index, by(index, ann), session)
    with pytest.raises(Refused) as error:  # the old answer, for another challenge
        confirm.with_passkey(index, by(index, ann), session, answer)
    assert refusal(error) == "factor.assertion"
    assert happened(index, ann)[-3:] == ["SteppedUp", "StepUpRefused", "StepUpRefused"]


def test_a_challenge_is_good_for_ten_minutes(index: Index) -> None:
    ann = person(index)
    key, _ = add_key(index, ann)
    for after, rule in ((10 * MINUTE - SECOND, None), (10 * MINUTE + SECOND, "factor.challenge")):
        session = session_of(index, ann)
        second_stage.passkey_options(index, by(index, ann), session)
        answer, late = key.assert_presence(challenge_of(index, session)), by(index, ann, NOW + after)
        if rule is None:
            confirm.with_passkey(index, late, session, answer)
        else:
            with pytest.raises(Refused) as error:
                confirm.with_passkey(index, late, session, answer)
            assert refusal(error) == rule


def test_a_copied_key_is_suspended_even_though_the_act_is_refused(index: Index) -> None:
    ann = person(index)
    key, _ = add_key(index, ann)
    waiting = session_of(index, ann, stage="factor")
    second_stage.passkey_options(index, by(index, ann), waiting)
    key.counter = 7
    second_stage.finish_with_passkey(index, by(index, ann), waiting, key.assert_presence(challenge_of(index, waiting)))
    again = session_of(index, ann, stage="factor")
    second_stage.passkey_options(index, by(index, ann), again)
    key.counter = 3
    with pytest.raises(Refused) as error:
        second_stage.finish_with_passkey(index, by(index, ann), again, key.assert_presence(challenge_of(index, again)))
    assert refusal(error) == "factor.cloned"
    assert happened(index, ann)[-2:] == ["FactorSuspended", "SignInRefused"]
    assert len(letters(index, "factor-suspended")) == 2
    with index.store.read() as connection:
        assert factors.is_guarded(connection, ann), "the password alone still does not open the account"
    with pytest.raises(Refused) as error:
        confirm.may_try_password(index, by(index, ann), session_of(index, ann))
    assert refusal(error) == "confirm.factor"


def test_a_code_is_taken_once_whoever_comes_second(index: Index) -> None:
    ann = person(index)
    app, _ = add_app(index, ann)
    later = NOW + MINUTE
    assert confirm.with_code(index, by(index, ann, later), session_of(index, ann), app.at(later)) == "totp"
    with pytest.raises(Refused) as error:
        waiting = session_of(index, ann, later, "factor")
        second_stage.finish_with_code(index, by(index, ann, later), waiting, app.at(later))
    assert refusal(error) == "factor.code"


def test_five_wrong_codes_close_the_door_for_right_ones_and_not_for_passkeys(index: Index) -> None:
    ann = person(index)
    app, _ = add_app(index, ann)
    key, _ = add_key(index, ann)
    later = NOW + MINUTE
    session = session_of(index, ann, later)
    for _ in range(5):
        with pytest.raises(Refused) as error:
            confirm.with_code(index, by(index, ann, later), session, "000000")
        assert refusal(error) == "factor.code"
    with pytest.raises(Refused) as error:
        confirm.with_code(index, by(index, ann, later), session, app.at(later))
    assert refusal(error) == "throttle.second-factor"
    second_stage.passkey_options(index, by(index, ann, later), session)
    confirm.with_passkey(index, by(index, ann, later), session, key.assert_presence(challenge_of(index, session)))
    after = later + 5 * MINUTE
    assert confirm.with_code(index, by(index, ann, after), session, app.at(after)) == "totp"


def test_a_passkey_added_with_a_phished_code_is_no_better_than_the_code_for_a_day(index: Index) -> None:
    ann = person(index)
    add_app(index, ann)
    key, _ = add_key(index, ann, NOW + MINUTE)
    for after, proof in ((DAY - SECOND, "totp"), (DAY, "passkey")):
        at = NOW + MINUTE + after
        session = session_of(index, ann, at)
        second_stage.passkey_options(index, by(index, ann, at), session)
        answer = key.assert_presence(challenge_of(index, session))
        assert confirm.with_passkey(index, by(index, ann, at), session, answer) == proof


# --- removing


def test_removing_the_only_factor_waits_72_hours_is_told_and_can_be_cancelled(index: Index) -> None:
    ann = person(index)
    _, added = add_app(index, ann)
    assert acts.remove_factor(index, by(index, ann), added.id) == NOW + REMOVAL_WAITS
    assert acts.remove_factor(index, by(index, ann, NOW + DAY), added.id) == NOW + REMOVAL_WAITS, "asked twice"
    assert len(letters(index, "factor-removal-scheduled")) == 2
    assert acts.remove_due(index, NOW + REMOVAL_WAITS - SECOND) == 0
    acts.keep_factor(index, by(index, ann), added.id)
    assert acts.remove_due(index, NOW + REMOVAL_WAITS) == 0
    acts.remove_factor(index, by(index, ann), added.id)
    assert acts.remove_due(index, NOW + REMOVAL_WAITS) == 1
    assert acts.remove_due(index, NOW + REMOVAL_WAITS) == 0
    with index.store.read() as connection:
        assert not factors.is_guarded(connection, ann)
        assert factors.codes_left(connection, ann) == 0
    assert happened(index, ann)[-4:] == [
        "FactorRemovalScheduled", "FactorRemovalCancelled", "FactorRemovalScheduled", "FactorRemoved",
    ]  # fmt: skip


def test_a_factor_goes_at_once_only_where_an_older_one_as_strong_stays(index: Index) -> None:
    ann = person(index)
    _, old = add_key(index, ann, label="old")
    _, new = add_key(index, ann, NOW + MINUTE, label="new")
    soon, later = NOW + 2 * MINUTE, NOW + MINUTE + REMOVAL_WAITS
    assert acts.remove_factor(index, by(index, ann, soon), old.id) is not None, "the new one may be a thief's"
    acts.keep_factor(index, by(index, ann, soon), old.id)
    assert acts.remove_factor(index, by(index, ann, later), old.id) is None
    assert acts.remove_factor(index, by(index, ann, later), new.id) is not None


def test_one_that_is_leaving_does_not_count_as_staying(index: Index) -> None:
    ann = person(index)
    _, first = add_key(index, ann, label="first")
    _, second = add_key(index, ann, label="second")
    later = NOW + REMOVAL_WAITS
    with index.store.write() as connection:
        factors.schedule_removal(connection, first.id, later + DAY)
    assert acts.remove_factor(index, by(index, ann, later), second.id) == later + REMOVAL_WAITS


def test_nobody_touches_factors_of_somebody_else(index: Index) -> None:
    ann, bea = person(index), person(index, "bea")
    _, added = add_app(index, ann)
    for act in (acts.remove_factor, acts.keep_factor):
        with pytest.raises(Refused) as error:
            act(index, by(index, bea), added.id)
        assert refusal(error) == "factor.exists"
    with pytest.raises(Refused) as error:
        acts.rename_factor(index, by(index, bea), added.id, "mine")
    assert refusal(error) == "factor.exists"


def test_new_codes_end_the_old_ones(index: Index) -> None:
    ann = person(index)
    _, added = add_app(index, ann)
    assert added.codes is not None
    acts.make_recovery_codes(index, by(index, ann))
    with pytest.raises(Refused):
        confirm.with_code(index, by(index, ann), session_of(index, ann), added.codes[0])
    assert len(letters(index, "recovery-codes-made")) == 2


# --- recovery


def opened(index: Index, account: int, at: datetime = NOW) -> recoveries.RecoveryRow:
    waiting = session_of(index, account, at, "factor")
    assert recover.ask(index, by(index, account, at), waiting) == 2
    return recover.open_recovery(index, by(index, account, at), link_in(index, "recovery-asked"))


def link_in(index: Index, template: str) -> str:
    with index.store.read() as connection:
        rows = outbox.mails(connection, unsent_only=True, limit=1000)
    row = next(row for row in rows if row.template == template)
    return str(row.values.get("link") or row.values.get("page")).partition("ticket=")[2]


def test_a_recovery_waits_seven_days_is_told_daily_and_then_opens_once(index: Index) -> None:
    ann = person(index)
    add_app(index, ann)
    row = opened(index, ann)
    assert row.due_at == NOW + 7 * DAY
    assert len(letters(index, "recovery-opened")) == 2
    assert recover.remind(index, NOW + DAY - SECOND) == 0
    assert [recover.remind(index, NOW + day * DAY) for day in range(1, 8)] == [1] * 6 + [0]
    early = session_of(index, ann, row.due_at, "factor")
    with pytest.raises(Refused) as error:
        recover.complete(index, by(index, ann, row.due_at - SECOND), early)
    assert refusal(error) == "recovery.wait"
    elsewhere = session_of(index, ann)
    begun = recover.complete(index, by(index, ann, row.due_at), early)
    assert begun.stage == "whole"
    with index.store.read() as connection:
        assert not factors.is_guarded(connection, ann)
        assert sessions.find(connection, elsewhere.id, row.due_at, factor_required=True) is None
    with pytest.raises(Refused):
        recover.complete(index, by(index, ann, row.due_at), session_of(index, ann, row.due_at, "factor"))
    assert "RecoveryDone" in happened(index, ann)


def test_a_recovery_that_nobody_completes_is_over_after_a_month(index: Index) -> None:
    ann = person(index)
    add_app(index, ann)
    row = opened(index, ann)
    late = row.due_at + KEPT_OPEN
    with pytest.raises(Refused) as error:
        recover.complete(index, by(index, ann, late), session_of(index, ann, late, "factor"))
    assert refusal(error) == "recovery.exists"


@pytest.mark.parametrize(("age", "days"), [(14 * DAY, 7), (14 * DAY - SECOND, 14)])
def test_a_password_that_a_mail_may_have_set_counts_for_nothing(index: Index, age: timedelta, days: int) -> None:
    ann = person(index, password_at=NOW - age)
    add_app(index, ann)
    assert opened(index, ann).due_at == NOW + days * DAY


def test_links_that_open_or_cancel_work_once(index: Index) -> None:
    ann = person(index)
    add_app(index, ann)
    opened(index, ann)
    with pytest.raises(Refused) as error:
        recover.open_recovery(index, by(index, ann), link_in(index, "recovery-asked"))
    assert refusal(error) == "recovery.link"
    secret = link_in(index, "recovery-opened")
    recover.cancel_by_link(index, by(index, ann), secret)
    with pytest.raises(Refused):
        recover.cancel_by_link(index, by(index, ann), secret)
    with index.store.read() as connection:
        assert recoveries.open_of(connection, ann, NOW) is None
    assert len(letters(index, "recovery-cancelled")) == 2


def test_signing_in_with_a_factor_ends_a_recovery_and_the_link_that_would_open_another(index: Index) -> None:
    ann = person(index)
    app, _ = add_app(index, ann)
    opened(index, ann)
    later = NOW + DAY
    with index.store.write() as connection:
        unused = tickets.issue(connection, OPEN, ann, "", later, DAY)
    waiting = session_of(index, ann, later, "factor")
    second_stage.finish_with_code(index, by(index, ann, later), waiting, app.at(later))
    with index.store.read() as connection:
        assert recoveries.open_of(connection, ann, later) is None
    with pytest.raises(Refused) as error:
        recover.open_recovery(index, by(index, ann, later), unused)
    assert refusal(error) == "recovery.link"


def test_a_co_owner_of_thirty_days_shortens_the_wait_and_nobody_else_can(index: Index) -> None:
    ann, bea, cid = person(index), person(index, "bea"), person(index, "cid")
    for each in (ann, bea, cid):
        add_app(index, each)
    publish(index, "brie")
    with index.store.write() as connection:
        project = projects.find(connection, NormalizedName("brie"))
        assert project is not None
        grants.set_role(connection, project.id, ann, "owner", NOW - 40 * DAY, None)
        grants.set_role(connection, project.id, bea, "owner", NOW - 30 * DAY, None)
        grants.set_role(connection, project.id, cid, "maintainer", NOW - 40 * DAY, None)
    row = opened(index, ann)
    for other, at in ((cid, NOW), (ann, NOW), (bea, NOW - SECOND)):
        with pytest.raises(Refused) as error:
            recover.vouch(index, by(index, other, at), row.id)
        assert refusal(error) == "recovery.vouch"
    with index.store.read() as connection:
        assert [each.account for each in recoveries.of_co_owners(connection, bea, NOW)] == ["ann"]
        assert recoveries.of_co_owners(connection, cid, NOW) == []
    assert recover.vouch(index, by(index, bea), row.id) == NOW + timedelta(hours=72)
    with pytest.raises(Refused) as error:
        recover.vouch(index, by(index, bea), row.id)
    assert refusal(error) == "recovery.vouch"
    with index.store.read() as connection:
        assert recoveries.of_co_owners(connection, bea, NOW) == []
    at = NOW + timedelta(hours=72)
    waiting = session_of(index, ann, at, "factor")
    with pytest.raises(Refused):
        recover.complete(index, by(index, ann, at - SECOND), waiting)
    assert recover.complete(index, by(index, ann, at), waiting).stage == "whole"


@pytest.mark.parametrize(("password_age", "hours"), [(100 * DAY, 24), (DAY, 72)])
def test_an_operator_vouches_for_two_whatever_becomes_of_the_office(
    index: Index, password_age: timedelta, hours: int
) -> None:
    ann, olive = person(index, password_at=NOW - password_age), person(index, "olive")
    for each in (ann, olive):
        add_app(index, each)
    with index.store.write() as connection:
        accounts.change(connection, olive, office="operator")
    row = opened(index, ann)
    due_at = recover.vouch(index, by(index, olive), row.id)
    assert due_at == NOW + timedelta(hours=hours)
    with index.store.write() as connection:
        accounts.change(connection, olive, office=None)
    waiting = session_of(index, ann, due_at, "factor")
    with pytest.raises(Refused):
        recover.complete(index, by(index, ann, due_at - SECOND), waiting)
    assert recover.complete(index, by(index, ann, due_at), waiting).stage == "whole"


def test_two_co_owners_shorten_the_wait_twice_and_what_they_said_outlasts_them(index: Index) -> None:
    ann, bea, cid, dee = (person(index, name) for name in ("ann", "bea", "cid", "dee"))
    publish(index, "brie")
    with index.store.write() as connection:
        project = projects.find(connection, NormalizedName("brie"))
        assert project is not None
        for each in (ann, bea, cid, dee):
            grants.set_role(connection, project.id, each, "owner", NOW - 40 * DAY, None)
    for each in (ann, bea, cid, dee):
        add_app(index, each)
    row = opened(index, ann)
    assert recover.vouch(index, by(index, bea), row.id) == NOW + timedelta(hours=72)
    with index.store.read() as connection:
        assert [each.id for each in recoveries.of_co_owners(connection, cid, NOW)] == [row.id]
    assert recover.vouch(index, by(index, cid), row.id) == NOW + timedelta(hours=24)
    with index.store.read() as connection:
        assert recoveries.of_co_owners(connection, dee, NOW) == []
    with pytest.raises(Refused) as error:
        recover.vouch(index, by(index, dee), row.id)
    assert refusal(error) == "recovery.exists", "nothing could be shorter"
    delete_account(index, console(NOW), "bea")
    at = NOW + timedelta(hours=24)
    with index.store.read() as connection:
        found = recoveries.open_of(connection, ann, NOW)
        assert found is not None and (found.due_at, found.facts.vouchers) == (at, 2)
    waiting = session_of(index, ann, at, "factor")
    assert recover.complete(index, by(index, ann, at), waiting).stage == "whole"


def test_the_console_vouches_for_two(index: Index) -> None:
    ann = person(index)
    add_app(index, ann)
    row = opened(index, ann)
    assert recover.vouch(index, console(NOW), row.id) == NOW + timedelta(hours=24)
    with pytest.raises(Refused) as error:
        recover.vouch(index, console(NOW), row.id)
    assert refusal(error) == "recovery.exists"
    assert happened(index, ann).count("RecoveryVouched") == 1


def test_without_an_address_nothing_is_recovered(index: Index) -> None:
    ann = person(index, mails=0)
    add_app(index, ann)
    with pytest.raises(Refused) as error:
        recover.ask(index, by(index, ann), session_of(index, ann, stage="factor"))
    assert refusal(error) == "recovery.address"


# --- the ladder


def with_role(index: Index, account: int) -> None:
    publish(index, "brie")
    with index.store.write() as connection:
        project = projects.find(connection, NormalizedName("brie"))
        assert project is not None
        grants.set_role(connection, project.id, account, "owner", NOW, None)


def ladder_of(index: Index, account: int) -> datetime | None:
    with index.store.read() as connection:
        found = accounts.by_id(connection, account)
    return found.ladder_from if found else None


def test_who_holds_a_role_without_a_factor_is_told_ten_times_and_then_left_alone(index: Index) -> None:
    ann, bea = person(index, mails=1), person(index, "bea", mails=1)
    with_role(index, ann)
    assert notice_ladder(index, NOW) == 1
    assert (ladder_of(index, ann), ladder_of(index, bea)) == (NOW, None)
    assert notice_ladder(index, NOW) == 0, "doing it again changes nothing"
    told = [day for day in range(1, 200) if notice_ladder(index, NOW + day * DAY)]
    assert told == [30, 60, 83, 89, 90, 120, 150, 173, 179]
    assert letters(index, "factor-ladder") == ["ann0@example.org"] * 10
    assert happened(index, ann) == ["LadderBegun"]


def test_a_factor_ends_the_ladder_at_once_and_losing_it_begins_another(index: Index) -> None:
    ann = person(index)
    with_role(index, ann)
    notice_ladder(index, NOW)
    _, added = add_app(index, ann, NOW + DAY)
    assert ladder_of(index, ann) is None
    with index.store.write() as connection:
        factors.remove(connection, added.id)
    notice_ladder(index, NOW + 2 * DAY)
    assert ladder_of(index, ann) == NOW + 2 * DAY


def test_who_gives_up_the_last_role_is_taken_off_the_ladder(index: Index) -> None:
    ann = person(index)
    with_role(index, ann)
    notice_ladder(index, NOW)
    with index.store.write() as connection:
        connection.execute(schema.role.delete())
    assert notice_ladder(index, NOW + DAY) == 1
    assert ladder_of(index, ann) is None


def test_switching_the_setting_off_lifts_it(index: Index) -> None:
    ann = person(index)
    with_role(index, ann)
    notice_ladder(index, NOW)
    off = replace(index, settings=replace(index.settings, second_factor_required=False))
    assert not by(off, ann).actor.posture.is_late
    assert notice_ladder(off, NOW + DAY) == 1
    assert ladder_of(index, ann) is None
    assert notice_ladder(off, NOW + DAY) == 0


def test_machines_and_people_who_cannot_sign_in_are_not_on_the_ladder(index: Index) -> None:
    with index.store.write() as connection:
        machine = accounts.add_account(connection, "bot", NOW, kind="automation")
        console_only = accounts.add_account(connection, "job", NOW)
    for each in (machine, console_only):
        with_role(index, each) if each == machine else None
    with index.store.write() as connection:
        project = projects.find(connection, NormalizedName("brie"))
        assert project is not None
        grants.set_role(connection, project.id, console_only, "owner", NOW, None)
    assert notice_ladder(index, NOW) == 0


def test_an_office_puts_people_on_the_ladder_and_its_acts_wait_for_a_factor(index: Index) -> None:
    ann = person(index)
    with index.store.write() as connection:
        accounts.change(connection, ann, office="operator")
        accounts.add_account(connection, "console", NOW, office="operator")
    brie = Resource(NormalizedName("brie"))

    def may_do(name: str, action: Action, at: datetime) -> str:
        with index.store.read() as connection:
            key = accounts.account_id(connection, name)
            actor = accounts.actor_by_id(connection, key or 0, factor_required=True)
        assert actor is not None
        return may(actor, action, brie, at).rule

    assert notice_ladder(index, NOW) == 1, "nobody signs in to the account console"
    assert ladder_of(index, ann) == NOW
    assert may_do("ann", "hold", NOW) == "factor.first"
    assert may_do("ann", "upload", NOW) == "access.upload"
    assert may_do("ann", "upload", NOW + 180 * DAY) == "factor.publish"
    for action in ("hold", "upload"):
        assert may_do("console", action, NOW + 180 * DAY) == f"access.{action}"  # type: ignore[arg-type]
    add_app(index, ann, NOW + DAY)
    assert may_do("ann", "hold", NOW + DAY) == "access.hold", "it goes on at once"


def test_co_owners_are_ready_or_not_yet(index: Index) -> None:
    ann, bea = person(index), person(index, "bea")
    with_role(index, ann)
    add_app(index, ann)
    with index.store.write() as connection:
        project = projects.find(connection, NormalizedName("brie"))
        assert project is not None
        grants.set_role(connection, project.id, bea, "maintainer", NOW, None)
    with index.store.read() as connection:
        assert factors.readiness(connection, project.id) == {ann: "ready", bea: "not yet"}
