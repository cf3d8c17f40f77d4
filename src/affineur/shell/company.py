"""The company's sign-in: an OpenID Connect provider, asked in its own words.

Discovery, the address that people are sent to, the exchange of a code for an ID token, its signature, and the groups
where the token does not name them. Documents are bounded, redirects are not followed, nothing leaves for an address
that is not https (http on the loopback). Neither code, tokens nor our secret get into a refusal or a log.
What does not live here: what an ID token has to say (`core.people.company_identity`), and what an identity opens
(`actions`).

Sources: OpenID Connect Core 1.0, Discovery 1.0; RFC 6749, 7636 (PKCE), 8414, 9207; ADR 0019.
"""

from __future__ import annotations

import math
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, RSAKey, import_key

from affineur.core.decision import refuse
from affineur.core.people import company_identity
from affineur.core.people.company_identity import Identity
from affineur.core.people.second_factor import STEP_UP_LASTS
from affineur.core.publishers.issuers import is_issuer_url, is_on_loopback
from affineur.settings import Settings

KIB = 1024
MAXIMUM_ANSWER_BYTES = 512 * KIB
MAXIMUM_TOKEN_CHARACTERS = 256 * KIB
"""Some hundred groups, each named by its whole path."""
ALGORITHMS = ("RS256", "ES256", "PS256", "Ed25519", "EdDSA")
"""Signatures with a key that only the company has. Never ``none``, never HS…: those take our own secret for a key."""
FRESH_FOR = timedelta(hours=1)
"""After this time discovery and keys are read anew."""
ASKED_AGAIN_AFTER = timedelta(seconds=60)
"""An unknown key makes us ask, but not more often."""
TRIED_AGAIN_AFTER = timedelta(seconds=5)
"""After it could not be reached: whoever comes meanwhile is told at once."""
LEAST_KEY_BITS = 2048
"""RFC 7518, section 3.3."""
_PUBLIC_PARTS = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")
_STEP_SECONDS = 5.0
_ANSWER_SECONDS = 8.0
_AGAIN = "Begin again on the sign-in page."
_REGISTRY = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
_REGISTRY.max_header_length = 4 * KIB
_REGISTRY.max_payload_length = MAXIMUM_TOKEN_CHARACTERS
_OUR_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "affineur"}


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What discovery says, as far as it is needed."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    by_basic: bool
    names_itself: bool
    """Whether it says who it is when it sends people back (RFC 9207)."""


class _Unusable(Exception):
    """The provider did not answer as it should; the text says how, as the end of a sentence. No secret is in it."""


