"""A real OpenID Connect issuer for trusted publishing: discovery, keys and signed tokens, over HTTP.

It plays the part of the forge that runs somebody's workflow. `Issuer.token` signs any claims, right or wrong;
`Issuer.github_job` and `Issuer.gitlab_job` give the environment in which real clients find a token by
themselves. The claims that each forge puts into its tokens are in `tests.services.claims`. How people of a
company sign in is no matter of this module, but of `tests.services.provider`.
"""

from __future__ import annotations

import hmac
import itertools
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import RSAKey

from .certificates import Certificate
from .claims import GITHUB_JOB, GITLAB_JOB

LIFETIME_SECONDS = 300
_DISCOVERY, _KEYS, _JOB = "/.well-known/openid-configuration", "/.well-known/jwks", "/job/token"
_JOB_SECRET = "the secret of a running job"

_TURNS = itertools.count()


def _another_key() -> RSAKey:
    """A key that no issuer of late has: making one takes a tenth of a second, and there are hundreds of issuers."""
    return _key(next(_TURNS) % 12)


@cache
def _key(_number: int) -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


class Issuer:
    """An issuer that answers at ``url`` (which has no slash at its end, and is its ``iss``).

    ``asked`` lists the paths requested so far, so that a test can count how often keys were fetched.
    """

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.asked: list[str] = []
        self.key = _another_key()
        """The key that signs now."""
        self._published: list[RSAKey] = [self.key]
        self._trouble: int | None = None
        self._job_claims: Mapping[str, Any] = {}
        self._certificate = certificate
        self._server = self._listen(0)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"

    def token(self, *, headers: Mapping[str, object] | None = None, key: RSAKey | None = None,
              without: Sequence[str] = (), **claims: Any) -> str:  # fmt: skip
        """A signed JWT with ``claims``, and what every good token has, unless given: iss, aud, iat, nbf, exp, jti, sub.

        ``aud`` is ``affineur``. ``headers`` replaces parts of the header; ``key`` signs instead of this
        issuer's; ``without`` names claims to leave out. Two algorithms give a forgery instead (RFC 8725, 2.1):
        ``none`` has no signature, and ``HS256`` is signed with the published key, as if that were a secret.
        """
        now = int(time.time())
        payload: dict[str, object] = {
            "iss": self.url, "aud": "affineur", "sub": "nobody", "jti": str(uuid4()),
            "iat": now, "nbf": now, "exp": now + LIFETIME_SECONDS,
        } | claims  # fmt: skip
        kept = json.dumps({name: value for name, value in payload.items() if name not in without}).encode()
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid} | dict(headers or {})
        if header["alg"] in ("none", "HS256"):
            return self._forge(header, kept)
        return jws.serialize_compact(header, kept, key or self.key, algorithms=[header["alg"]])

    def rotate(self, *, keep_old: bool = True) -> None:
        """Sign with a new key from now on, and publish it, beside the old ones or in their place."""
        self.key = _another_key()
        self._published = [*self._published, self.key] if keep_old else [self.key]

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Nobody listens at ``url`` until the block ends; then the same issuer does again."""
        port = self._server.server_port
        self._close()
        try:
            yield
        finally:
            self._server = self._listen(port)

    @contextmanager
    def failing(self, status: int = 503) -> Iterator[None]:
        """Answer everything with ``status`` until the block ends."""
        self._trouble = status
        try:
            yield
        finally:
            self._trouble = None

    def github_job(self, **claims: Any) -> dict[str, str]:
        """The environment of a running GitHub job: clients ask here for a token with the audience they want.

        The token has the claims of `tests.services.claims.GITHUB_JOB`, replaced by ``claims``.
        """
        self._job_claims = {**GITHUB_JOB, **claims}
        return {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}{_JOB}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": _JOB_SECRET,
        }

    def gitlab_job(self, audience: str = "affineur", **claims: Any) -> dict[str, str]:
        """The environment of a running GitLab job, which holds a token for ``audience`` in ``<AUDIENCE>_ID_TOKEN``.

        The token has the claims of `tests.services.claims.GITLAB_JOB`, replaced by ``claims``.
        """
        variable = "".join(letter if letter.isalnum() else "_" for letter in audience.upper())
        token = self.token(aud=audience, **{**GITLAB_JOB, **claims})
        return {"GITLAB_CI": "true", "CI": "true", f"{variable}_ID_TOKEN": token}

    def _forge(self, header: Mapping[str, object], payload: bytes) -> str:
        # By hand: a library that keeps its users safe signs nothing of the kind.
        signed = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), payload))
        signature = b""
        if header["alg"] == "HS256":
            signature = hmac.digest(self.key.as_pem(private=False), signed, "sha256")
        return b".".join((signed, urlsafe_b64encode(signature).rstrip(b"="))).decode()

    def _answer(self, path: str, query: Mapping[str, list[str]], authorization: str) -> tuple[int, object]:
        self.asked.append(path)
        if self._trouble:
            return self._trouble, {"message": "trouble"}
        if path == _DISCOVERY:
            return 200, self._discovery()
        if path == _KEYS:
            return 200, {"keys": [key.as_dict(private=False) for key in self._published]}
        if path == _JOB:
            if authorization.lower() != f"bearer {_JOB_SECRET}":
                return 401, {"message": "unauthorized"}
            return 200, {"value": self.token(aud=query.get("audience", ["nobody"])[0], **self._job_claims)}
        return 404, {"message": "not found"}

    def _discovery(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{_KEYS}",
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf", *GITHUB_JOB],
        }

    def _listen(self, port: int) -> ThreadingHTTPServer:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                authorization = self.headers.get("Authorization", "")
                status, body = issuer._answer(asked.path, parse_qs(asked.query), authorization)
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        if self._certificate:
            server.socket = self._certificate.for_server().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def open_issuer(certificate: Certificate | None = None) -> Iterator[Issuer]:
    """An issuer until the block ends; with ``certificate``, over HTTPS."""
    issuer = Issuer(certificate)
    try:
        yield issuer
    finally:
        issuer._close()
