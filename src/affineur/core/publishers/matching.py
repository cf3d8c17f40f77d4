"""Matching: whether a token's claims are those of a publisher, claim by claim.

The claims are verified before they come here: signature, issuer, audience and times are `shell.issuers`' matter.
Each kind is a table: the claim, what it has to be, how it is compared. All rows are looked at, also after one
that does not fit, because whoever set up a publisher wants to see every difference at once.

Sources for the claims: GitHub "OpenID Connect reference"; GitLab "OpenID Connect (OIDC) Authentication Using ID
Tokens"; Google "Authenticate a user with OpenID Connect"; the tables of ADR 0015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..decision import Decision, allow, deny
from ..distributions.acceptance import quoted
from .fields import fold
from .issuers import Kind, address_of
from .publisher import Publisher, display, home, home_of

RULE = "publisher.invalid-publisher"
_SHOWN_CHARACTERS = 300

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """A claim that is not what the publisher asks for; ``expected`` and ``found`` are made for people."""

    claim: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.claim} is {self.found}, expected {self.expected}"


Rows = Iterator[Difference | None]
"""One for each row of a kind's table: None where the claim fits."""


def matches(publisher: Publisher, claims: Claims) -> Decision:
    """Whether verified ``claims`` are those of ``publisher``.

    A refusal (``publisher.invalid-publisher``) has ``differences`` among its facts, a `Difference` for each
    claim that does not fit, in the order of the kind's table.
    """
    differences = tuple(_differences(publisher, claims))
    return _refusal(publisher, differences) if differences else allow(RULE)


def choose(publishers: Iterable[Publisher], claims: Claims) -> Publisher | Decision:
    """The publisher among ``publishers`` whose claims these are: the one that says most, so the one that names
    the environment before one that names none.

    Where none fits, the refusal is about the nearest: of the same `home`, with the fewest differences. What
    other owners have registered, and what a publisher of kind ``oidc`` expects (there no claim says whose a
    job is), is not shown to whoever holds the token.
    """
    judged = [(one, tuple(_differences(one, claims))) for one in publishers]
    if fitting := [one for one, differences in judged if not differences]:
        return max(fitting, key=lambda one: len(one.fields))
    near = [(one, differences) for one, differences in judged if _may_be_shown(one, claims)]
    if not near:
        return _unknown(claims)
    nearest, differences = min(near, key=lambda pair: len(pair[1]))
    return _refusal(nearest, differences, discreet=nearest.kind == "oidc")


def pinned(publisher: Publisher, claims: Claims) -> Mapping[str, str]:
    """What to keep of the first token that matched: the values of the pins that ``publisher`` has yet to learn.

    Without them, somebody who takes over an abandoned name could publish. Empty where nothing is to be learned.
    """
    unknown = (claim for claim, value in publisher.pins.items() if not value)
    return MappingProxyType({claim: text for claim in unknown if (text := _text(publisher.kind, claims.get(claim)))})


def with_pins(publisher: Publisher, learned: Mapping[str, str]) -> Publisher:
    """``publisher`` after learning: pins that it already knows stay as they are."""
    pins = {claim: value or learned.get(claim, "") for claim, value in publisher.pins.items()}
    return replace(publisher, pins=MappingProxyType(pins))


def _differences(publisher: Publisher, claims: Claims) -> Iterator[Difference]:
    table = _TABLES[publisher.kind]
    rows = (
        _equal(claims, "iss", publisher.issuer),
        *table(publisher, claims),
        *(_pin(publisher, claims, claim) for claim in publisher.pins),
    )
    return (row for row in rows if row is not None)


def _github(publisher: Publisher, claims: Claims) -> Rows:
    """``sub`` is left out on purpose: an organisation can change its form, and the rest says more.

    A reusable workflow of another repository has that repository in ``job_workflow_ref`` and does not fit.
    """
    fields = publisher.fields
    repository = f"{fields['owner']}/{fields['repository']}"
    yield _equal_folded(claims, "repository", repository)
    yield _equal_folded(claims, "repository_owner", fields["owner"])
    # A deployment of a bare commit has an empty ref: one of both has to say something.
    yield _is_text(claims, "ref")
    yield _is_text(claims, "sha")
    yield _reference(claims, "job_workflow_ref", repository, f"/.github/workflows/{fields['workflow']}", ("ref", "sha"))
    # It runs for pull requests of strangers, with the rights of the repository itself.
    yield _other_than(claims, "event_name", "pull_request_target")
    yield _says_something(claims, "jti")
    if "environment" in fields:
        yield _equal_folded(claims, "environment", fields["environment"])