class Company:
    """The company's sign-in. Safe to share between threads; one for each process. Every method may take some seconds
    and belongs off the event loop."""

    def __init__(self, settings: Settings, client: httpx.Client | None = None) -> None:
        """``client`` is for those who need other certificates or proxies; it must not follow redirects."""
        self.issuer = settings.company_issuer
        self._settings = settings
        self._client = client or httpx.Client(follow_redirects=False, timeout=_STEP_SECONDS)
        self._lock = threading.Lock()
        self._metadata: _Metadata | None = None
        self._read_at: datetime | None = None
        self._away_until: datetime | None = None
        self._keys = KeySet([])
        self._keys_at: datetime | None = None

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def address(self, redirect_uri: str, state: str, nonce: str, challenge: str, now: datetime, *, anew: bool) -> str:
        """Where people are sent. ``anew``: they have to prove there who they are, though signed in already.

        `Refused`: ``company.away``, ``company.setting``.
        """
        said = self._discovered(now)
        asked = {
            "response_type": "code",
            "client_id": self._settings.company_client_id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.company_scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if anew:
            # `max_age` obliges to say when they did (Core, section 2). Not 0: some providers then ask for ever.
            asked |= {"prompt": "login", "max_age": str(int(STEP_UP_LASTS.total_seconds()))}
        return f"{said.authorization}{'&' if urlsplit(said.authorization).query else '?'}{urlencode(asked)}"

    def check_origin(self, issuer: str | None, now: datetime) -> None:
        """`Refused` (``company.issuer``) where whoever sent the browser back is not this provider (RFC 9207)."""
        if issuer is None and not self._discovered(now).names_itself:
            return
        if issuer != self.issuer:
            refuse("company.issuer", "It was not your company's sign-in that sent this browser back.", _AGAIN)

    def identity(self, code: str, verifier: str, nonce: str, redirect_uri: str, now: datetime) -> Identity:
        """Whom ``code`` stands for; their groups are always told.

        `Refused`: ``company.code`` (used, too old, or not ours), ``company.away``, ``company.setting``, and those of
        `company_identity.believe` and `company_identity.identity`.
        """
        said = self._discovered(now)
        answer = self._exchanged(said, code, verifier, redirect_uri, now)
        claims = self._verified(said, answer.get("id_token"), now)
        client_id, groups_claim = self._settings.company_client_id, self._settings.company_groups_claim
        company_identity.believe(claims, issuer=self.issuer, client_id=client_id, nonce=nonce, now=now)
        found = company_identity.identity(claims, groups_claim)
        if found.groups is not None:
            return found
        return company_identity.completed(found, self._userinfo(said, answer, found.subject, now), groups_claim)

    def _discovered(self, now: datetime) -> _Metadata:
        if not is_issuer_url(self.issuer):
            _misconfigured("company_issuer is no https address")
        with self._lock:
            if self._metadata is not None and self._read_at is not None and now - self._read_at <= FRESH_FOR:
                return self._metadata
            if self._away_until is not None and now < self._away_until:
                return self._metadata or self._is_away("it could not be reached just now")
            try:
                # Discovery, section 4: a "/" at the end of the issuer is taken off before the path is appended.
                found = self._asked("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            except _Unusable as unusable:
                self._away_until = now + TRIED_AGAIN_AFTER
                return self._metadata or self._is_away(str(unusable))
            self._metadata, self._read_at = self._understood(found), now
            return self._metadata

    def _understood(self, found: Mapping[str, object]) -> _Metadata:
        if found.get("issuer") != self.issuer:
            _misconfigured("the discovery document names another issuer than company_issuer")
        methods = found.get("token_endpoint_auth_methods_supported")
        userinfo = found.get("userinfo_endpoint")
        return _Metadata(
            authorization=self._endpoint(found, "authorization_endpoint"),
            token=self._endpoint(found, "token_endpoint"),
            keys=self._endpoint(found, "jwks_uri"),
            userinfo=self._endpoint(found, "userinfo_endpoint") if userinfo is not None else None,
            by_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, found: Mapping[str, object], name: str) -> str:
        address = found.get(name)
        if not isinstance(address, str) or not _may_be_asked(address, self.issuer):
            _misconfigured(f"the discovery document has no https address for {name}")
        return address

    def _exchanged(
        self, said: _Metadata, code: str, verifier: str, redirect_uri: str, now: datetime
    ) -> Mapping[str, object]:
        """The answer to a code (RFC 6749, section 4.1.3)."""
        client_id, secret = self._settings.company_client_id, self._settings.company_client_secret
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form["code_verifier"] = verifier
        headers: dict[str, str] = {}
        if secret and said.by_basic:
            # Section 2.3.1: both are encoded as in a form before they are put together.
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
            headers["authorization"] = f"Basic {b64encode(pair).decode()}"
        else:
            form |= {"client_id": client_id, "client_secret": secret} if secret else {"client_id": client_id}
        try:
            answer = self._asked("POST", said.token, form=form, headers=headers, also=(400, 401))
        except _Unusable as unusable:
            self._is_away(str(unusable))
        error = answer.get("error")
        if error == "invalid_client":
            _misconfigured("your company's sign-in does not know company_client_id with company_client_secret")
        if error is not None:
            refuse(
                "company.code",
                "Your company's sign-in does not take the code that this browser brought: it was used, or is too old.",
                _AGAIN,
            )
        return answer

    def _verified(self, said: _Metadata, token: object, now: datetime) -> Mapping[str, object]:
        """The claims of an ID token whose signature is right; the algorithm is one of ours, the key one of theirs."""
        if not isinstance(token, str) or len(token) > MAXIMUM_TOKEN_CHARACTERS:
            _forged("there is no ID token in it")
        for known in (True, False):  # once with the keys that are known, and once more with those they have now
            try:
                self._refresh_keys(said, now, wanted=not known)
                payload = jws.deserialize_compact(token, self._keys, registry=_REGISTRY).payload
                claims = orjson.loads(payload or b"")
                break
            except (JoseError, ValueError, TypeError, RecursionError):
                if not known:
                    _forged("its signature is not that of your company's sign-in")
        if not isinstance(claims, dict):
            _forged("its claims are no JSON object")
        return claims

    def _refresh_keys(self, said: _Metadata, now: datetime, *, wanted: bool) -> None:
        with self._lock:
            age = None if self._keys_at is None else now - self._keys_at
            if age is not None and age <= (ASKED_AGAIN_AFTER if wanted else FRESH_FOR):
                return
            try:
                found = self._asked("GET", said.keys).get("keys")
                self._keys = KeySet([key for one in found for key in _usable(one)] if isinstance(found, list) else [])
                self._keys_at = now
            except _Unusable as unusable:
                if self._keys_at is None:
                    self._is_away(str(unusable))

    def _userinfo(
        self, said: _Metadata, answer: Mapping[str, object], subject: str, now: datetime
    ) -> Mapping[str, object]:
        token = answer.get("access_token")
        if said.userinfo is None or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            return {"sub": subject}
        try:
            return self._asked("GET", said.userinfo, headers={"authorization": f"Bearer {token}"})
        except _Unusable as unusable:
            # Without it nobody's groups are known; to go on as if there were none would take roles away.
            self._is_away(str(unusable))

    def _asked(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        also: tuple[int, ...] = (),
    ) -> Mapping[str, object]:
        """The JSON object that answers. `_Unusable` says what is wrong with it, and quotes nothing."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        all_headers = {**_OUR_HEADERS, **(headers or {})}
        body = bytearray()
        try:
            with self._client.stream(method, address, data=form, headers=all_headers, follow_redirects=False) as answer:
                if answer.status_code not in (httpx.codes.OK, *also):
                    raise _Unusable(f"it answers with status {answer.status_code}")
                if "content-encoding" in answer.headers:
                    raise _Unusable("it compresses its answer, though not asked to")
                for piece in answer.iter_raw(16 * KIB):
                    body += piece
                    if len(body) > MAXIMUM_ANSWER_BYTES or time.monotonic() > deadline:
                        raise _Unusable("its answer is too long, or takes too long")
            found = orjson.loads(bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as failure:
            raise _Unusable(f"it cannot be reached ({type(failure).__name__})") from None
        except ValueError:
            raise _Unusable("its answer is no JSON") from None
        if not isinstance(found, dict):
            raise _Unusable("its answer is no JSON object")
        return found

    def _is_away(self, why: str) -> NoReturn:
        seconds = max(1, math.ceil(TRIED_AGAIN_AFTER.total_seconds()))
        refuse(
            "company.away",
            f"Your company's sign-in cannot be asked: {why}.",
            f"Try again in {seconds} seconds. Sessions and tokens that you have go on working.",
            retry_after_seconds=seconds,
        )


def _may_be_asked(address: str, issuer: str) -> bool:
    """Whether ``address`` is https, on whichever host; http where the provider itself is on this machine."""
    try:
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (is_on_loopback(issuer) and is_on_loopback(address))
        return secure and bool(parts.hostname) and "@" not in parts.netloc and not parts.fragment
    except ValueError:
        return False


def _usable(found: object) -> list[Key]:
    """The key where it is one for us; others in the same set are for somebody else."""
    if not isinstance(found, dict) or found.get("use", "sig") != "sig" or found.get("kty") not in ("RSA", "EC", "OKP"):
        return []
    try:
        key = import_key({name: found[name] for name in _PUBLIC_PARTS if name in found})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return []
    too_short = isinstance(key, RSAKey) and key.raw_value.key_size < LEAST_KEY_BITS
    return [] if too_short else [key]


def _misconfigured(why: str) -> NoReturn:
    refuse("company.setting", f"The company sign-in is not set up right: {why}.", "Tell whoever runs this index.")


def _forged(why: str) -> NoReturn:
    refuse("company.token", f"The answer of your company's sign-in cannot be taken: {why}.", _AGAIN)
