"""From an identity to an upload token: what it is good for, and every identity that is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey
from tests.actions.publishing import NOW, ROQUEFORT, Dairy
from tests.actions.shelf import publish
from tests.services.issuer import Issuer, open_issuer

from affineur.actions import exchange, pending_publishers, publishers
from affineur.core.access import Actor
from affineur.core.decision import Decision, Refused
from affineur.core.names import NormalizedName
from affineur.core.security import Origin
from affineur.shell.store import journal, projects, tokens
from affineur.shell.store.schema import file, spent_identity

BLEU = NormalizedName("bleu")


@pytest.fixture(params=["sqlite", "postgresql"])
def dairy(request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = Dairy(tmp_path / "data", issuer, database=database)
    made.person("ann")
    yield made
    made.close()


@pytest.fixture
def small(tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    made = Dairy(tmp_path / "data", issuer)
    made.person("ann")
    yield made
    made.close()


def actor_of(dairy: Dairy, secret: str, at: datetime | None = None) -> Actor | Decision:
    with dairy.index.store.read() as connection:
        return tokens.actor_of(connection, secret, at or datetime.now(UTC), factor_required=True)


def refused(dairy: Dairy, text: str, **more: object) -> Decision:
    """Why ``text`` is refused; that, and nothing of the token, is in the log."""
    before = len(dairy.logged("IdentityRefused"))
    with pytest.raises(Refused) as caught:
        dairy.exchange(text, **more)  # type: ignore[arg-type]
    decision = caught.value.decision
    logged = dairy.logged("IdentityRefused")[before:]
    assert [each["rule"] for each in logged] == [decision.rule]
    assert text.rpartition(".")[2] not in str(logged)
    assert dairy.logged("IdentityExchanged") == [] or decision.rule != "throttle.token-mint"
    return decision


def test_a_job_publishes_with_its_identity_and_the_file_says_which_job_it_was(dairy: Dairy) -> None:
    project = dairy.own("roquefort", "ann")
    dairy.register(project, "ann")
    made = dairy.exchange(dairy.token())
    assert made.projects == (project,)
    actor = actor_of(dairy, made.secret)
    assert isinstance(actor, Actor)
    assert (actor.kind, actor.projects, actor.actions) == ("publisher", {project}, {"upload"})
    publish(dairy.index, "roquefort", "2.0", actor=actor)
    with dairy.index.store.read() as connection:
        named = connection.scalar(sa.select(file.c.publisher).where(file.c.filename.contains("2.0")))
    assert named == made.publisher == actor.name
    assert named is not None
    assert named.endswith(": fromagerie/roquefort, release.yml")
    (logged,) = dairy.logged("IdentityExchanged")
    assert logged["project"] == "roquefort"
    assert "refs/tags/v1.0" in logged["facts"]
    assert made.secret not in str(logged)


def test_the_token_lives_for_fifteen_minutes_at_least_and_not_a_second_longer_than_it_says(small: Dairy) -> None:
    small.register(small.own("roquefort", "ann"), "ann")
    now = datetime.now(UTC)
    made = small.exchange(small.token(), at=now)
    assert timedelta(seconds=900) <= made.expires_at - now <= timedelta(seconds=901)
    assert isinstance(actor_of(small, made.secret, made.expires_at - timedelta(microseconds=1)), Actor)
    late = actor_of(small, made.secret, made.expires_at)
    assert isinstance(late, Decision)
    assert late.rule == "token.expired"


def test_an_identity_is_exchanged_once(dairy: Dairy) -> None:
    dairy.register(dairy.own("roquefort", "ann"), "ann")
    text = dairy.token()
    dairy.exchange(text)
    assert refused(dairy, text).rule == "publisher.invalid-reuse-token"
    with dairy.index.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(spent_identity)) == 1


def test_of_many_who_show_one_identity_at_the_same_moment_one_gets_a_token(dairy: Dairy) -> None:
    dairy.register(dairy.own("roquefort", "ann"), "ann")
    text = dairy.token()

    def attempt(_: int) -> str:
        try:
            return dairy.exchange(text).publisher
        except Refused as refusal:
            return refusal.decision.rule

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, range(6)))
    assert answers.count("publisher.invalid-reuse-token") == 5


def test_an_identity_without_jti_is_exchanged_once_as_well(small: Dairy, issuer: Issuer, tmp_path: Path) -> None:
    index = Dairy(tmp_path / "other", issuer, publisher_issuers=f"forge {issuer.url} sub")
    index.person("ann")
    publishers.add_publisher(
        index.index, index.caller("ann"), index.own("roquefort", "ann"), "oidc", issuer.url, {"sub": "a job"}
    )
    text = issuer.token(sub="a job", without=("jti",))
    assert index.exchange(text).projects == (ROQUEFORT,)
    assert refused(index, text).rule == "publisher.invalid-reuse-token"
    index.close()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "elsewhere"}, "Its audience is not 'affineur'"),
        ({"exp": 1_700_000_000}, "It has expired at 2023-11-14"),
        ({"headers": {"kid": "unheard-of"}}, "has no key 'unheard-of'"),
        ({"key": RSAKey.generate_key(2048)}, "signature is not that of the issuer"),
        (
            {"job_workflow_ref": "fromagerie/roquefort/.github/workflows/other.yml@refs/tags/v1.0"},
            "job_workflow_ref is",
        ),
        ({"event_name": "pull_request_target"}, "event_name is 'pull_request_target'"),
        ({"repository": "fromagerie/brie"}, "repository is 'fromagerie/brie', expected 'fromagerie/roquefort'"),
        ({"environment": "staging"}, "environment is 'staging', expected 'release'"),
        ({}, "environment is missing, expected 'release'"),
        ({"repository_owner": "stranger", "repository": "stranger/roquefort"}, "No publisher is registered"),
    ],
)
def test_an_identity_that_is_not_the_publishers_is_refused_with_what_differs(
    small: Dairy, claims: dict[str, object], said: str
) -> None:
    small.register(small.own("roquefort", "ann"), "ann", environment="release")
    given = {"environment": "release", **claims} if claims else {}
    assert said in refused(small, small.token(**given)).sentence


def test_owners_find_in_the_log_what_was_refused_of_their_publisher(small: Dairy) -> None:
    small.register(small.own("roquefort", "ann"), "ann")
    refused(small, small.token(event_name="pull_request_target"))
    (logged,) = small.logged("IdentityRefused")
    assert (logged["project"], logged["outcome"]) == ("roquefort", "refused")
    assert "pull_request_target" in logged["facts"]


def test_a_repository_that_changed_hands_is_another(small: Dairy) -> None:
    small.register(small.own("roquefort", "ann"), "ann")
    small.exchange(small.token())
    taken_over = refused(small, small.token(repository_owner_id="666"))
    assert "repository_owner_id is '666', expected '50001', as it was at first use" in taken_over.sentence


def test_what_a_stranger_registers_of_my_job_changes_nothing_for_me(small: Dairy) -> None:
    small.person("eve")
    mine, theirs = small.own("roquefort", "ann"), small.own("bleu", "eve")
    small.register(mine, "ann")
    small.register(theirs, "eve", environment="release")  # says more of my job than I do
    made = small.exchange(small.token(environment="release"))
    assert made.projects == (theirs, mine)
    assert small.exchange(small.token()).projects == (mine,)


def test_removing_a_publisher_ends_its_tokens_and_its_identities_get_none(dairy: Dairy) -> None:
    project = dairy.own("roquefort", "ann")
    added = dairy.register(project, "ann")
    made = dairy.exchange(dairy.token())
    publishers.remove_publisher(dairy.index, dairy.caller("ann"), project, added.id)
    gone = actor_of(dairy, made.secret)
    assert isinstance(gone, Decision)
    assert gone.rule == "token.revoked"
    assert refused(dairy, dairy.token()).rule == "publisher.invalid-publisher"


def test_a_job_gives_its_token_back_and_nobody_can_use_it(small: Dairy) -> None:
    small.register(small.own("roquefort", "ann"), "ann")
    made = small.exchange(small.token())
    now = datetime.now(UTC)
    assert exchange.burn(small.index, made.secret, Origin(), now)
    assert not exchange.burn(small.index, made.secret, Origin(), now)
    assert not exchange.burn(small.index, "pypi-nonsense", Origin(), now)
    gone = actor_of(small, made.secret)
    assert isinstance(gone, Decision)
    assert gone.rule == "token.revoked"


def test_a_pending_publisher_makes_its_project_and_becomes_an_ordinary_one(dairy: Dairy) -> None:
    reserve(dairy, "Roquefort")
    made = dairy.exchange(dairy.token())
    assert made.created == made.projects == (ROQUEFORT,)
    with dairy.index.store.read() as connection:
        found = projects.find(connection, ROQUEFORT)
        assert found is not None
        assert found.display_name == "Roquefort"
        assert projects.people(connection, found.id) == [("Owner", "ann")]
        told = [(entry.event.event, entry.event.actor_class) for entry in journal.entries(connection)][-2:]
    assert told == [("ProjectCreated", "publisher"), ("PublisherAdded", "publisher")]
    assert (dairy.index.settings.public / "simple" / "roquefort").is_dir()
    assert pending_publishers.pending_of(dairy.index, dairy.caller("ann")) == []
    (registered,) = publishers.publishers_of(dairy.index, dairy.caller("ann"), ROQUEFORT)
    assert registered.publisher.pins == {"repository_owner_id": "50001", "repository_id": "70001"}
    assert dairy.exchange(dairy.token()).created == ()


def test_a_pending_publisher_does_not_reserve_its_name(small: Dairy) -> None:
    reserve(small, "roquefort")
    small.person("eve")
    small.own("roquefort", "eve")
    decision = refused(small, small.token())
    assert decision.rule == "publisher.invalid-pending-publisher"
    assert "There is a project 'roquefort' already" in decision.sentence


def test_a_pending_publisher_that_came_too_late_does_not_stop_the_others(small: Dairy) -> None:
    reserve(small, "bleu")
    small.person("eve")
    small.own("bleu", "eve")
    mine = small.own("roquefort", "ann")
    small.register(mine, "ann")
    assert small.exchange(small.token()).projects == (mine,)


def test_a_job_makes_no_project_for_whoever_waits_for_it_beside_its_own_people(small: Dairy) -> None:
    """Else somebody who registers another's job first would own what that job publishes."""
    small.person("eve")
    job = {"owner": "fromagerie", "repository": "roquefort", "workflow": "release.yml"}
    theirs = pending_publishers.add_pending(
        small.index, small.caller("eve"), "roquefort", "github", small.issuer.url, job
    )
    mine = {**job, "environment": "release"}
    pending_publishers.add_pending(small.index, small.caller("ann"), "Roquefort", "github", small.issuer.url, mine)
    decision = refused(small, small.token(environment="release"))
    assert decision.rule == "publisher.invalid-pending-publisher"
    assert "More than one account waits" in decision.sentence
    pending_publishers.remove_pending(small.index, small.caller("eve"), theirs.id)
    assert small.exchange(small.token(environment="release")).created == (ROQUEFORT,)