def _gitlab(publisher: Publisher, claims: Claims) -> Rows:
    """The first part of ``ci_config_ref_uri`` is the instance without its scheme: host, unusual port, path."""
    fields = publisher.fields
    project = f"{fields['namespace']}/{fields['project']}"
    yield _subject(claims, f"project_path:{project}", folded=True)
    yield _equal_folded(claims, "project_path", project)
    yield _says_something(claims, "ref_path")
    yield _says_something(claims, "sha")
    place = f"{address_of(publisher.issuer)}/{project}"
    yield _reference(claims, "ci_config_ref_uri", place, f"//{fields['workflow']}", ("ref_path", "sha"))
    yield _says_something(claims, "jti")
    if "environment" in fields:
        yield _equal(claims, "environment", fields["environment"])


def _google(publisher: Publisher, claims: Claims) -> Rows:
    yield _equal(claims, "email", publisher.fields["email"])
    verified = claims.get("email_verified")
    yield None if verified is True else Difference("email_verified", "true", _shown(verified))
    if "sub" in publisher.fields:
        yield _equal(claims, "sub", publisher.fields["sub"])


def _activestate(publisher: Publisher, claims: Claims) -> Rows:
    fields = publisher.fields
    yield _subject(claims, f"org:{fields['organization']}:project:{fields['project']}")
    yield _equal(claims, "organization", fields["organization"])
    yield _equal(claims, "project", fields["project"])
    yield _equal(claims, "actor_id", fields["actor_id"])
    yield _equal(claims, "builder", "pypi-publisher")
    if "ingredient" in fields:
        yield _equal(claims, "ingredient", fields["ingredient"])


def _oidc(publisher: Publisher, claims: Claims) -> Rows:
    """A publisher without fields fits nothing: it would fit every job of the service."""
    if not publisher.fields:
        yield Difference("sub", "a publisher that names at least one claim", _shown(claims.get("sub")))
    for claim, value in publisher.fields.items():
        text = _text("oidc", claims.get(claim))
        yield None if text == value else Difference(claim, quoted(value, _SHOWN_CHARACTERS), _shown(claims.get(claim)))


_TABLES: Mapping[Kind, Callable[[Publisher, Claims], Rows]] = MappingProxyType(
    {"github": _github, "gitlab": _gitlab, "google": _google, "activestate": _activestate, "oidc": _oidc}
)


def _equal(claims: Claims, claim: str, expected: str) -> Difference | None:
    found = claims.get(claim)
    return None if isinstance(found, str) and found == expected else _difference(claim, expected, found)


def _equal_folded(claims: Claims, claim: str, expected: str) -> Difference | None:
    found = claims.get(claim)
    return None if isinstance(found, str) and fold(found) == fold(expected) else _difference(claim, expected, found)


def _is_text(claims: Claims, claim: str) -> Difference | None:
    found = claims.get(claim)
    return None if isinstance(found, str) else Difference(claim, "text", _shown(found))


def _says_something(claims: Claims, claim: str) -> Difference | None:
    found = claims.get(claim)
    return None if isinstance(found, str) and found else Difference(claim, "a value", _shown(found))


def _other_than(claims: Claims, claim: str, forbidden: str) -> Difference | None:
    found = claims.get(claim)
    fits = isinstance(found, str) and found not in ("", forbidden)
    return None if fits else Difference(claim, f"anything but {quoted(forbidden)}", _shown(found))


def _subject(claims: Claims, expected: str, *, folded: bool = False) -> Difference | None:
    """``expected`` alone, or with more after a colon."""
    found = claims.get("sub")
    if isinstance(found, str):
        start = fold(found) if folded else found
        wanted = fold(expected) if folded else expected
        if start == wanted or start.startswith(wanted + ":"):
            return None
    return _difference("sub", f"{expected}:…", found)


