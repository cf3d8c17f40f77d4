"""What a company's groups come to, what its answers have to say, and how an errand is known again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from affineur.core.decision import Decision, Refused
from affineur.core.names import NormalizedName
from affineur.core.people import company_errand as errands
from affineur.core.people.company import Due, GroupRule, Held, RoleChange, admitted, changes, due, parse_rules
from affineur.core.people.company_errand import Errand
from affineur.core.people.company_identity import believe, completed, fresh, identity
from affineur.core.permissions import Role

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BRIE, COMTE = NormalizedName("brie"), NormalizedName("comte")
RULES = parse_rules(
    "# who runs the index\n"
    "index-operators = operator\n"
    "cn=auditors,ou=groups,dc=example,dc=org = auditor\n\n"
    "Cheese Team = owner of Brie\n"
    "interns = maintainer of brie\n"
)


def refused(rule: str) -> Any:
    return pytest.raises(Refused, check=lambda found: found.decision.rule == rule)


def test_rules_are_read_from_lines_and_the_last_sign_divides() -> None:
    assert list(RULES) == [
        GroupRule("index-operators", office="operator"),
        GroupRule("cn=auditors,ou=groups,dc=example,dc=org", office="auditor"),
        GroupRule("Cheese Team", role="owner", project=BRIE),
        GroupRule("interns", role="maintainer", project=BRIE),
    ]


@pytest.mark.parametrize(
    "line", ["staff", "= operator", "staff = ", "staff = boss", "staff = owner", "staff = owner of", "a=operator",
             "staff = owner of -x-", "staff = owner of a b", "staff = Operator", f"{'g' * 501} = operator"],
)  # fmt: skip
def test_a_line_that_says_nothing_is_refused_and_named(line: str) -> None:
    with refused("company.setting") as caught:
        parse_rules(f"good = operator\n{line}")
    assert line.strip()[:20] in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "office", "roles"),
    [
        ((), None, {}),
        (("index-operators",), "operator", {}),
        (("index-operators", "cn=auditors,ou=groups,dc=example,dc=org"), "operator", {}),
        (("Cheese Team", "interns"), None, {BRIE: "owner"}),
        (("interns",), None, {BRIE: "maintainer"}),
        (("cheese team", "INTERNS"), None, {}),
    ],
)
def test_of_several_offices_and_roles_somebody_gets_the_strongest(groups: Any, office: Any, roles: Any) -> None:
    assert due(RULES, groups) == Due(office, roles)


def test_everybody_may_come_in_unless_a_rule_names_members() -> None:
    assert admitted(RULES, ()).allowed
    closed = (*RULES, *parse_rules("staff = member"))
    assert admitted(closed, ("staff",)).allowed
    assert admitted(closed, ("interns",)).allowed
    assert not admitted(closed, ("visitors",)).allowed


@pytest.mark.parametrize(
    ("has", "given", "owed", "last", "becomes", "marked"),
    [
        (None, None, None, False, None, None),
        (None, None, "auditor", False, "auditor", "auditor"),
        ("auditor", "auditor", "operator", False, "operator", "operator"),
        ("operator", "operator", None, False, None, None),
        ("operator", "operator", None, True, "operator", "operator"),
        ("operator", "operator", "auditor", True, "operator", "operator"),
        ("operator", "operator", "operator", True, "operator", "operator"),
        ("operator", None, None, False, "operator", None),  # by hand
        ("auditor", None, "operator", False, "auditor", None),
        ("moderator", "auditor", None, False, "moderator", None),  # changed by hand since
        (None, "operator", None, False, None, None),  # taken by hand since
    ],
)
def test_groups_give_and_take_offices_but_never_those_given_by_hand_nor_the_last_operator(
    has: Any, given: Any, owed: Any, last: bool, becomes: Any, marked: Any
) -> None:
    found = changes(Held(has, given), Due(owed), (), last_operator=last)
    assert (found.office, found.given_office) == (becomes, marked)


@pytest.mark.parametrize(
    ("held", "owed", "expected"),
    [
        ({}, {BRIE: "owner"}, (RoleChange(BRIE, None, "owner"),)),
        ({BRIE: ("owner", True)}, {BRIE: "owner"}, ()),
        ({BRIE: ("owner", True)}, {BRIE: "maintainer"}, (RoleChange(BRIE, "owner", "maintainer"),)),
        ({BRIE: ("owner", True)}, {}, (RoleChange(BRIE, "owner", None),)),
        ({BRIE: ("owner", False)}, {}, ()),
        ({BRIE: ("maintainer", False)}, {BRIE: "owner"}, ()),
        ({BRIE: ("owner", False), COMTE: ("owner", True)}, {}, (RoleChange(COMTE, "owner", None),)),
        ({}, {NormalizedName("not-there-yet"): "owner"}, ()),
    ],
)
def test_groups_give_and_take_roles_but_never_those_given_by_hand(held: Any, owed: Any, expected: Any) -> None:
    assert changes(Held(roles=held), Due(roles=owed), {BRIE, COMTE}, last_operator=False).roles == expected


@pytest.mark.parametrize(
    ("held", "owed", "stays"),
    [
        (("owner", True), {}, True),
        (("owner", True), {BRIE: "maintainer"}, True),
        (("maintainer", True), {}, False),
        (("owner", True), {BRIE: "owner"}, False),
        (("owner", False), {}, False),
    ],
)
def test_groups_never_leave_a_project_without_an_owner(
    held: tuple[str, bool], owed: dict[NormalizedName, Role], stays: bool
) -> None:
    found = changes(Held(roles={BRIE: held}), Due(roles=owed), {BRIE}, last_operator=False, only_owner_of={BRIE})
    assert found.kept == ((BRIE,) if stays else ())
    if stays:
        assert found.roles == ()


def claims(**changed: object) -> dict[str, object]:
    said: dict[str, object] = {
        "iss": "https://id.example.org", "aud": "affineur", "sub": "248289761001", "nonce": "the nonce",
        "iat": NOW.timestamp(), "exp": NOW.timestamp() + 300, "preferred_username": "mona",
    }  # fmt: skip
    return {name: value for name, value in {**said, **changed}.items() if value is not ...}


def believed(**changed: object) -> None:
    believe(claims(**changed), issuer="https://id.example.org", client_id="affineur", nonce="the nonce", now=NOW)


@pytest.mark.parametrize(
    "said",
    [{}, {"aud": ["affineur"]}, {"aud": ["affineur", "other"], "azp": "affineur"}, {"azp": "affineur"},
     {"exp": NOW.timestamp() - 29}, {"iat": NOW.timestamp() + 29}, {"iat": NOW.timestamp() + 0.5}],
)  # fmt: skip
def test_an_answer_made_for_us_now_is_believed(said: Any) -> None:
    believed(**said)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"iss": "https://id.example.org/"}, "company.issuer"),
        ({"iss": ...}, "company.issuer"),
        ({"aud": "another"}, "company.audience"),
        ({"aud": ["another"]}, "company.audience"),
        ({"aud": ["affineur", "another"]}, "company.audience"),
        ({"aud": ["affineur", "another"], "azp": "another"}, "company.audience"),
        ({"azp": "another"}, "company.audience"),
        ({"aud": ...}, "company.audience"),
        ({"exp": NOW.timestamp() - 30}, "company.expired"),
        ({"iat": NOW.timestamp() + 31}, "company.expired"),
        ({"exp": ...}, "company.token"),
        ({"iat": True}, "company.token"),
        ({"exp": 1e300}, "company.token"),
        ({"nonce": "another"}, "company.nonce"),
        ({"nonce": ...}, "company.nonce"),
        ({"nonce": ["the nonce"]}, "company.nonce"),
    ],
)
def test_an_answer_for_somebody_else_or_another_time_is_refused_with_its_rule(said: Any, rule: str) -> None:
    with refused(rule):
        believed(**said)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "mona"),
        ({"preferred_username": "Mona.Cheese@example.org"}, "Mona.Cheese"),
        ({"preferred_username": "…", "email": "m.cheese@example.org"}, "m.cheese"),
        ({"preferred_username": ..., "email": "ø@example.org"}, "248289761001"),
        ({"preferred_username": "-Žižka Nová-"}, "i-ka-Nov"),
        ({"preferred_username": "x" * 200}, "x" * 40),
        ({"preferred_username": "a", "sub": "?"}, "colleague"),
    ],
)
def test_a_name_is_made_of_what_people_are_called_there(said: Any, name: str) -> None:
    assert identity(claims(**said), "groups").suggested_name == name


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        ({}, False),
        ({"email_verified": True}, True),
        ({"email_verified": "true"}, False),
        ({"email_verified": 1}, False),
    ],
)
def test_an_address_counts_as_verified_only_where_the_company_says_so(said: Any, verified: bool) -> None:
    assert identity(claims(email="mona@example.org", **said), "groups").address_verified is verified


def test_groups_may_be_a_list_a_single_one_or_not_said() -> None:
    assert identity(claims(groups=["a", "b"]), "groups").groups == {"a", "b"}
    assert identity(claims(roles="a"), "roles").groups == {"a"}
    unsaid = identity(claims(), "groups")
    assert unsaid.groups is None
    assert completed(unsaid, {"sub": unsaid.subject, "groups": ["a"]}, "groups").groups == {"a"}
    assert completed(unsaid, {"sub": unsaid.subject}, "groups").groups == frozenset()
    with refused("company.token"):
        completed(unsaid, {"sub": "another", "groups": ["a"]}, "groups")


@pytest.mark.parametrize(
    "said", [{"groups": {"a": 1}}, {"groups": ["a", 1]}, {"_claim_names": {"groups": "src1"}}, {"groups": ["g"] * 5001}]
)
def test_groups_that_cannot_be_read_are_refused_rather_than_taken_for_none(said: Any) -> None:
    with refused("company.groups"):
        identity(claims(**said), "groups")


@pytest.mark.parametrize("subject", ["", ..., 7, "x" * 256, "a\nb"])
def test_an_answer_that_says_nobody_is_refused(subject: Any) -> None:
    with refused("company.token"):
        identity(claims(sub=subject), "groups")


@pytest.mark.parametrize(
    ("seconds_ago", "is_fresh"), [(0, True), (300, True), (300.5, False), (-30, True), (-31, False), (None, False)]
)
def test_a_confirmation_takes_a_sign_in_at_the_company_within_five_minutes(seconds_ago: Any, is_fresh: bool) -> None:
    at = ... if seconds_ago is None else NOW.timestamp() - seconds_ago
    assert fresh(identity(claims(auth_time=at), "groups"), NOW).allowed is is_fresh


ERRAND = Errand("sign-in", "/account/emails?done=x", NOW)


def test_an_errand_comes_back_as_it_went() -> None:
    state = errands.state_of(ERRAND, "secret")
    assert errands.errand_of(state, "secret", NOW + timedelta(minutes=10)) == ERRAND
    confirm = Errand("confirm", "/x", NOW, "0123456789abcdef")
    assert errands.errand_of(errands.state_of(confirm, "secret"), "secret", NOW) == confirm


def test_an_errand_is_lost_in_another_browser_altered_or_too_late() -> None:
    state = errands.state_of(ERRAND, "secret")
    other = errands.state_of(Errand("sign-in", "/elsewhere", NOW), "secret")
    mixed = f"{other.partition('.')[0]}.{state.partition('.')[2]}"
    for text, secret, now in (
        (state, "another", NOW), (state, "", NOW), (mixed, "secret", NOW), ("", "secret", NOW), ("é.é", "secret", NOW),
        (state, "secret", NOW + timedelta(minutes=10, seconds=1)), (state, "secret", NOW - timedelta(seconds=31)),
    ):  # fmt: skip
        assert isinstance(errands.errand_of(text, secret, now), Decision), text


def test_a_long_way_to_go_on_is_forgotten_rather_than_sent_along() -> None:
    state = errands.state_of(Errand("sign-in", "/" + "x" * 2000, NOW), "secret")
    found = errands.errand_of(state, "secret", NOW)
    assert isinstance(found, Errand) and found.onward == ""
    assert len(state) < 200


def test_what_follows_from_a_secret_differs_by_purpose_and_secret() -> None:
    made = [f(s) for s in ("one", "two") for f in (errands.nonce_of, errands.verifier_of, errands.reuse_key)]
    assert len({*made}) == 6
    assert len(errands.verifier_of("one")) == 43
    # RFC 7636, appendix B.
    assert (
        errands.challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
