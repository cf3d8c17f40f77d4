"""Trusted publishers: what people may type, and whose the claims of a token are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services import claims as samples

from affineur.core import publishers
from affineur.core.decision import Decision, Refused
from affineur.core.publishers import AdmittedIssuer, Publisher

OWN_GITLAB = AdmittedIssuer("gitlab", "https://git.example.org:8443/forge", "Our GitLab")
BUILDKITE = AdmittedIssuer(
    "oidc",
    "https://agent.buildkite.example.org",
    "Buildkite",
    ("organization_slug", "pipeline_slug"),
    ("build_branch",),
    ("organization_id",),
)
ADMITTED = (*publishers.WELL_KNOWN, OWN_GITLAB, BUILDKITE)
ISSUERS = {issuer.kind: issuer.url for issuer in publishers.WELL_KNOWN} | {"oidc": BUILDKITE.url}

FIELDS: dict[str, dict[str, str]] = {
    "github": {"owner": "fromagerie", "repository": "roquefort", "workflow": "release.yml", "environment": "release"},
    "gitlab": {
        "namespace": "fromagerie/blue",
        "project": "roquefort",
        "workflow": "ci/release.yaml",
        "environment": "release",
    },
    "google": {"email": "release@fromagerie.example.org", "sub": "111260650121185072906"},
    "activestate": {
        "organization": "fromagerie",
        "project": "roquefort",
        "actor_id": "00000000-1000-8000-8000-000000000003",
        "ingredient": "roquefort",
    },
    "oidc": {"organization_slug": "fromagerie", "pipeline_slug": "roquefort", "build_branch": "main"},
}
OPTIONAL = {"github": "environment", "gitlab": "environment", "google": "sub", "activestate": "ingredient",
            "oidc": "build_branch"}  # fmt: skip


def publisher(kind: str, **changes: str) -> Publisher:
    return publishers.parse(kind, ISSUERS[kind], FIELDS[kind] | changes, ADMITTED)


def good_claims(kind: str) -> dict[str, Any]:
    made: dict[str, Callable[[], Mapping[str, object]]] = {
        "github": lambda: samples.github(environment="release"),
        "gitlab": lambda: samples.gitlab("fromagerie/blue/roquefort", "ci/release.yaml", environment="release"),
        "google": samples.google,
        "activestate": samples.activestate,
        "oidc": lambda: {
            "sub": "organization:fromagerie:pipeline:roquefort:ref:refs/heads/main",
            "organization_slug": "fromagerie",
            "organization_id": "0184990a-477b-4fa8-9968-496074483cee",
            "pipeline_slug": "roquefort",
            "build_branch": "main",
        },
    }
    return {"iss": ISSUERS[kind], "jti": "6f6f", **made[kind]()}


def differing(decision: Publisher | Decision) -> list[str]:
    """The claims that a refusal names, in its order."""
    assert isinstance(decision, Decision)
    assert not decision.allowed
    assert decision.rule == "publisher.invalid-publisher"
    differences = decision.facts["differences"]
    assert isinstance(differences, tuple)
    return [difference.claim for difference in differences]


# What people type


@pytest.mark.parametrize("kind", FIELDS)
def test_a_publisher_of_each_kind_can_be_described(kind: str) -> None:
    assert dict(publisher(kind).fields) == FIELDS[kind]


@pytest.mark.parametrize("kind", FIELDS)
def test_spaces_around_a_value_and_an_empty_optional_field_are_dropped(kind: str) -> None:
    typed = {name: f"  {value}\t" for name, value in FIELDS[kind].items()} | {OPTIONAL[kind]: "  "}
    found = publishers.parse(kind, ISSUERS[kind], typed, ADMITTED)
    assert dict(found.fields) == {name: value for name, value in FIELDS[kind].items() if name != OPTIONAL[kind]}


@pytest.mark.parametrize("issuer", ADMITTED, ids=lambda issuer: issuer.name)
def test_the_example_of_each_field_is_a_valid_value(issuer: AdmittedIssuer) -> None:
    examples = {field.name: field.example for field in publishers.fields_of(issuer)}
    assert dict(publishers.parse(issuer.kind, issuer.url, examples, ADMITTED).fields) == examples


REQUIRED = [(issuer.kind, field.name) for issuer in ADMITTED for field in publishers.fields_of(issuer)
            if field.required and issuer is not OWN_GITLAB]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
@pytest.mark.parametrize("value", ["", "   ", None, 7, ["x"]])
def test_a_required_field_that_is_missing_or_no_text_is_refused(kind: str, name: str, value: object) -> None:
    with pytest.raises(Refused) as refused:
        publishers.parse(kind, ISSUERS[kind], {**FIELDS[kind], name: value}, ADMITTED)
    assert refused.value.decision.rule == "publisher.field"
    assert refused.value.decision.facts["field"] == name


WRONG_VALUES = [
    *(("github", "owner", value) for value in ("-x", "a/b", "a b", "a\nb", "é", "\u212aelvin", "a" * 101, "a:b")),
    *(("github", "repository", value) for value in ("a/b", ".", "..", "a.git", "a b", "é", "a" * 101)),
    *(("github", "workflow", value) for value in ("release", ".yml", "a.yml.txt", "x/release.yml", "a@b.yml")),
    *(("github", "workflow", value) for value in ("release.YML", "a\\b.yml", "a\0.yml", "a\n.yml", "a" * 252 + ".yml")),
    *(("github", "environment", value) for value in ("a;b", "a'b", 'a"b', "a,b", "a\nb", "a" * 256)),
    *(("gitlab", "namespace", value) for value in ("/a", "a/", "a//b", "a/../b", "a:b", "-a", "a b", "a.git/b")),
    *(("gitlab", "project", value) for value in ("a/b", "..", "a.git", "a.atom", "a:b", "")),
    *(("gitlab", "workflow", value) for value in ("/a.yml", "a/.yml", "a/../b.yml", "a//b.yml", "a.yml@b/c", "a.txt")),
    *(("gitlab", "environment", value) for value in ("a:b", "é", "a\nb", "a" * 256)),
    *(("google", "email", value) for value in ("a", "@b", "a@", "a@b@c", "a b@c", "é@example.org", "a\n@b")),
    *(("google", "sub", value) for value in ("a b", "é", "1" * 256)),
    *(("activestate", "organization", value) for value in ("a:b", "a/b", "", "-a")),
    *(("activestate", "actor_id", value) for value in ("mona", "0" * 36, "00000000-1000-8000-8000-00000000000G")),
    *(("oidc", "pipeline_slug", value) for value in ("a\nb", "a" * 501, "a\x1b[31m")),
]


@pytest.mark.parametrize(("kind", "name", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_and_the_field_named(kind: str, name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        publisher(kind, **{name: value})
    assert refused.value.decision.rule == "publisher.field"
    assert refused.value.decision.facts["field"] == name


def test_all_wrong_fields_are_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        publishers.parse("github", ISSUERS["github"], {"owner": "-", "repository": "x", "branch": "main"})
    errors = refused.value.decision.facts["errors"]
    assert isinstance(errors, Mapping)
    assert list(errors) == ["owner", "workflow", "branch"]


@given(kind=st.sampled_from(sorted(FIELDS)), name=st.integers(0, 3), value=st.text())
def test_whatever_is_typed_is_refused_or_printable_and_can_be_shown(kind: str, name: int, value: str) -> None:
    field = list(FIELDS[kind])[name % len(FIELDS[kind])]
    try:
        found = publisher(kind, **{field: value})
    except Refused as refused:
        assert refused.decision.sentence.isprintable()
    else:
        assert publishers.display(found).isprintable()


@pytest.mark.parametrize(
    ("kind", "issuer", "rule"),
    [
        ("jenkins", "https://gitlab.com", "publisher.kind"),
        ("gitlab", "https://gitlab.example.org", "publisher.issuer"),
        ("gitlab", "https://gitlab.com/", "publisher.issuer"),
        ("github", "https://gitlab.com", "publisher.issuer"),
    ],
)
def test_a_kind_or_issuer_the_index_does_not_know_is_refused(kind: str, issuer: str, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        publishers.parse(kind, issuer, FIELDS["gitlab"])
    assert refused.value.decision.rule == rule


# Showing and finding


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("github", "GitHub Actions: fromagerie/roquefort, release.yml, environment release"),
        ("gitlab", "GitLab CI/CD: fromagerie/blue/roquefort, ci/release.yaml, environment release"),
        ("google", "Google Cloud: release@fromagerie.example.org"),
        (
            "activestate",
            "ActiveState: fromagerie/roquefort, actor 00000000-1000-8000-8000-000000000003, ingredient roquefort",
        ),
        (
            "oidc",
            "agent.buildkite.example.org: build_branch main, organization_slug fromagerie, pipeline_slug roquefort",
        ),
    ],
)
def test_a_publisher_is_shown_in_one_line(kind: str, line: str) -> None:
    assert publishers.display(publisher(kind)) == line


def test_a_publisher_of_an_instance_of_ones_own_is_shown_with_its_host() -> None:
    own = publishers.parse("gitlab", OWN_GITLAB.url, FIELDS["gitlab"], ADMITTED)
    assert publishers.display(own).startswith("GitLab CI/CD (git.example.org:8443/forge): ")


def test_names_that_differ_in_capitals_only_have_one_fingerprint_where_the_service_takes_them_for_the_same() -> None:
    github = publishers.fingerprint(publisher("github"))
    assert publishers.fingerprint(publisher("github", owner="FromAgerie", environment="RELEASE")) == github
    assert publishers.fingerprint(publisher("github", workflow="Release.yml")) != github
    gitlab = publishers.fingerprint(publisher("gitlab"))
    assert publishers.fingerprint(publisher("gitlab", project="Roquefort")) == gitlab
    assert publishers.fingerprint(publisher("gitlab", environment="Release")) != gitlab


def test_a_fingerprint_does_not_depend_on_the_order_of_fields_or_on_pins() -> None:
    one = publisher("github")
    turned = Publisher(one.kind, one.issuer, dict(reversed(one.fields.items())), {"repository_id": "7"})
    assert publishers.fingerprint(turned) == publishers.fingerprint(one)


def test_the_fingerprint_is_the_one_that_is_stored() -> None:
    """Another form would make every stored publisher a stranger."""
    form = '["google","https://accounts.google.com",{"email":"a@example.org","sub":"1"}]'
    found = publisher("google", email="a@example.org", sub="1")
    assert publishers.fingerprint(found) == hashlib.sha256(form.encode()).hexdigest()


@pytest.mark.parametrize("kind", FIELDS)
def test_claims_and_their_publisher_have_the_same_home(kind: str) -> None:
    found = publisher(kind)
    assert publishers.home_of(found.kind, good_claims(kind)) == publishers.home(found)


def test_claims_without_an_owner_have_no_home() -> None:
    assert publishers.home_of("github", {"iss": ISSUERS["github"], "repository_owner": 7}) is None


# Whose the claims are


@pytest.mark.parametrize("kind", FIELDS)
def test_the_right_claims_fit(kind: str) -> None:
    assert publishers.matches(publisher(kind), good_claims(kind)).allowed


CHECKED = {
    "github": {"iss", "repository", "repository_owner", "ref", "sha", "job_workflow_ref", "event_name", "jti",
               "environment", "repository_owner_id", "repository_id"},
    "gitlab": {"iss", "sub", "project_path", "ref_path", "sha", "ci_config_ref_uri", "jti", "environment",
               "namespace_id", "project_id"},
    "google": {"iss", "email", "email_verified", "sub"},
    "activestate": {"iss", "sub", "organization", "project", "actor_id", "builder", "ingredient"},
    "oidc": {"iss", "organization_slug", "pipeline_slug", "build_branch", "organization_id"},
}  # fmt: skip
MAY_BE_EMPTY = {("github", "ref"), ("github", "sha")}  # not both: a test of its own
EACH_CLAIM = [(kind, claim) for kind, claims in CHECKED.items() for claim in sorted(claims)]


@pytest.mark.parametrize(("kind", "claim"), EACH_CLAIM)
@pytest.mark.parametrize("value", [None, False, ["x"], {"x": "y"}, 1.5], ids=repr)
def test_a_claim_of_the_wrong_type_does_not_fit(kind: str, claim: str, value: object) -> None:
    assert claim in differing(publishers.matches(publisher(kind), good_claims(kind) | {claim: value}))


@pytest.mark.parametrize(("kind", "claim"), [pair for pair in EACH_CLAIM if pair not in MAY_BE_EMPTY])
def test_a_claim_that_is_empty_does_not_fit(kind: str, claim: str) -> None:
    assert claim in differing(publishers.matches(publisher(kind), good_claims(kind) | {claim: ""}))


@pytest.mark.parametrize(("kind", "claim"), EACH_CLAIM)
def test_a_claim_that_is_missing_does_not_fit(kind: str, claim: str) -> None:
    claims = good_claims(kind)
    del claims[claim]
    assert claim in differing(publishers.matches(publisher(kind), claims))


NOT_COMPARED = {"ref", "sha", "ref_path", "jti", "event_name"}


@pytest.mark.parametrize(("kind", "claim"), [pair for pair in EACH_CLAIM if pair[1] not in NOT_COMPARED])
@pytest.mark.parametrize("change", [lambda text: text + "x", lambda text: "x" + text, lambda text: text + "\n"])
def test_a_claim_with_another_value_does_not_fit(kind: str, claim: str, change: Callable[[str], str]) -> None:
    first = good_claims(kind)
    known = publishers.with_pins(publisher(kind), publishers.pinned(publisher(kind), first))
    assert publishers.matches(known, first).allowed
    changed = change(str(first[claim]))
    if kind == "gitlab" and claim == "sub":
        changed = changed.replace("roquefort", "roquefort2")  # what follows the project is not looked at
    assert claim in differing(publishers.matches(known, first | {claim: changed}))


WITH_LETTERS = {"iss", "repository", "repository_owner", "environment", "sub", "project_path", "email", "organization",
                "project", "builder", "ingredient", "organization_slug", "pipeline_slug", "build_branch",
                "organization_id"}  # fmt: skip
FOLDED = {("github", "repository"), ("github", "repository_owner"), ("github", "environment"), ("gitlab", "sub"),
          ("gitlab", "project_path")}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "claim"), [pair for pair in EACH_CLAIM if pair[1] in WITH_LETTERS and pair != ("google", "sub")]
)
def test_capitals_matter_except_where_the_service_takes_them_for_the_same(kind: str, claim: str) -> None:
    first = good_claims(kind)
    known = publishers.with_pins(publisher(kind), publishers.pinned(publisher(kind), first))
    decision = publishers.matches(known, first | {claim: first[claim].upper()})
    assert decision.allowed == ((kind, claim) in FOLDED)


def test_no_other_letter_counts_as_one_of_a_to_z() -> None:
    kelvin = good_claims("github") | {"repository_owner": "\u212aelvin", "repository": "\u212aelvin/roquefort"}
    assert "repository_owner" in differing(publishers.matches(publisher("github", owner="kelvin"), kelvin))


@pytest.mark.parametrize(
    ("reference", "fits"),
    [
        ("fromagerie/roquefort/.github/workflows/release.yml@refs/tags/v1.0", True),
        ("Fromagerie/Roquefort/.github/workflows/release.yml@refs/tags/v1.0", True),
        (f"fromagerie/roquefort/.github/workflows/release.yml@{samples.SHA}", True),
        ("fromagerie/roquefort/.github/workflows/Release.yml@refs/tags/v1.0", False),
        ("fromagerie/roquefort/.GitHub/workflows/release.yml@refs/tags/v1.0", False),
        ("fromagerie/roquefort/.github/workflows/release.yml@refs/tags/V1.0", False),
        ("fromagerie/roquefort/.github/workflows/release.yml@refs/tags/v1.1", False),
        ("fromagerie/roquefort/.github/workflows/release.yml@", False),
        ("fromagerie/roquefort/.github/workflows/release.yml", False),
        ("fromagerie/roquefort/.github/workflows/x/release.yml@refs/tags/v1.0", False),
        ("fromagerie/shared/.github/workflows/release.yml@refs/tags/v1.0", False),
        ("fromagerie/roquefort/.github/workflows/evil.yml@release.yml@refs/tags/v1.0", False),
    ],
)
def test_a_github_job_is_of_the_named_workflow_file_at_its_own_revision(reference: str, fits: bool) -> None:
    claims = good_claims("github") | {"job_workflow_ref": reference}
    assert publishers.matches(publisher("github"), claims).allowed == fits


@pytest.mark.parametrize(
    ("ref", "sha", "revision", "fits"),
    [
        ("", "abc", "abc", True),  # a deployment of a commit
        ("refs/heads/main", "", "refs/heads/main", True),
        ("", "", "", False),
        ("refs/heads/main", "abc", "", False),
    ],
)
def test_a_github_job_has_a_ref_or_a_commit(ref: str, sha: str, revision: str, fits: bool) -> None:
    path = f"fromagerie/roquefort/.github/workflows/release.yml@{revision}"
    claims = good_claims("github") | {"ref": ref, "sha": sha, "job_workflow_ref": path}
    assert publishers.matches(publisher("github"), claims).allowed == fits


def test_a_job_for_pull_requests_of_strangers_is_refused_with_a_way_out() -> None:
    claims = good_claims("github") | {"event_name": "pull_request_target"}
    decision = publishers.matches(publisher("github"), claims)
    assert differing(decision) == ["event_name"]
    assert "pull_request_target runs for strangers too" in decision.sentence


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("gitlab.com/fromagerie/blue/roquefort//ci/release.yaml@refs/tags/v1.0", True),
        ("gitlab.com/Fromagerie/blue/Roquefort//ci/release.yaml@refs/tags/v1.0", True),
        (f"gitlab.com/fromagerie/blue/roquefort//ci/release.yaml@{samples.SHA}", True),
        ("gitlab.com/fromagerie/blue/roquefort//ci/Release.yaml@refs/tags/v1.0", False),
        ("gitlab.com/fromagerie/blue/roquefort//ci/release.yaml@refs/tags/v2.0", False),
        ("gitlab.com/fromagerie/blue/roquefort/ci/release.yaml@refs/tags/v1.0", False),
        ("gitlab.example.org/fromagerie/blue/roquefort//ci/release.yaml@refs/tags/v1.0", False),
        ("https://gitlab.com/fromagerie/blue/roquefort//ci/release.yaml@refs/tags/v1.0", False),
        ("gitlab.com/fromagerie/templates//ci/release.yaml@refs/tags/v1.0", False),
    ],
)
def test_a_gitlab_job_is_of_the_named_pipeline_file_of_the_instance(uri: str, fits: bool) -> None:
    claims = good_claims("gitlab") | {"ci_config_ref_uri": uri}
    assert publishers.matches(publisher("gitlab"), claims).allowed == fits


def test_a_gitlab_of_ones_own_has_its_port_and_path_in_the_pipeline_file() -> None:
    own = publishers.parse("gitlab", OWN_GITLAB.url, FIELDS["gitlab"], ADMITTED)
    claims = samples.gitlab(
        "fromagerie/blue/roquefort", "ci/release.yaml", host="git.example.org:8443/forge", environment="release"
    )
    assert publishers.matches(own, {"iss": OWN_GITLAB.url, "jti": "1", **claims}).allowed
    assert differing(publishers.matches(own, good_claims("gitlab"))) == ["iss", "ci_config_ref_uri"]


@pytest.mark.parametrize(
    ("subject", "fits"),
    [
        ("project_path:fromagerie/blue/roquefort", True),
        ("project_path:fromagerie/blue/roquefort:ref_type:branch:ref:main", True),
        ("project_path:fromagerie/blue/roquefort-evil:ref_type:branch", False),
        ("fromagerie/blue/roquefort", False),
    ],
)
def test_a_gitlab_subject_begins_with_the_project(subject: str, fits: bool) -> None:
    assert publishers.matches(publisher("gitlab"), good_claims("gitlab") | {"sub": subject}).allowed == fits


def test_a_publisher_of_no_claims_at_all_fits_nothing() -> None:
    assert differing(publishers.matches(Publisher("oidc", BUILDKITE.url, {}), good_claims("oidc"))) == ["sub"]


def test_an_id_that_an_issuer_writes_as_a_number_is_compared_as_text() -> None:
    numbered = Publisher("oidc", BUILDKITE.url, {"pipeline": "17"})
    assert publishers.matches(numbered, {"iss": BUILDKITE.url, "pipeline": 17}).allowed
    for other in (18, True, 17.0, "017"):
        assert not publishers.matches(numbered, {"iss": BUILDKITE.url, "pipeline": other}).allowed


# Pins


@pytest.mark.parametrize(
    ("kind", "pins"),
    [
        ("github", {"repository_owner_id": "50001", "repository_id": "70001"}),
        ("gitlab", {"namespace_id": "50001", "project_id": "70001"}),
        ("google", {}),
        ("activestate", {}),
        ("oidc", {"organization_id": "0184990a-477b-4fa8-9968-496074483cee"}),
    ],
)
def test_ids_that_are_never_given_twice_are_learned_from_the_first_token(kind: str, pins: dict[str, str]) -> None:
    learned = publishers.pinned(publisher(kind), good_claims(kind))
    assert dict(learned) == pins
    assert dict(publishers.pinned(publishers.with_pins(publisher(kind), learned), good_claims(kind))) == {}


def test_the_subject_of_a_google_account_is_learned_where_nobody_gave_it() -> None:
    bare = publisher("google", sub="")
    assert dict(publishers.pinned(bare, good_claims("google"))) == {"sub": "111260650121185072906"}


def test_a_name_that_was_taken_over_by_somebody_else_does_not_fit() -> None:
    known = publishers.with_pins(publisher("gitlab"), publishers.pinned(publisher("gitlab"), good_claims("gitlab")))
    decision = publishers.matches(known, good_claims("gitlab") | {"project_id": "99999"})
    assert differing(decision) == ["project_id"]
    assert "new owner registers the publisher anew" in decision.sentence


def test_what_is_learned_never_replaces_what_is_known() -> None:
    known = publishers.with_pins(publisher("github"), {"repository_id": "1"})
    assert publishers.with_pins(known, {"repository_id": "2"}).pins["repository_id"] == "1"


# Choosing


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("turned", [False, True])
def test_the_publisher_that_says_most_comes_first(kind: str, turned: bool) -> None:
    specific, general = publisher(kind), publisher(kind, **{OPTIONAL[kind]: ""})
    candidates = [general, specific] if turned else [specific, general]
    assert publishers.choose(candidates, good_claims(kind)) == specific


def test_a_job_of_another_environment_belongs_to_the_publisher_that_names_none() -> None:
    general = publisher("github", environment="")
    claims = good_claims("github") | {"environment": "staging"}
    assert publishers.choose([publisher("github"), general], claims) == general
    del claims["environment"]
    assert publishers.choose([publisher("github"), general], claims) == general


def test_the_refusal_tells_every_difference_from_the_nearest_publisher() -> None:
    far = publisher("github", repository="comte", workflow="publish.yml")
    claims = good_claims("github") | {"environment": "Staging"}
    decision = publishers.choose([far, publisher("github")], claims)
    assert differing(decision) == ["environment"]
    assert isinstance(decision, Decision)
    assert decision.reason == (
        "The token is not that of the publisher 'GitHub Actions: fromagerie/roquefort, release.yml, environment "
        "release': environment is 'Staging', expected 'release'."
    )
    assert "Name the environment in the job" in decision.sentence


def test_what_other_owners_have_registered_is_not_told() -> None:
    secret = publisher("github", owner="somebody", repository="secret-plans")
    decision = publishers.choose([secret], good_claims("github"))
    assert differing(decision) == []
    assert isinstance(decision, Decision)
    assert "secret-plans" not in decision.sentence
    assert "somebody" not in decision.sentence
    assert "repository 'fromagerie/roquefort'" in decision.sentence


@pytest.mark.parametrize("changes", [{"organization_slug": "secret"}, {"organization_slug": "s", "pipeline_slug": "t"}])
def test_what_a_publisher_of_a_shared_service_expects_is_not_told(changes: dict[str, str]) -> None:
    decision = publishers.choose([publisher("oidc", **changes)], good_claims("oidc"))
    assert isinstance(decision, Decision)
    assert "secret" not in repr(decision)


def test_a_publisher_of_a_shared_service_is_near_where_it_has_something_in_common() -> None:
    claims = good_claims("oidc")
    near = publisher("oidc", pipeline_slug="comte")
    assert differing(publishers.choose([near], claims)) == ["pipeline_slug"]
    far = publisher("oidc", organization_slug="somebody", pipeline_slug="comte", build_branch="")
    assert differing(publishers.choose([far], claims)) == []


def test_without_any_publisher_the_claims_are_told() -> None:
    decision = publishers.choose([], good_claims("google"))
    assert isinstance(decision, Decision)
    assert "email 'release@fromagerie.example.org'" in decision.reason


@given(
    kind=st.sampled_from(sorted(FIELDS)),
    junk=st.dictionaries(
        st.sampled_from(sorted(set().union(*CHECKED.values()))),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3),
    ),
)
def test_no_claims_whatever_break_the_comparison_or_its_sentence(kind: str, junk: dict[str, Any]) -> None:
    decision = publishers.choose([publisher(kind)], good_claims(kind) | junk)
    if isinstance(decision, Decision):
        assert decision.sentence.isascii()
        assert decision.sentence.isprintable()


# Issuers an operator admits


def test_an_operator_admits_an_issuer_with_the_claims_that_name_a_job() -> None:
    entry = {
        "issuer": BUILDKITE.url,
        "name": "Buildkite",
        "claims": ["organization_slug", "pipeline_slug"],
        "optional": ["build_branch"],
        "pins": ["organization_id"],
    }
    assert publishers.admit(entry) == BUILDKITE
    assert publishers.admitted_issuers(["gitlab"], [entry]) == (publishers.WELL_KNOWN[1], BUILDKITE)


def test_an_issuer_without_a_name_is_called_by_its_host() -> None:
    assert publishers.admit({"kind": "gitlab", "issuer": OWN_GITLAB.url}).name == "git.example.org:8443/forge"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"issuer": 7, "claims": ["sub"]},
        {"issuer": "http://ci.example.org", "claims": ["sub"]},
        {"issuer": "https://", "claims": ["sub"]},
        {"issuer": "https://ci.example.org/?x", "claims": ["sub"]},
        {"issuer": "https://ci.example.org/#x", "claims": ["sub"]},
        {"issuer": "https://user:x@ci.example.org", "claims": ["sub"]},
        {"issuer": "https://ci.example.org:port", "claims": ["sub"]},
        {"issuer": "https://ci.example.org/\n", "claims": ["sub"]},
        {"issuer": "https://ci.example.org"},
        {"issuer": "https://ci.example.org", "claims": []},
        {"issuer": "https://ci.example.org", "claims": "sub"},
        {"issuer": "https://ci.example.org", "claims": [7]},
        {"issuer": "https://ci.example.org", "claims": ["aud"]},
        {"issuer": "https://ci.example.org", "claims": ["jti"]},
        {"issuer": "https://ci.example.org", "claims": ["sub", "sub"]},
        {"issuer": "https://ci.example.org", "claims": ["sub"], "optional": ["sub"]},
        {"issuer": "https://ci.example.org", "claims": ["a b"]},
        {"issuer": "https://ci.example.org", "claims": [f"c{number}" for number in range(21)]},
        {"issuer": "https://ci.example.org", "claims": ["sub"], "audience": "x"},
        {"issuer": "https://ci.example.org", "claims": ["sub"], "name": ""},
        {"issuer": "https://ci.example.org", "kind": "jenkins"},
        {"issuer": "https://ci.example.org", "kind": "gitlab", "claims": ["sub"]},
    ],
)
def test_an_entry_that_is_wrong_or_would_admit_every_job_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        publishers.admit(entry)
    assert refused.value.decision.rule == "publisher.setting"


def test_http_is_taken_on_the_machine_itself_only() -> None:
    for host in ("127.0.0.1:8080", "localhost", "[::1]:8080"):
        assert publishers.admit({"kind": "gitlab", "issuer": f"http://{host}"}).url == f"http://{host}"


def test_no_issuer_is_admitted_twice() -> None:
    with pytest.raises(Refused):
        publishers.admitted_issuers(["gitlab"], [{"kind": "gitlab", "issuer": "https://gitlab.com"}])


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("publisher.invalid-token", "invalid-token"),
        ("publisher.issuer-away", "invalid-token"),
        ("publisher.issuer", "invalid-payload"),
        ("publisher.invalid-publisher", "invalid-publisher"),
        ("publisher.invalid-reuse-token", "invalid-reuse-token"),
        ("access.role", "invalid-publisher"),
    ],
)
def test_a_refusal_has_a_code_that_clients_know(rule: str, code: str) -> None:
    assert publishers.error_code(rule) == code
