"""Caveats: what each one takes away, what is refused, and when a token begins and ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pypitoken
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.decision import Decision
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import (
    ALL_ACTIONS,
    Grant,
    TokenAction,
    describe,
    expiry,
    for_account,
    for_actions,
    for_project_ids,
    for_projects,
    for_publisher,
    granted,
    limits,
)
from affineur.core.people.macaroons import mint, read, write

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
DEMO, OTHER, THIRD = (NormalizedName(name) for name in ("demo", "other", "third"))

names = st.sampled_from([DEMO, OTHER, THIRD])
name_sets = st.frozensets(names)
action_sets: st.SearchStrategy[frozenset[TokenAction]] = st.frozensets(st.sampled_from(sorted(ALL_ACTIONS)))
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))  # noqa: DTZ001
caveats = st.one_of(
    st.builds(expiry, moments, moments),
    st.builds(for_projects, name_sets),
    st.builds(for_project_ids, st.frozensets(st.text(st.characters(codec="utf-8"), max_size=8))),
    st.just(for_account("7")),
    st.builds(for_actions, action_sets),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(sorted(ALL_ACTIONS)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def grant(*given_caveats: bytes, now: datetime = NOW) -> Grant:
    found = granted(given_caveats, now)
    assert isinstance(found, Grant), found
    return found


def denied(*given_caveats: bytes, now: datetime = NOW) -> Decision:
    found = granted(given_caveats, now)
    assert isinstance(found, Decision), found
    assert not found.allowed
    return found


# --- what each one says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caveat", "text"),
    [
        (expiry(NOW + SECOND, NOW), b"[0,1893553446,1893553445]"),
        (for_projects([OTHER, DEMO, OTHER]), b'[1,["demo","other"]]'),
        (for_project_ids(["2", "10"]), b'[2,["10","2"]]'),
        (for_account("7"), b'[3,"7"]'),
        (for_publisher("p"), b'[4,"p"]'),
        (for_actions(["yank", "upload"]), b'["actions",["upload","yank"]]'),
        (for_projects([]), b"[1,[]]"),
    ],
)
def test_a_caveat_is_written_compactly_and_always_alike(caveat: bytes, text: bytes) -> None:
    assert caveat == text


@pytest.mark.parametrize(
    ("given_caveats", "left"),
    [
        ([], Grant()),
        ([for_account("7")], Grant(account_id="7")),
        ([for_account("7"), for_account("7")], Grant(account_id="7")),
        ([for_publisher("p")], Grant(publisher_id="p")),
        ([b'[4,"p",{"ref":"main"}]'], Grant(publisher_id="p")),
        ([b'[4,"p",null]'], Grant(publisher_id="p")),
        ([for_projects([DEMO])], Grant(projects=frozenset({DEMO}))),
        ([for_projects([DEMO, OTHER]), for_projects([OTHER, THIRD])], Grant(projects=frozenset({OTHER}))),
        ([for_projects([DEMO]), for_projects([OTHER])], Grant(projects=frozenset())),
        ([for_projects([])], Grant(projects=frozenset())),
        ([for_project_ids(["1", "2"]), for_project_ids(["2"])], Grant(project_ids=frozenset({"2"}))),
        ([for_actions(["upload", "yank"]), for_actions(["yank", "read"])], Grant(actions=frozenset({"yank"}))),
        ([for_actions([])], Grant(actions=frozenset())),
        ([b'{"version":1,"permissions":"user"}'], Grant()),
        ([b'{"version":1,"permissions":"user"}', for_account("7")], Grant(account_id="7")),
        ([b'{"version": 1, "permissions": {"projects": ["demo"]}}'], Grant(projects=frozenset({DEMO}))),
        ([b'{"project_ids":["2"]}'], Grant(project_ids=frozenset({"2"}))),
        (
            [b'{"nbf":10,"exp":4000000000}'],
            Grant(
                not_before=datetime.fromtimestamp(10, UTC),
                expires_at=datetime.fromtimestamp(4_000_000_000, UTC),
            ),
        ),
        ([b' [ 1 , [ "demo" ] ] '], Grant(projects=frozenset({DEMO}))),
    ],
)
def test_what_caveats_leave(given_caveats: list[bytes], left: Grant) -> None:
    assert grant(*given_caveats) == left


@pytest.mark.parametrize(
    ("caveat", "says"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1,", "not JSON"),
        (b"[0,NaN,0]", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"user = 7", "not JSON"),
        (b"[]", "not an array"),
        (b"null", "not an array"),
        (b"0", "not an array"),
        (b'"actions"', "not an array"),
        (b"[5,1]", "unknown kind"),
        (b'[-1,"7"]', "unknown kind"),
        (b"[false,2,1]", "unknown kind"),
        (b'[true,["demo"]]', "unknown kind"),
        (b'[1.0,["demo"]]', "unknown kind"),
        (b'["1",["demo"]]', "unknown kind"),
        (b'[null,["demo"]]', "unknown kind"),
        (b'[[1],["demo"]]', "unknown kind"),
        (b'["Actions",["upload"]]', "unknown kind"),
        (b"[0]", "too few or too many"),
        (b"[0,1893553446]", "too few or too many"),
        (b"[0,4000000000,0,0]", "too few or too many"),
        (b"[1]", "too few or too many"),
        (b'[1,["demo"],null]', "too few or too many"),
        (b'[2,["1"],["2"]]', "too few or too many"),
        (b'[3,"7","8"]', "too few or too many"),
        (b'[4,"p",{},{}]', "too few or too many"),
        (b'["actions",["upload"],["demo"]]', "too few or too many"),
        (b'[0,"4000000000",0]', "whole seconds"),
        (b"[0,4000000000.0,0]", "whole seconds"),
        (b"[0,4000000000,false]", "whole seconds"),
        (b"[0,null,0]", "whole seconds"),
        (b"[0,253402300800,0]", "1970 to 9999"),
        (b"[0,4000000000,-1]", "1970 to 9999"),
        (b"[0,18446744073709551615,0]", "1970 to 9999"),
        (b"[0,99999999999999999999999999,0]", "whole seconds"),
        (b'[1,"demo"]', "names of projects"),
        (b"[1,[1]]", "names of projects"),
        (b'[1,{"demo":1}]', "names of projects"),
        (b'[1,["Demo"]]', "normalised"),
        (b'[1,["a_b"]]', "normalised"),
        (b'[1,[""]]', "normalised"),
        (b"[2,[7]]", "ids of projects"),
        (b'[2,"7"]', "ids of projects"),
        (b"[3,7]", "account's id"),
        (b"[3,null]", "account's id"),
        (b"[4,7]", "publisher's id"),
        (b'[4,"p","ref"]', "publisher's id"),
        (b'["actions","upload"]', "actions are not"),
        (b'["actions",[1]]', "actions are not"),
        (b'["actions",["upload","fly"]]', "action is unknown"),
        (b'["actions",["Upload"]]', "action is unknown"),
        (b"{}", "object of an unknown kind"),
        (b'{"version":2,"permissions":"user"}', "object of an unknown kind"),
        (b'{"version":true,"permissions":"user"}', "object of an unknown kind"),
        (b'{"version":1,"permissions":"admin"}', "object of an unknown kind"),
        (b'{"version":1,"permissions":null}', "object of an unknown kind"),
        (b'{"version":1,"permissions":{"projects":["demo"],"x":1}}', "object of an unknown kind"),
        (b'{"version":1,"permissions":"user","project_ids":["1"]}', "object of an unknown kind"),
        (b'{"version":1,"permissions":{"projects":"demo"}}', "names of projects"),
        (b'{"exp":4000000000}', "object of an unknown kind"),
        (b'{"nbf":0,"exp":4000000000,"project_ids":[]}', "object of an unknown kind"),
        (b'{"nbf":0,"exp":"later"}', "whole seconds"),
        (b'{"project_ids":"1"}', "ids of projects"),
    ],
)
def test_a_caveat_that_cannot_be_followed_refuses_the_token(caveat: bytes, says: str) -> None:
    decision = denied(for_account("7"), caveat, for_projects([DEMO]))
    assert decision.rule == "token.caveat"
    assert says in decision.reason
    assert decision.ways_out


@pytest.mark.parametrize(
    "given_caveats",
    [
        (for_account("7"), for_account("8")),
        (for_publisher("p"), for_publisher("q")),
        (for_account("7"), for_publisher("p")),
        (for_publisher("p"), for_account("7")),
        (for_publisher("p"), b'{"version":1,"permissions":"user"}'),
        (b'{"version":1,"permissions":"user"}', for_publisher("p")),
    ],
)
def test_a_token_of_two_identities_is_refused(given_caveats: tuple[bytes, ...]) -> None:
    decision = denied(*given_caveats)
    assert (decision.rule, "more than one identity" in decision.reason) == ("token.caveat", True)


def test_a_refusal_shows_nothing_that_a_holder_wrote() -> None:
    for caveat in (b'["\\u001b[31mred"]', b'[1,["\\u001b[31mred"]]', b'["actions",["\\u001b[31mred"]]', b"\x1b[31mred"):
        assert "red" not in denied(caveat).sentence


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "rule"),
    [
        (NOW - timedelta(days=1), "token.not-yet"),
        (NOW - SECOND, "token.not-yet"),
        (NOW - MICROSECOND, "token.not-yet"),
        (NOW, None),
        (NOW + MICROSECOND, None),
        (NOW + 10 * SECOND - MICROSECOND, None),
        (NOW + 10 * SECOND, "token.expired"),
        (NOW + 10 * SECOND + MICROSECOND, "token.expired"),
        (NOW + timedelta(days=9000), "token.expired"),
    ],
)
def test_a_token_is_valid_from_its_beginning_until_just_before_its_end(moment: datetime, rule: str | None) -> None:
    found = granted([expiry(NOW + 10 * SECOND, NOW)], moment)
    assert (found.rule if isinstance(found, Decision) else None) == rule


def test_the_unit_is_the_whole_second_and_parts_of_one_are_cut_off() -> None:
    late = 999_999 * MICROSECOND
    assert expiry(NOW + SECOND + late, NOW + late) == expiry(NOW + SECOND, NOW)
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert grant(expiry(last, NOW)).expires_at == last.replace(microsecond=0)


def test_the_narrowest_of_several_validities_counts() -> None:
    left = grant(
        expiry(NOW + 9 * SECOND, NOW - 5 * SECOND),
        expiry(NOW + 5 * SECOND, NOW - 9 * SECOND),
        expiry(NOW + 7 * SECOND, NOW - 7 * SECOND),
    )
    assert (left.not_before, left.expires_at) == (NOW - 5 * SECOND, NOW + 5 * SECOND)


def test_validities_that_do_not_meet_are_never_valid() -> None:
    apart = [expiry(NOW, NOW - SECOND), expiry(NOW + 2 * SECOND, NOW + SECOND)]
    assert {denied(*apart, now=NOW + n * SECOND).rule for n in range(-3, 4)} <= {"token.expired", "token.not-yet"}


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert expiry((NOW + SECOND).astimezone(east), NOW.astimezone(east)) == expiry(NOW + SECOND, NOW)
    assert grant(expiry(NOW + SECOND, NOW), now=NOW.astimezone(east)).not_before == NOW


@pytest.mark.parametrize("moment", [NOW.replace(tzinfo=None), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_a_validity_without_zone_or_before_1970_is_not_written(moment: datetime) -> None:
    with pytest.raises(ValueError, match="validity"):
        expiry(NOW, moment)
    with pytest.raises(ValueError, match="validity"):
        expiry(moment, NOW)


def test_limits_are_known_whatever_the_time() -> None:
    caveat = expiry(NOW, NOW - SECOND)
    assert denied(caveat).rule == "token.expired"
    assert limits([caveat]) == Grant(expires_at=NOW, not_before=NOW - SECOND)


# --- together ---------------------------------------------------------------------------------------------------------


@given(st.lists(caveats, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_caveats_does_not_matter(some: list[bytes], random: Any) -> None:
    shuffled = random.sample(some, len(some))
    assert limits(shuffled) == limits(some)


@given(st.lists(caveats, max_size=5), caveats)
def test_one_more_caveat_never_grants_more(some: list[bytes], more: bytes) -> None:
    before, after = limits(some), limits([*some, more])
    assert isinstance(before, Grant)
    assert isinstance(after, Grant)
    assert after.actions <= before.actions
    assert before.account_id in (None, after.account_id)
    for wide, narrow in ((before.projects, after.projects), (before.project_ids, after.project_ids)):
        assert wide is None or (narrow is not None and narrow <= wide)
    assert before.expires_at is None or (after.expires_at is not None and after.expires_at <= before.expires_at)
    assert before.not_before is None or (after.not_before is not None and after.not_before >= before.not_before)


@given(st.lists(caveats, max_size=6))
def test_caveats_survive_the_token_they_are_in(some: list[bytes]) -> None:
    assert read(write(mint(b"key", "index.example.org", "id", some))).caveats == tuple(some)


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_caveat_is_followed_or_refused(caveat: bytes) -> None:
    found = granted([caveat], NOW)
    assert isinstance(found, Grant) or found.rule in ("token.caveat", "token.expired", "token.not-yet")


@given(st.sampled_from([0, 1, 2, 3, 4, "actions"]), st.lists(json_values, max_size=3))
def test_any_fields_are_followed_or_refused(tag: object, fields: list[object]) -> None:
    found = granted([json.dumps([tag, *fields]).encode()], NOW)
    assert isinstance(found, Grant) or found.rule in ("token.caveat", "token.expired", "token.not-yet")


def test_what_pypitoken_writes_is_followed_its_old_forms_too() -> None:
    token = pypitoken.Token.create(domain="index.example.org", identifier="id", key="key", prefix="pypi")
    token.restrict(project_names=["demo", "other"], not_before=NOW - SECOND, not_after=NOW + SECOND, user_id="7")
    token.restrict(legacy_noop=True)
    token.restrict(legacy_project_names=["demo"], legacy_not_before=NOW, legacy_not_after=NOW + 5 * SECOND)
    assert grant(*read(token.dump()).caveats) == Grant(
        account_id="7", projects=frozenset({DEMO}), not_before=NOW, expires_at=NOW + SECOND
    )


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (Grant(), "This token may do everything its account may do, for all projects, without end."),
        (
            Grant(publisher_id="p", project_ids=frozenset({"1"}), expires_at=NOW),
            "This token may do everything its trusted publisher may do, for 1 project known by id, "
            "until 2030-01-02 03:04:05 UTC.",
        ),
        (
            Grant(projects=frozenset({DEMO}), actions=frozenset({"upload"})),
            "This token may upload, for demo, without end.",
        ),
        (
            Grant(
                projects=frozenset({DEMO, OTHER, THIRD}),
                project_ids=frozenset({"1", "2"}),
                actions=frozenset({"yank", "upload", "read"}),
                not_before=NOW,
                expires_at=NOW + SECOND,
            ),
            "This token may upload, yank and read, for demo, other and third (among 2 projects known by id), "
            "from 2030-01-02 03:04:05 UTC, until 2030-01-02 03:04:06 UTC.",
        ),
        (
            Grant(projects=frozenset(NormalizedName(f"p{n}") for n in range(9))),
            "This token may do everything its account may do, for p0, p1, p2, p3 and 5 more, without end.",
        ),
        (Grant(projects=frozenset()), "This token may do nothing: its limits exclude each other."),
        (Grant(project_ids=frozenset()), "This token may do nothing: its limits exclude each other."),
        (Grant(actions=frozenset()), "This token may do nothing: its limits exclude each other."),
    ],
)
def test_a_grant_is_one_sentence(left: Grant, sentence: str) -> None:
    assert describe(left) == sentence


@given(st.lists(caveats, max_size=6))
def test_a_description_is_plain_text_whatever_the_caveats(some: list[bytes]) -> None:
    left = limits(some)
    assert isinstance(left, Grant)
    assert describe(left).isascii()
    assert describe(left).isprintable()
