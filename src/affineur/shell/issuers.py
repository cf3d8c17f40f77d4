"""Reading identity tokens: asking issuers for their keys, checking signatures, audience and times.

Nothing is ever fetched because a token says so: the ``iss`` of a token is looked up among the issuers that the
operator has admitted, and only their addresses are asked. Keys live in memory and nowhere else. Tokens are
secrets while they are valid: none gets into a refusal, a log line or an address.
What does not live here: whose claims these are (`core.publishers`), and that a token is taken once (the store).

Sources: RFC 7515, 7517 and 7519; RFC 8725 (best current practices); OpenID Connect Discovery 1.0; ADR 0015.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NoReturn
from urllib.parse import urlsplit

import httpx
import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from affineur.core.decision import Decision, Refused, refuse
from affineur.core.distributions.acceptance import quoted
from affineur.core.publishers import AdmittedIssuer, find_issuer
from affineur.core.publishers.issuers import is_on_loopback

KIB = 1024
MAXIMUM_TOKEN_CHARACTERS = 32 * KIB
"""GitLab lists up to 200 groups in a token; others have about 2 KiB."""
MAXIMUM_DOCUMENT_BYTES = 256 * KIB
"""Of a discovery document or a key set. Those of the known issuers have less than 16 KiB."""
MAXIMUM_KEYS = 100
LEAST_KEY_BITS = 2048
"""RFC 7518, section 3.3."""

LEEWAY = timedelta(seconds=30)
"""Clocks differ a little. A token is taken until just before ``exp`` + 30 s."""
KEPT_AFTER_EXPIRY = timedelta(seconds=35)
"""How long after ``exp`` a used token is to be remembered: the leeway and a bit."""
ASKED_AGAIN_AFTER = timedelta(seconds=60)
"""An unknown key id makes us ask, but not more often: anybody can make one up."""
TRIED_AGAIN_AFTER = timedelta(seconds=5)
"""After the issuer could not be reached."""
FRESH_FOR = timedelta(hours=1)
"""A key that the issuer has taken back is forgotten after this time …"""
GOOD_FOR = timedelta(hours=24)
"""… or, while the issuer cannot be reached, after this."""

_ALGORITHM = "RS256"
_REGISTRY = jws.JWSRegistry(algorithms=[_ALGORITHM], strict_check_header=False)
"""RFC 7515, section 4: header parameters that nobody here knows are ignored."""
_REGISTRY.max_header_length = 4 * KIB
_STEP_SECONDS = 5.0
_FETCH_SECONDS = 10.0
_LATEST = 253402300800.0  # the year 10000: what a datetime cannot hold
_OUR_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "affineur"}


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """A verified token: ``claims`` are what ``issuer`` says.

    ``reuse_key`` is the same for the same token and for no other: whoever takes the token claims this key once,
    and remembers it until ``remembered_until``. It is no secret.
    """

    issuer: AdmittedIssuer
    claims: Mapping[str, object]
    reuse_key: str
    expires_at: datetime

    @property
    def remembered_until(self) -> datetime:
        """When the ``reuse_key`` may be forgotten, because the token is refused for its age anyhow."""
        return self.expires_at + KEPT_AFTER_EXPIRY


@dataclass(slots=True)
class _Keys:
    """What is known of one issuer's keys. ``lock`` is held by whoever asks the issuer."""

    by_id: Mapping[str, RSAKey] = field(default_factory=dict)
    fetched_at: datetime | None = None
    next_try_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Issuers:
    """Reads the tokens of admitted issuers. Safe to share between threads; one for each process."""

    def __init__(self, admitted: Iterable[AdmittedIssuer], client: httpx.Client | None = None) -> None:
        """``client`` is for those who need other certificates or proxies; it must not follow redirects."""
        self.admitted = tuple(admitted)
        self._keys = {issuer.url: _Keys() for issuer in self.admitted}
        self._client = client or httpx.Client(follow_redirects=False, timeout=_STEP_SECONDS)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def read(self, token: str, audience: str, now: datetime) -> IdentityToken | Decision:
        """The verified ``token``, made for ``audience``, at the time ``now`` (aware).

        Refusals: ``publisher.invalid-payload`` for what is no token at all, ``publisher.issuer`` for an issuer
        that is not admitted, ``publisher.invalid-token`` for a token that is wrong, too old, too early or for
        somebody else, ``publisher.issuer-away`` (with ``retry_after_seconds``) where the issuer's keys cannot
        be had. May take 10 seconds where the issuer has to be asked: call it off the event loop.
        """
        try:
            header, unverified = _unpack(token)
            issuer = self._issuer(unverified.get("iss"))
            key = self._key(issuer, _key_id(header), now)
            claims = _verified(token, key)
            expires_at = _check_claims(claims, issuer, audience, now)
            return IdentityToken(issuer, MappingProxyType(claims), _reuse_key(token, claims), expires_at)
        except Refused as refused:
            return refused.decision

    def _issuer(self, url: object) -> AdmittedIssuer:
        if not isinstance(url, str):
            _malformed("the claim iss is missing or no text")
        found = find_issuer(self.admitted, url)
        if found is None:
            refuse(
                "publisher.issuer",
                f"This index takes no tokens from the issuer {quoted(url, 200)}.",
                "The operator can admit it in the settings.",
            )
        return found

    def _key(self, issuer: AdmittedIssuer, key_id: str, now: datetime) -> RSAKey:
        keys = self._keys[issuer.url]
        if not _is_fresh(keys, now) or key_id not in keys.by_id:
            self._refresh(issuer, keys, now)
        if keys.fetched_at is None or now - keys.fetched_at > GOOD_FOR:
            _away(issuer, "its keys could not be fetched", keys, now)
        if key_id not in keys.by_id:
            refuse(
                "publisher.invalid-token",
                f"The issuer {quoted(issuer.url, 200)} has no key {quoted(key_id)}.",
                "If its keys have just changed, try again in a minute.",
            )
        return keys.by_id[key_id]

    def _refresh(self, issuer: AdmittedIssuer, keys: _Keys, now: datetime) -> None:
        """Ask the issuer, unless that was done just now. Others wait for the one who asks, and then look again."""
        if not keys.lock.acquire(timeout=2 * _FETCH_SECONDS):
            _away(issuer, "it takes too long to answer", keys, now)
        try:
            if keys.next_try_at is not None and now < keys.next_try_at:
                return
            keys.next_try_at = now + TRIED_AGAIN_AFTER
            try:
                keys.by_id = self._fetched_keys(issuer)
            except _Unusable as unusable:
                if keys.fetched_at is None or now - keys.fetched_at > GOOD_FOR:
                    _away(issuer, str(unusable), keys, now)
                return
            keys.fetched_at = now
            keys.next_try_at = now + ASKED_AGAIN_AFTER
        finally:
            keys.lock.release()

    def _fetched_keys(self, issuer: AdmittedIssuer) -> Mapping[str, RSAKey]:
        """The issuer's keys by id (OpenID Connect Discovery 1.0, section 4). `_Unusable` says what is wrong."""
        deadline = time.monotonic() + _FETCH_SECONDS
        # Section 4: a "/" at the end of the issuer is taken off before the path is appended.
        document = self._document(f"{issuer.url.rstrip('/')}/.well-known/openid-configuration", deadline)
        if document.get("issuer") != issuer.url:
            raise _Unusable("its discovery document names another issuer")
        address = document.get("jwks_uri")
        if not isinstance(address, str) or not _may_be_asked(address, issuer):
            raise _Unusable("its discovery document has no https address of keys")
        found = self._document(address, deadline).get("keys")
        if not isinstance(found, list) or len(found) > MAXIMUM_KEYS:
            raise _Unusable("its key set is no list, or too long")
        return {key_id: key for one in found for key_id, key in _usable_keys(one)}

    def _document(self, address: str, deadline: float) -> dict[str, object]:
        """The JSON object at ``address``. Redirects are not followed: they could lead anywhere."""
        try:
            with self._client.stream("GET", address, headers=_OUR_HEADERS, follow_redirects=False) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _Unusable(f"it answers with status {answer.status_code}")
                if "content-encoding" in answer.headers:
                    raise _Unusable("it compresses its answer, though not asked to")
                found = orjson.loads(_bounded(answer, deadline))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as failure:
            raise _Unusable(f"it cannot be reached ({type(failure).__name__})") from None
        except ValueError:
            raise _Unusable("its answer is no JSON") from None
        if not isinstance(found, dict):
            raise _Unusable("its answer is no JSON object")
        return found