def test_a_pending_publisher_of_a_frozen_account_makes_nothing(small: Dairy) -> None:
    from affineur.shell.store import accounts

    reserve(small, "roquefort")
    with small.index.store.write() as connection:
        accounts.change(connection, accounts.account_id(connection, "ann") or 0, frozen_at=NOW)
    decision = refused(small, small.token())
    assert decision.rule == "publisher.invalid-pending-publisher"
    assert decision.facts["because"] == "access.frozen"


def test_refused_identities_are_counted_by_address_and_good_ones_are_not(small: Dairy) -> None:
    small.register(small.own("roquefort", "ann"), "ann")
    for _ in range(60):
        with pytest.raises(Refused):
            small.exchange("no token", address="198.51.100.7")
    with pytest.raises(Refused) as caught:
        small.exchange(small.token(), address="198.51.100.7")
    assert caught.value.decision.rule == "throttle.token-mint"
    for _ in range(3):
        small.exchange(small.token())
    assert len(small.logged("IdentityRefused")) == 5  # what anybody can send does not fill the log


def test_a_job_that_is_set_up_wrongly_and_tries_again_and_again_does_not_fill_the_log(small: Dairy) -> None:
    for _ in range(25):
        with pytest.raises(Refused):
            small.exchange(small.token())
    assert len(small.logged("IdentityRefused")) == 20


def test_an_issuer_that_is_away_is_said_to_be(small: Dairy) -> None:
    with open_issuer() as other:
        away = Dairy(small.index.settings.data.parent / "away", other)
        with other.unreachable():
            decision = refused(away, away.token())
        away.close()
    assert decision.rule == "publisher.issuer-away"


def reserve(dairy: Dairy, name: str) -> None:
    pending_publishers.add_pending(
        dairy.index,
        dairy.caller("ann"),
        name,
        "github",
        dairy.issuer.url,
        {"owner": "fromagerie", "repository": "roquefort", "workflow": "release.yml"},
    )
