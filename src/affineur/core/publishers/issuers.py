"""Issuers: the services whose identity tokens this index listens to.

Four are known to everybody. An operator may leave any of them out, and admit others: a GitLab or GitHub of the
company's own, or any OpenID Connect issuer (kind ``oidc``) together with the claims that name a job there.
What does not live here: talking to an issuer (`shell.issuers`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, get_args
from urllib.parse import urlsplit

from ..decision import refuse
from ..distributions.acceptance import quoted

Kind = Literal["github", "gitlab", "google", "activestate", "oidc"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAXIMUM_URL_LENGTH = 500
_MOST_CLAIMS = 20
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_CLAIM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}\Z")
_NOT_AN_IDENTITY = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti"})
"""Every token of an issuer has them, or each has its own: they cannot tell one job from another."""


@dataclass(frozen=True, slots=True)
class AdmittedIssuer:
    """An issuer this index listens to. ``url`` is the ``iss`` of its tokens, character by character.

    For kind ``oidc``: a publisher names the exact values of ``claims``, and may name those of ``optional``;
    the values of ``pins`` are learned from the first token and must stay (ids that are never given twice).
    """

    kind: Kind
    url: str
    name: str
    claims: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


WELL_KNOWN = (
    AdmittedIssuer("github", "https://token.actions.githubusercontent.com", "GitHub Actions"),
    AdmittedIssuer("gitlab", "https://gitlab.com", "GitLab CI/CD"),
    AdmittedIssuer("google", "https://accounts.google.com", "Google Cloud"),
    AdmittedIssuer("activestate", "https://platform.activestate.com/api/v1/oauth/oidc", "ActiveState"),
)


def is_on_loopback(url: str) -> bool:
    """Whether ``url`` is plain http to this very machine, where nobody can listen in between."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def is_issuer_url(url: str) -> bool:
    """Whether ``url`` can be an issuer's: https, no query and no fragment (OpenID Connect Discovery 1.0, section 3).

    Plain http is taken on the loopback only, for a service on the same machine.
    """
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > MAXIMUM_URL_LENGTH:
        return False
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or is_on_loopback(url)
        return secure and bool(parts.hostname) and (parts.port or 1) > 0 and not set(url) & set("?#@\\")
    except ValueError:
        return False


def address_of(url: str) -> str:
    """Host, port where it is not the usual one, and path of a valid issuer: ``git.example.org:8443/gitlab``."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return host + port + parts.path.rstrip("/")


def admit(facts: Mapping[str, object]) -> AdmittedIssuer:
    """The issuer that an entry of the settings describes; `Refused` (``publisher.setting``) where it is wrong.

    ``issuer`` (the URL) is always there. ``kind`` is ``oidc`` unless given; ``name`` is for people. Only kind
    ``oidc`` has ``claims`` (at least one), ``optional`` and ``pins``: lists of names of top-level claims.
    """
    if unknown := facts.keys() - {"kind", "issuer", "name", "claims", "optional", "pins"}:
        _wrong(f"An admitted issuer has no entry {quoted(sorted(unknown)[0])}.")
    url = facts.get("issuer")
    if not isinstance(url, str) or not is_issuer_url(url):
        _wrong(f"{quoted(str(url), 200)} is no issuer: https://, a host and perhaps a path.")
    kind = _kind(facts.get("kind", "oidc"))
    name = facts.get("name", address_of(url))
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 100:
        _wrong(f"The name of the issuer {quoted(url, 200)} has to be a line of at most 100 characters.")
    claims, optional, pins = (_claim_names(facts, key) for key in ("claims", "optional", "pins"))
    if kind == "oidc" and not claims:
        _wrong(f"The issuer {quoted(url, 200)} needs claims: without any, each of its tokens would fit.")
    if kind != "oidc" and (claims or optional or pins):
        _wrong(f"The claims of kind {kind} are known; only kind oidc names them.")
    if len({*claims, *optional, *pins}) < len(claims) + len(optional) + len(pins):
        _wrong(f"The issuer {quoted(url, 200)} names a claim twice.")
    return AdmittedIssuer(kind, url, name, claims, optional, pins)


def admitted_issuers(kinds: Iterable[str], more: Iterable[Mapping[str, object]]) -> tuple[AdmittedIssuer, ...]:
    """The well-known issuers of ``kinds``, and those that the entries ``more`` describe.

    `Refused` (``publisher.setting``) for an unknown kind, a wrong entry, or two of the same URL.
    """
    wanted = {_kind(kind) for kind in kinds}
    issuers = (*(issuer for issuer in WELL_KNOWN if issuer.kind in wanted), *(admit(entry) for entry in more))
    urls = [issuer.url for issuer in issuers]
    if twice := next((url for url in urls if urls.count(url) > 1), None):
        _wrong(f"The issuer {quoted(twice, 200)} is admitted twice.")
    return issuers


def find_issuer(admitted: Iterable[AdmittedIssuer], url: str) -> AdmittedIssuer | None:
    """The admitted issuer at ``url``, compared character by character (OpenID Connect Core 1.0, section 3.1.3.7)."""
    return next((issuer for issuer in admitted if issuer.url == url), None)


def _kind(value: object) -> Kind:
    found = next((kind for kind in KINDS if kind == value), None)
    if found is None:
        _wrong(f"{quoted(str(value))} is no kind of publisher: {', '.join(KINDS)}.")
    return found


def _claim_names(facts: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = facts.get(key, ())
    if not isinstance(value, list | tuple) or len(value) > _MOST_CLAIMS:
        _wrong(f"{key} of an admitted issuer is a list of at most {_MOST_CLAIMS} names of claims.")
    names: list[str] = []
    for name in value:
        if not isinstance(name, str) or not _CLAIM.match(name):
            _wrong(f"{quoted(str(name))} is no name of a claim.")
        if name in _NOT_AN_IDENTITY:
            _wrong(f"The claim {name} is in every token and tells no job from another.")
        names.append(name)
    return tuple(names)


def _wrong(reason: str) -> NoReturn:
    refuse("publisher.setting", reason, "See the settings for trusted publishing.")
