"""The publisher: one job of one service, as a value made of what somebody typed.

What does not live here: the comparison with a token (`matching`), and where publishers are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from ..decision import refuse
from ..distributions.acceptance import quoted
from .fields import Field, fields_of, fold, pins_of
from .issuers import KINDS, WELL_KNOWN, AdmittedIssuer, Kind, address_of

MOST_PENDING = 3
"""How many one account may have pending: enough for a release of siblings, too few to collect names."""
PENDING_LASTS = timedelta(days=30)
"""How long one waits for the first upload of its project."""

_NAMES: Mapping[Kind, str] = {issuer.kind: issuer.name for issuer in WELL_KNOWN}
_FOLDED: Mapping[Kind, frozenset[str]] = {
    issuer.kind: frozenset(one.name for one in fields_of(issuer) if one.folded) for issuer in WELL_KNOWN
}


@dataclass(frozen=True, slots=True)
class Publisher:
    """A publisher. ``fields`` is what people said, ``pins`` what was learned from its first token.

    The keys of ``pins`` are claims; an empty value is one that is yet to be learned.
    """

    kind: Kind
    issuer: str
    fields: Mapping[str, str]
    pins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def parse(
    kind: str, issuer: str, fields: Mapping[str, object], admitted: Iterable[AdmittedIssuer] = WELL_KNOWN
) -> Publisher:
    """The publisher that ``fields`` describes; spaces around a value and empty optional fields are dropped.

    `Refused`: ``publisher.kind`` for a kind that does not exist, ``publisher.issuer`` where the index does not
    listen to ``issuer`` (or it is of another kind), ``publisher.field`` for fields that are missing, unknown or
    wrong; its facts have ``errors``, a sentence for each such field.
    """
    if kind not in KINDS:
        refuse("publisher.kind", f"{quoted(kind)} is no kind of publisher.", f"Use one of: {', '.join(KINDS)}.")
    found = next((one for one in admitted if one.url == issuer and one.kind == kind), None)
    if found is None:
        refuse(
            "publisher.issuer",
            f"This index takes no {kind} tokens from the issuer {quoted(issuer, 200)}.",
            "The operator can admit it in the settings.",
        )
    definitions = fields_of(found)
    values = {one.name: _value(fields.get(one.name)) for one in definitions}
    errors = {one.name: sentence for one in definitions if (sentence := _fault(one, values[one.name]))}
    errors |= {name: "There is no such field." for name in fields if name not in values}
    if errors:
        name, sentence = next(iter(errors.items()))
        refuse("publisher.field", f"{quoted(name)}: {sentence}", field=name, errors=MappingProxyType(errors))
    given = {name: value for name, value in values.items() if value}
    pins = {claim: "" for claim in pins_of(found) if claim not in given}
    return Publisher(found.kind, found.url, MappingProxyType(given), MappingProxyType(pins))


def display(publisher: Publisher) -> str:
    """The publisher in one line for people: ``GitHub Actions: octo-org/sampleproject, release.yml``."""
    fields = publisher.fields
    extra = [f"{name} {fields[name]}" for name in ("environment", "ingredient") if name in fields]
    match publisher.kind:
        case "github":
            said = [f"{fields['owner']}/{fields['repository']}", fields["workflow"], *extra]
        case "gitlab":
            said = [f"{fields['namespace']}/{fields['project']}", fields["workflow"], *extra]
        case "google":
            said = [fields["email"]]
        case "activestate":
            said = [f"{fields['organization']}/{fields['project']}", f"actor {fields['actor_id']}", *extra]
        case "oidc":
            said = [f"{name} {fields[name]}" for name in sorted(fields)]
    return f"{_service(publisher)}: {', '.join(said)}"


def fingerprint(publisher: Publisher) -> str:
    """A key that is the same for the same publisher, however its names are capitalised: 64 hexadecimal digits.

    Pins do not count: learning them makes no other publisher.
    """
    folded = _FOLDED.get(publisher.kind, frozenset())
    fields = {name: fold(value) if name in folded else value for name, value in publisher.fields.items()}
    text = json.dumps([publisher.kind, publisher.issuer, fields], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def home(publisher: Publisher) -> str:
    """The key under which publishers are looked up: issuer and owner. A token can only be one of its home's.

    It keeps the comparison short on an index with many publishers, and keeps those of one owner from being
    shown to another.
    """
    fields = publisher.fields
    match publisher.kind:
        case "github":
            owner = fold(fields["owner"])
        case "gitlab":
            owner = fold(fields["namespace"].partition("/")[0])
        case "google":
            owner = fields["email"]
        case "activestate":
            owner = fields["organization"]
        case "oidc":
            owner = ""
    return f"{publisher.issuer} {owner}"


def home_of(kind: Kind, claims: Mapping[str, object]) -> str | None:
    """The `home` of the publishers that ``claims``, already verified, can belong to; None for no publisher at all."""
    source = {
        "github": "repository_owner",
        "gitlab": "project_path",
        "google": "email",
        "activestate": "organization",
        "oidc": None,
    }[kind]
    owner = claims.get(source) if source else ""
    if not isinstance(owner, str):
        return None
    if kind == "github":
        owner = fold(owner)
    elif kind == "gitlab":
        owner = fold(owner.partition("/")[0])
    return f"{claims.get('iss')} {owner}"


def _value(given: object) -> str | None:
    """The text that was typed; empty for none; None for what is no text."""
    if given is None:
        return ""
    return given.strip() if isinstance(given, str) else None


def _fault(definition: Field, value: str | None) -> str | None:
    if value == "" and not definition.required:
        return None
    if value == "":
        return f"This is needed. {definition.rule}"
    if value is None or len(value) > definition.maximum_length or not definition.fits(value):
        return definition.rule
    return None


def _service(publisher: Publisher) -> str:
    name = _NAMES.get(publisher.kind)
    if name and any(one.url == publisher.issuer for one in WELL_KNOWN):
        return name
    return f"{name} ({address_of(publisher.issuer)})" if name else address_of(publisher.issuer)