def _reference(claims: Claims, claim: str, place: str, path: str, revisions: tuple[str, str]) -> Difference | None:
    """``<place><path>@<revision>``; in ``place`` A–Z are a–z, and the rest is exact, as file and branch names are."""
    found = claims.get(claim)
    known = [revision for name in revisions if isinstance(revision := claims.get(name), str) and revision]
    if isinstance(found, str) and fold(found[: len(place)]) == fold(place):
        rest = found[len(place) :]
        if any(rest == f"{path}@{revision}" for revision in known):
            return None
    return _difference(claim, f"{place}{path}@{known[0] if known else '…'}", found)


def _pin(publisher: Publisher, claims: Claims, claim: str) -> Difference | None:
    """A pin not yet learned still has to be there, so that it can be."""
    found = _text(publisher.kind, claims.get(claim))
    kept = publisher.pins[claim]
    if found and kept in ("", found):
        return None
    expected = f"{quoted(kept)}, as it was at first use" if kept else "a value"
    return Difference(claim, expected, _shown(claims.get(claim)))


def _text(kind: Kind, value: object) -> str | None:
    """A claim as text. Some issuers write ids as numbers; those of the four known kinds are text."""
    if kind == "oidc" and isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**100 else None
    return value if isinstance(value, str) else None


def _difference(claim: str, expected: str, found: object) -> Difference:
    return Difference(claim, quoted(expected, _SHOWN_CHARACTERS), _shown(found))


def _shown(found: object) -> str:
    """What was found, harmless: no line break of a stranger's reaches a terminal or a log."""
    match found:
        case None:
            return "missing"
        case str():
            return quoted(found, _SHOWN_CHARACTERS)
        case bool():
            return "true" if found else "false"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"


_WAYS_OUT = {
    "environment": "Name the environment in the job, or leave it out of the publisher.",
    "event_name": "Publish from a push, a tag or a release: pull_request_target runs for strangers too.",
    "job_workflow_ref": "Publish from the named workflow itself: reusable workflows cannot be publishers.",
    "ci_config_ref_uri": "Publish from the pipeline file of the project itself.",
}


def _refusal(publisher: Publisher, differences: tuple[Difference, ...], *, discreet: bool = False) -> Decision:
    """``discreet``: to somebody who may have nothing to do with the publisher, and must not learn what it says."""
    name = address_of(publisher.issuer) if discreet else display(publisher)
    if discreet:
        differences = tuple(replace(one, expected="another value") for one in differences)
    ways_out = [_WAYS_OUT[one.claim] for one in differences if one.claim in _WAYS_OUT]
    if any(publisher.pins.get(one.claim) for one in differences):
        ways_out.append("If the name has changed hands, its new owner registers the publisher anew.")
    said = "; ".join(str(one) for one in differences)
    return deny(
        RULE,
        f"The token is not that of the publisher {quoted(name, _SHOWN_CHARACTERS)}: {said}.",
        *(ways_out or ["Correct the publisher, or the job that asks."]),
        publisher=name,
        differences=differences,
    )


_TELLING = (
    *("sub", "repository", "job_workflow_ref", "project_path", "ci_config_ref_uri", "environment"),
    *("email", "organization", "project", "actor_id"),
)


def _unknown(claims: Claims) -> Decision:
    """The refusal where not even the owner is known here. It repeats the token's own claims only."""
    said = {claim: _shown(claims[claim]) for claim in _TELLING if claim in claims}
    told = ", ".join(f"{claim} {value}" for claim, value in said.items())
    return deny(
        RULE,
        f"No publisher is registered for this token: {told}.",
        "Compare these claims with the publishers of the project, letter by letter.",
        differences=(),
        claims=MappingProxyType(said),
    )


def _may_be_shown(publisher: Publisher, claims: Claims) -> bool:
    if home(publisher) != home_of(publisher.kind, claims):
        return False
    if publisher.kind != "oidc":
        return True
    return any(_text("oidc", claims.get(claim)) == value for claim, value in publisher.fields.items())