class _Unusable(Exception):
    """The issuer did not give its keys; the text says why, as the end of a sentence."""


def _bounded(answer: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for piece in answer.iter_raw(16 * KIB):
        body += piece
        if len(body) > MAXIMUM_DOCUMENT_BYTES:
            raise _Unusable(f"its answer has more than {MAXIMUM_DOCUMENT_BYTES // KIB} KiB")
        if time.monotonic() > deadline:
            raise _Unusable("it takes too long to answer")
    return bytes(body)


def _may_be_asked(address: str, issuer: AdmittedIssuer) -> bool:
    """Whether keys may come from ``address``: https, on whichever host; http where the issuer itself is local."""
    try:
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (is_on_loopback(issuer.url) and is_on_loopback(address))
        return secure and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _usable_keys(found: object) -> Iterator[tuple[str, RSAKey]]:
    """The key as a pair of id and key where it is one for us; others in the same set are for somebody else."""
    if not isinstance(found, dict) or not isinstance(key_id := found.get("kid"), str):
        return
    if found.get("kty") != "RSA" or found.get("use", "sig") != "sig" or found.get("alg", _ALGORITHM) != _ALGORITHM:
        return
    try:
        key = RSAKey.import_key({name: found[name] for name in ("kty", "n", "e")})
        if key.raw_value.key_size >= LEAST_KEY_BITS:
            yield key_id, key
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return


def _unpack(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims, not verified: good for nothing but finding the key."""
    if len(token) > MAXIMUM_TOKEN_CHARACTERS:
        _malformed(f"it has more than {MAXIMUM_TOKEN_CHARACTERS // KIB} KiB")
    if not token.isascii() or token.count(".") != 2:
        _malformed("it does not consist of three parts")
    header, claims, _ = token.split(".")
    return _json_part(header), _json_part(claims)


def _json_part(part: str) -> dict[str, object]:
    try:
        found = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (Base64Error, ValueError):
        found = None
    if not isinstance(found, dict):
        _malformed("a part of it is no JSON object in Base64")
    return found


def _key_id(header: Mapping[str, object]) -> str:
    """The id of the key. RFC 8725, sections 3.1 and 3.2: the algorithm is ours to choose, never the token's."""
    if header.get("alg") != _ALGORITHM:
        _wrong(f"It is not signed with {_ALGORITHM}.")
    if "crit" in header:
        _wrong("Its header asks for extensions.")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        _wrong("Its header says that it is something else.")
    key_id = header.get("kid")
    if not isinstance(key_id, str):
        _wrong("Its header names no key.")
    return key_id


def _verified(token: str, key: RSAKey) -> dict[str, object]:
    try:
        payload = jws.deserialize_compact(token, key, registry=_REGISTRY).payload
        claims = orjson.loads(payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError):
        _wrong("Its signature is not that of the issuer.")
    if not isinstance(claims, dict):
        _wrong("Its claims are no JSON object.")
    return claims


def _check_claims(claims: Mapping[str, object], issuer: AdmittedIssuer, audience: str, now: datetime) -> datetime:
    """When the token expires, where its claims are for us and for now; `Refused` otherwise.

    Our own, since the library takes a list of audiences as well and compares whole seconds.
    """
    if claims.get("iss") != issuer.url:
        _wrong("Its issuer is another one.")
    # A token for several services could be used by one of them on the others.
    if claims.get("aud") != audience:
        _wrong(f"Its audience is not {quoted(audience, 200)}, as one text.", audience=audience)
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    if now >= expires_at + LEEWAY:
        _wrong(f"It has expired at {_written(expires_at)}.")
    if issued_at > now + LEEWAY:
        _wrong(f"It was issued in the future, at {_written(issued_at)}.")
    if "nbf" in claims and (valid_from := _moment(claims, "nbf")) > now + LEEWAY:
        _wrong(f"It is not valid before {_written(valid_from)}.")
    return expires_at


def _moment(claims: Mapping[str, object], claim: str) -> datetime:
    """A NumericDate (RFC 7519, section 2): seconds since 1970, perhaps with a fraction."""
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _wrong(f"Its claim {claim} is missing or no time.")
    if not 0 <= value < _LATEST:
        _wrong(f"Its claim {claim} is out of range.")
    return datetime.fromtimestamp(value, UTC)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _reuse_key(token: str, claims: Mapping[str, object]) -> str:
    """64 hexadecimal digits. ``jti`` is unique for one issuer only (RFC 7519, section 4.1.7).

    Where there is none, the signed text stands for the token: unlike the signature, whose Base64 can be written
    in several ways, it cannot be changed by the holder.
    """
    identity = claims.get("jti")
    if identity is not None and not (isinstance(identity, str) and identity):
        _wrong("Its claim jti is no text.")
    said = f"jti\0{identity}" if identity else f"text\0{token.rpartition('.')[0]}"
    return hashlib.sha256(f"{claims['iss']}\0{said}".encode()).hexdigest()


def _is_fresh(keys: _Keys, now: datetime) -> bool:
    return keys.fetched_at is not None and now - keys.fetched_at <= FRESH_FOR


def _malformed(why: str) -> NoReturn:
    refuse("publisher.invalid-payload", f"This is no identity token: {why}.")


def _wrong(sentence: str, **facts: object) -> NoReturn:
    refuse(
        "publisher.invalid-token",
        f"The identity token is not valid. {sentence}",
        "Ask the service for a new one.",
        **facts,
    )


def _away(issuer: AdmittedIssuer, why: str, keys: _Keys, now: datetime) -> NoReturn:
    wait = keys.next_try_at - now if keys.next_try_at else TRIED_AGAIN_AFTER
    seconds = max(1, math.ceil(wait.total_seconds()))
    refuse(
        "publisher.issuer-away",
        f"The issuer {quoted(issuer.url, 200)} cannot be asked for its keys: {why}.",
        f"Try again in {seconds} seconds.",
        retry_after_seconds=seconds,
    )
