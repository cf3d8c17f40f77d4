"""Access: every role × office × kind of actor × token × posture, for every act, held against the rules in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from affineur.core.access import INDEX, SYSTEM, Actor, Resource, may, publishers_only
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import ALL_ACTIONS
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.permissions import ACTIONS, Action, Kind, Office

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
FOO, BAR = NormalizedName("foo"), NormalizedName("bar")
ME, ELSE = 1, 2

# -- The rules in words. Nothing here is read from the table that is tested.

OWNERS_AND_MAINTAINERS = {"upload", "yank", "see-people", "see-impact", "leave", "message", "appeal"}
OWNERS = OWNERS_AND_MAINTAINERS | {
    "archive", "unarchive", "invite", "propose-removal", "set-publishers", "require-publishers", "release-publishers",
    "withhold", "set-webhooks", "see-webhooks", "see-signals",
}  # fmt: skip
MODERATORS = {
    "hold", "see-people", "see-signals", "see-impact", "remove", "see-accounts", "freeze", "see-machine", "moderate",
    "condemn", "withhold", "see-moderation", "trust-reporters",
}  # fmt: skip
SPONSORS = {"see-machine", "run-machine", "revoke-machine-token", "release-machine", "retire-machine"}
AUDITORS = {"see-people", "see-signals", "see-impact", "see-accounts", "see-log", "see-machine", "see-campaigns"}
OPERATORS = (
    (OWNERS - {"leave", "message", "appeal"})
    | MODERATORS
    | AUDITORS
    | {"set-limits", "grant", "set-office", "invite-account", "retire-machine", "set-sponsors", "classify"}
    | {"set-index-webhooks", "see-index-webhooks", "set-campaigns"}
)
ONESELF = {
    "see-account", "change-account", "delete-account", "create-token", "revoke-token", "reserve", "create-machine",
    "manage-account", "answer-invitation", "sponsor", "claim-voucher",
}  # fmt: skip
OF_MACHINES = SPONSORS | {"set-sponsors"}
OF_THE_INDEX = {
    "see-accounts", "see-log", "freeze", "set-office", "invite-account", "see-moderation", "trust-reporters",
    "set-index-webhooks", "see-index-webhooks", "see-campaigns", "set-campaigns",
}  # fmt: skip
MACHINES = {"read", "upload", "yank", "see-account", "revoke-token", "report"}
TOKEN_IS_FOR = {
    "read": {"read", "see-people", "see-signals", "see-impact", "see-account", "see-machine"},
    "upload": {"upload", "create"},
    "yank": {"yank"},
    "archive": {"archive", "unarchive"},
    "manage": {
        "hold", "set-limits", "invite", "grant", "propose-removal", "remove", "leave", "message", "set-publishers",
        "require-publishers", "release-publishers", "create-token", "revoke-token", "reserve", "create-machine",
        "freeze", "set-office", "invite-account", "answer-invitation", "sponsor", "run-machine", "release-machine",
        "manage-account",
        "retire-machine", "set-sponsors", "revoke-machine-token", "see-accounts", "see-log", "classify", "report",
        "appeal", "moderate", "condemn", "withhold", "see-moderation", "trust-reporters", "set-webhooks",
        "see-webhooks", "set-index-webhooks", "see-index-webhooks", "see-campaigns", "set-campaigns",
    },
}  # fmt: skip
SIGNED_IN_ONLY = {"change-account", "delete-account", "claim-voucher"}
CANNOT_BE_PHISHED = {
    "unarchive",
    "remove",
    "leave",
    "release-publishers",
    "delete-account",
    "set-office",
    "retire-machine",
    "set-sponsors",
    "withhold",
}
FRESH_PROOF = CANNOT_BE_PHISHED | {
    "invite", "grant", "propose-removal", "set-publishers", "change-account", "create-token", "reserve",
    "create-machine", "freeze", "sponsor", "run-machine", "release-machine", "condemn", "trust-reporters",
    "set-webhooks", "set-index-webhooks", "set-campaigns",
}  # fmt: skip
READ_BY_NARROWED = {"read", "see-account", "see-machine"}
"""What a token for one project still reads: any project, and of its own account. Not the people of other projects."""
PAUSED_AFTER_90_DAYS = {
    "yank", "archive", "unarchive", "invite", "propose-removal", "set-publishers", "require-publishers",
    "release-publishers", "set-webhooks",
}  # fmt: skip
PAUSED_AFTER_180_DAYS = {"upload"}
BY_OFFICE_ONLY = {
    "grant", "remove", "freeze", "set-office", "set-sponsors", "hold", "set-limits", "invite-account",
    "classify", "moderate", "condemn", "see-moderation", "trust-reporters", "set-index-webhooks", "see-index-webhooks",
    "set-campaigns",
}  # fmt: skip
GOES_ON_WHERE_QUARANTINED = {"read", "report", "appeal", "leave", "see-people"}
"""What a token still does to a project that is quarantined."""
FACTOR_FIRST = {"create", "reserve", "create-machine", "sponsor", "run-machine"} | BY_OFFICE_ONLY
CANNOT_BE_PHISHED_WHERE_CLOSED = {"set-publishers"}
"""What lets somebody upload to a project that is closed to all but trusted publishers."""


@dataclass(frozen=True)
class Case:
    """One combination. ``token`` and ``posture`` are keys of `TOKENS` and `POSTURES`."""

    action: Action
    role: str | None
    office: Office | None
    kind: Kind
    token: str
    posture: str
    target: str


KEY, BOTH = frozenset({"passkey"}), frozenset({"passkey", "totp"})
PROVEN = StepUp(NOW - timedelta(minutes=5), "passkey")
DAY = timedelta(days=1)
POSTURES: dict[str, Posture] = {
    "no proof": Posture(KEY, True),  # type: ignore[arg-type]
    "passkey": Posture(KEY, True, stepped_up=PROVEN),  # type: ignore[arg-type]
    "stale": Posture(KEY, True, stepped_up=replace(PROVEN, at=NOW - timedelta(minutes=5, seconds=1))),  # type: ignore[arg-type]
    "code, known device": Posture(BOTH, True, stepped_up=StepUp(NOW, "totp", NOW - DAY)),  # type: ignore[arg-type]
    "code, new device": Posture(BOTH, True, stepped_up=StepUp(NOW, "totp", NOW - DAY + timedelta(seconds=1))),  # type: ignore[arg-type]
    "code, no device": Posture(BOTH, True, stepped_up=StepUp(NOW, "totp")),  # type: ignore[arg-type]
    "recovery code": Posture(KEY, True, stepped_up=StepUp(NOW, "recovery", NOW - DAY)),  # type: ignore[arg-type]
    "password beside a factor": Posture(KEY, True, stepped_up=StepUp(NOW, "password", NOW - DAY)),  # type: ignore[arg-type]
    "company beside a factor": Posture(KEY, True, stepped_up=StepUp(NOW, "company", NOW - DAY)),  # type: ignore[arg-type]
    "not asked for a factor": Posture(frozenset(), False, NOW - 900 * DAY, StepUp(NOW, "company")),
    "late, no role yet": Posture(frozenset(), True, None, StepUp(NOW, "password")),
    "late since today": Posture(frozenset(), True, NOW, StepUp(NOW, "password")),
    "late for 90 days": Posture(frozenset(), True, NOW - 90 * DAY, StepUp(NOW, "password")),
    "late for 180 days": Posture(frozenset(), True, NOW - 180 * DAY, StepUp(NOW, "password")),
    "frozen": Posture(KEY, True, stepped_up=PROVEN, frozen=True),  # type: ignore[arg-type]
    "sponsors short": Posture(KEY, True, stepped_up=PROVEN, sponsors_short_from=NOW - 30 * DAY),  # type: ignore[arg-type]
}
TOKENS = ("signed in", "all", *sorted(ALL_ACTIONS), "for foo", "for bar")


def on(action: str) -> tuple[str, ...]:
    """What an act can be done to."""
    if action in ONESELF:
        return ("my account", "another account")
    if action in OF_MACHINES:
        return ("my machine", "another machine")
    if action in OF_THE_INDEX:
        return ("the index",)
    return (
        ("foo", "foo, publishers only") if action == "create" else ("foo", "foo, publishers only", "foo, quarantined")
    )


def expected(case: Case) -> bool:
    """The rules in words, as a question with one answer."""
    if case.kind == "system":
        return True
    return (
        case.posture != "frozen"
        and token_is_enough(case)
        and has_standing(case)
        and goes_on(case)
        and protected(case)
        and proven(case)
    )


def token_is_enough(case: Case) -> bool:
    if case.action in SIGNED_IN_ONLY:
        return case.token == "signed in"
    needed = next(right for right, acts in TOKEN_IS_FOR.items() if case.action in acts)
    if case.token in ALL_ACTIONS and case.token != needed:
        return False
    if case.action in READ_BY_NARROWED or case.token not in ("for foo", "for bar"):
        return True
    return case.token == "for foo" and case.target.startswith("foo")


def has_standing(case: Case) -> bool:
    if case.kind in ("automation", "publisher") and case.action not in MACHINES:
        return False
    if case.target == "foo, publishers only" and case.action == "upload" and case.kind != "publisher":
        return False
    if case.action in ("read", "create") or (case.action == "report" and case.kind != "publisher"):
        return True
    if case.kind == "publisher" and case.target.startswith("foo") and case.token != "for bar":
        return True
    if case.action in ONESELF:
        return case.target == "my account" and case.kind != "publisher"
    if case.target == "my machine" and case.action in SPONSORS:
        return True
    by_office = {"operator": OPERATORS, "moderator": MODERATORS, "auditor": AUDITORS, None: set[str]()}[case.office]
    by_role = {"owner": OWNERS, "maintainer": OWNERS_AND_MAINTAINERS, None: set[str]()}[case.role]
    return case.action in by_office or (case.target.startswith("foo") and case.action in by_role)


def goes_on(case: Case) -> bool:
    """While a project is quarantined its tokens and publishers rest; those who look after the index go on."""
    if case.target != "foo, quarantined" or case.office is not None or case.action in GOES_ON_WHERE_QUARANTINED:
        return True
    return case.kind != "publisher" and case.token == "signed in"


def protected(case: Case) -> bool:
    if case.kind == "automation":
        return case.posture != "sponsors short"
    if case.kind != "person" or not case.posture.startswith("late"):
        return True
    if case.action in FACTOR_FIRST:
        return False
    days = {"late, no role yet": 0, "late since today": 0, "late for 90 days": 90, "late for 180 days": 180}
    late = days[case.posture]
    return not (
        (late >= 90 and case.action in PAUSED_AFTER_90_DAYS) or (late >= 180 and case.action in PAUSED_AFTER_180_DAYS)
    )


def proven(case: Case) -> bool:
    if case.action not in FRESH_PROOF:
        return True
    best = {"passkey", "frozen", "sponsors short", "code, known device", "not asked for a factor"}
    if case.posture in best or case.posture.startswith("late"):  # without a factor the password is all there is
        return True
    weaker = {"code, new device", "code, no device", "recovery code"}
    closed = case.target == "foo, publishers only"
    strong = CANNOT_BE_PHISHED | (CANNOT_BE_PHISHED_WHERE_CLOSED if closed else set())
    return case.posture in weaker and case.action not in strong


def actor_of(case: Case) -> Actor:
    """The actor, as web and store would make it."""
    if case.kind == "system":
        return SYSTEM
    narrowed = {"for foo": frozenset({FOO}), "for bar": frozenset({BAR})}.get(case.token)
    if case.kind == "publisher" and narrowed is None:
        narrowed = frozenset({FOO})
    return Actor(
        None if case.kind == "publisher" else ME,
        "ann",
        case.office,
        case.kind,
        frozenset({case.token}) if case.token in ALL_ACTIONS else ALL_ACTIONS,  # type: ignore[arg-type]
        narrowed,
        POSTURES[case.posture],
        None if case.token == "signed in" else "a-token",
    )


def resource_of(case: Case) -> Resource:
    if case.target == "the index":
        return INDEX
    if case.target.endswith("machine"):
        return Resource(account_id=ELSE, sponsored=case.target == "my machine")
    if case.target.endswith("account"):
        return Resource(account_id=ME if case.target == "my account" else ELSE)
    return Resource(
        FOO,
        exists=case.action != "create",
        role=case.role,
        publishers_only=case.target.endswith("publishers only"),
        held=case.target.endswith("quarantined"),
    )


def cases(action: Action) -> Iterator[Case]:
    roles = ("owner", "maintainer", None)
    offices: tuple[Office | None, ...] = (None, "operator", "moderator", "auditor")
    kinds: tuple[Kind, ...] = ("person", "automation", "publisher", "system")
    for role, office, kind, token, posture, target in product(roles, offices, kinds, TOKENS, POSTURES, on(action)):
        if kind in ("publisher", "system") and (role or office or token == "signed in" or posture != "no proof"):
            if not (kind == "publisher" and not role and not office and posture != "frozen"):
                continue  # neither has an account
            if token == "signed in":
                continue
        yield Case(action, role, office, kind, token, posture, target)


@pytest.mark.parametrize("action", list(ACTIONS))
def test_everybody_may_do_what_the_rules_say_and_nothing_else(action: Action) -> None:
    seen = wrong = 0
    examples: list[str] = []
    for case in cases(action):
        decision = may(actor_of(case), action, resource_of(case), NOW)
        seen += 1
        if not_as_expected := decision.allowed != expected(case):
            wrong += 1
            examples.append(f"{case}: {decision.rule}: {decision.reason}")
        assert not_as_expected or decision.allowed or (decision.reason and decision.ways_out), case
    assert wrong == 0, (wrong, seen, examples[:3])
    assert seen > 2000


def test_the_rules_in_words_name_every_act() -> None:
    told = OPERATORS | OWNERS | ONESELF | SPONSORS | {"read", "create", "report"}
    assert told == set(ACTIONS)
    rights = [act for acts in TOKEN_IS_FOR.values() for act in acts]
    assert sorted(rights) == sorted(told - SIGNED_IN_ONLY)


def test_new_projects_can_be_reserved_to_operators() -> None:
    reserved = Resource(FOO, exists=False, role=None, new_projects="operators")
    ann = Actor(ME, "ann", posture=POSTURES["no proof"])
    assert not may(ann, "create", reserved, NOW).allowed
    for office, may_create in (("operator", True), ("moderator", False), ("auditor", False)):
        decision = may(replace(ann, office=office), "create", reserved, NOW)  # type: ignore[arg-type]
        assert decision.allowed == may_create


def test_refusals_use_the_words_that_upload_clients_know() -> None:
    ann = Actor(ME, "ann", posture=POSTURES["no proof"])
    stranger = may(ann, "upload", Resource(FOO, exists=True, role=None), NOW)
    assert "The user 'ann' isn't allowed to upload to project 'foo'." in stranger.reason
    narrowed = may(replace(ann, projects=frozenset({BAR})), "upload", Resource(FOO, exists=True, role="owner"), NOW)
    assert "The given token isn't allowed to upload to project 'foo'." in narrowed.reason


@pytest.mark.parametrize(
    ("required", "ends_in_seconds", "closed"),
    [(False, None, False), (False, 5, False), (True, None, True), (True, 1, True), (True, 0, False), (True, -1, False)],
)
def test_uploads_stay_closed_to_tokens_until_the_announced_moment(
    required: bool, ends_in_seconds: int | None, closed: bool
) -> None:
    ends_at = None if ends_in_seconds is None else NOW + timedelta(seconds=ends_in_seconds)
    assert publishers_only(required, ends_at, NOW) == closed


@pytest.mark.parametrize(("short_for", "goes_on"), [(30 * DAY - timedelta(seconds=1), True), (30 * DAY, False)])
def test_a_machine_with_too_few_sponsors_goes_on_for_thirty_days(short_for: timedelta, goes_on: bool) -> None:
    machine = Actor(ME, "bot", kind="automation", posture=Posture(sponsors_short_from=NOW - short_for))
    assert may(machine, "upload", Resource(FOO, role="maintainer"), NOW).allowed == goes_on


def test_a_refusal_for_a_missing_factor_says_nothing_of_others_and_what_to_do() -> None:
    late = Actor(ME, "ann", posture=POSTURES["late for 180 days"])
    decision = may(late, "upload", Resource(FOO, role="owner"), NOW)
    assert decision.rule == "factor.publish"
    assert "Your roles are untouched" in decision.sentence
    enrolled = replace(late, posture=replace(late.posture, factors=frozenset({"totp"})))
    assert may(enrolled, "upload", Resource(FOO, role="owner"), NOW).allowed, "it resumes at once"
