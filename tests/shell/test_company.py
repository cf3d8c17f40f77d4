"""The company's sign-in, asked by HTTP: a provider that is as it should be, and every way in which one is not."""

from __future__ import annotations

import hmac
import json
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from affineur.core.decision import Refused
from affineur.core.people.company_identity import Identity
from affineur.settings import Settings
from affineur.shell.company import Company

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REDIRECT = "https://index.example.org/account/company/back"
SECRET = "s3cr:t %/é that is long enough"
KEYS: dict[str, Any] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "okp"}),
}


class Provider:
    """A provider that says what a test wants it to say, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        self.discovery: dict[str, object] = {
            "issuer": url, "authorization_endpoint": f"{url}/authorize?tenant=1", "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys", "userinfo_endpoint": f"{url}/userinfo",
        }  # fmt: skip
        self.keys = [key.as_dict(private=False) for key in KEYS.values()]
        self.claims: dict[str, object] = {
            "iss": url, "aud": "affineur", "sub": "mona", "nonce": "the nonce", "groups": ["ops"],
            "iat": NOW.timestamp(), "exp": NOW.timestamp() + 60,
        }  # fmt: skip
        self.userinfo: object = {"sub": "mona", "groups": ["from userinfo"]}
        self.token_answer: tuple[int, object] | None = None
        self.algorithm, self.key, self.status = "RS256", KEYS["RS256"], 200

    def answer(self, path: str) -> tuple[int, object]:
        if path == "/.well-known/openid-configuration":
            return self.status, self.discovery
        if path == "/keys":
            return self.status, {"keys": self.keys}
        if path == "/userinfo":
            return self.status, self.userinfo
        if self.token_answer is not None:
            return self.token_answer
        header = {"alg": self.algorithm, "kid": self.key.kid}
        algorithms = ["RS256", "ES256", "Ed25519"]
        return self.status, {"id_token": jwt.encode(header, self.claims, self.key, algorithms), "access_token": "at"}

    def count(self, path: str) -> int:
        return sum(each[0] == path for each in self.asked)


@pytest.fixture
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            path = urlsplit(self.path).path
            made.asked.append((path, {k.lower(): v for k, v in self.headers.items()}, parse_qs(body)))
            status, said = made.answer(path)
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Provider(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def company(provider: Provider, **settings: str) -> Company:
    given = {"company_issuer": provider.url, "company_client_id": "affineur", "company_client_secret": SECRET}
    return Company(Settings(**{**given, **settings}), httpx.Client(trust_env=False, timeout=5))


def come_back(asked: Company, now: datetime = NOW) -> Identity:
    return asked.identity("c0de-4711", "the verifier", "the nonce", REDIRECT, now)


def refused(rule: str) -> Any:
    return pytest.raises(Refused, check=lambda found: found.decision.rule == rule)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "Ed25519"])
def test_a_code_is_exchanged_for_whom_it_stands_for(provider: Provider, algorithm: str) -> None:
    provider.algorithm, provider.key = algorithm, KEYS[algorithm]
    found = come_back(company(provider))
    assert (found.issuer, found.subject, found.groups) == (provider.url, "mona", {"ops"})
    _, headers, form = next(each for each in provider.asked if each[0] == "/token")
    user, _, password = b64decode(headers["authorization"].partition(" ")[2]).decode().partition(":")
    assert (user, unquote_plus(password)) == ("affineur", SECRET)
    assert form == {"grant_type": ["authorization_code"], "code": ["c0de-4711"], "redirect_uri": [REDIRECT],
                    "code_verifier": ["the verifier"]}  # fmt: skip
    assert provider.count("/userinfo") == 0


def test_the_secret_goes_into_the_form_where_the_provider_wants_it_there(provider: Provider) -> None:
    provider.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    come_back(company(provider))
    _, headers, form = next(each for each in provider.asked if each[0] == "/token")
    assert "authorization" not in headers and form["client_secret"] == [SECRET]


def test_people_are_sent_with_everything_that_binds_the_answer(provider: Provider) -> None:
    asked = company(provider, company_scopes="openid groups")
    plain = parse_qs(urlsplit(asked.address(REDIRECT, "s", "n", "c", NOW, anew=False)).query)
    assert plain == {
        "tenant": ["1"], "response_type": ["code"], "client_id": ["affineur"], "redirect_uri": [REDIRECT],
        "scope": ["openid groups"], "state": ["s"], "nonce": ["n"], "code_challenge": ["c"],
        "code_challenge_method": ["S256"],
    }  # fmt: skip
    anew = parse_qs(urlsplit(asked.address(REDIRECT, "s", "n", "c", NOW, anew=True)).query)
    assert {name: anew[name] for name in anew.keys() - plain.keys()} == {"prompt": ["login"], "max_age": ["300"]}


def test_groups_that_the_token_does_not_name_are_asked_for(provider: Provider) -> None:
    del provider.claims["groups"]
    assert come_back(company(provider)).groups == {"from userinfo"}
    assert provider.asked[-1][1]["authorization"] == "Bearer at"
    provider.userinfo = {"sub": "somebody else", "groups": ["ops"]}
    with refused("company.token"):
        come_back(company(provider))
    provider.userinfo = b"no JSON"
    with refused("company.away"):
        come_back(company(provider))
    del provider.discovery["userinfo_endpoint"]
    assert come_back(company(provider)).groups == frozenset()


@pytest.mark.parametrize(
    ("said", "rule"),
    [({"nonce": "another"}, "company.nonce"), ({"aud": "another"}, "company.audience"),
     ({"exp": NOW.timestamp() - 31}, "company.expired"), ({"iss": "https://evil.example.org"}, "company.issuer")],
)  # fmt: skip
def test_what_the_token_says_is_held_to_the_rules(provider: Provider, said: Any, rule: str) -> None:
    provider.claims |= said
    with refused(rule):
        come_back(company(provider))


def text(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def made_by_hand(header: object, claims: object, secret: bytes = b"") -> str:
    """A token that no library would make."""
    signed = f"{text(json.dumps(header).encode())}.{text(json.dumps(claims).encode())}"
    return f"{signed}.{text(hmac.digest(secret, signed.encode(), 'sha256')) if secret else ''}"


def test_forged_signatures_are_refused(provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "rsa"})
    with refused("company.token"):
        come_back(company(provider))
    # The public key as if it were a shared secret is what a reader that believes the header falls for.
    public = KEYS["RS256"].as_pem(private=False)
    forged = [
        made_by_hand({"alg": "none"}, provider.claims),
        made_by_hand({"alg": "HS256", "kid": "rsa"}, provider.claims, public),
        made_by_hand({"alg": "HS256"}, provider.claims, SECRET.encode()),
        made_by_hand({"alg": "RS256", "kid": "rsa"}, provider.claims, public),
    ]
    for token in (*forged, "", "a.b.c", None, "x" * 300_000):
        provider.token_answer = (200, {"id_token": token, "access_token": "at"})
        with refused("company.token"):
            come_back(company(provider))


def test_short_keys_and_keys_for_encryption_are_not_taken(provider: Provider) -> None:
    for key in (RSAKey.generate_key(1024, {"kid": "k"}), RSAKey.generate_key(2048, {"kid": "k", "use": "enc"})):
        provider.keys = [key.as_dict(private=False)]
        provider.key = RSAKey.import_key({**key.as_dict(private=True), "use": "sig"})
        with refused("company.token"):
            come_back(company(provider))


def test_new_keys_are_noticed_and_unknown_ones_asked_for_once_a_minute(provider: Provider) -> None:
    asked = company(provider)
    come_back(asked)
    fresh = RSAKey.generate_key(2048, {"kid": "new"})
    provider.key = fresh
    for _ in range(3):
        with refused("company.token"):
            come_back(asked, NOW + timedelta(seconds=60))
    assert provider.count("/keys") == 1
    provider.keys.append(fresh.as_dict(private=False))
    provider.claims["exp"] = NOW.timestamp() + 600
    assert come_back(asked, NOW + timedelta(seconds=61)).subject == "mona"
    assert provider.count("/keys") == 2
    assert provider.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("answer", "rule"),
    [((400, {"error": "invalid_grant"}), "company.code"), ((401, {"error": "invalid_client"}), "company.setting"),
     ((500, {}), "company.away"), ((302, {}), "company.away"), ((200, []), "company.away"),
     ((200, b"x" * 600_000), "company.away"), ((200, {}), "company.token")],
)  # fmt: skip
def test_other_answers_to_a_code_are_told_apart_and_hold_no_secret(provider: Provider, answer: Any, rule: str) -> None:
    provider.token_answer = answer
    with refused(rule) as caught:
        come_back(company(provider))
    assert not any(each in str(caught.value) for each in (SECRET, "c0de-4711", "the verifier"))
    assert provider.count("/elsewhere") == 0


@pytest.mark.parametrize(
    "change",
    [{"issuer": "https://id.example.org"}, {"token_endpoint": "http://id.example.org/token"}, {"jwks_uri": None},
     {"authorization_endpoint": "javascript:alert(1)"}, {"userinfo_endpoint": "https://user@id.example.org/"}],
)  # fmt: skip
def test_a_discovery_that_leads_elsewhere_is_a_fault_of_the_set_up(provider: Provider, change: Any) -> None:
    provider.discovery |= change
    with refused("company.setting"):
        come_back(company(provider))


def test_a_provider_that_was_away_is_asked_again_after_five_seconds(provider: Provider) -> None:
    asked = company(provider)
    provider.status = 503
    for seconds in (0, 1, 4.9):
        with refused("company.away"):
            asked.address(REDIRECT, "s", "n", "c", NOW + timedelta(seconds=seconds), anew=False)
    assert len(provider.asked) == 1
    provider.status = 200
    assert asked.address(REDIRECT, "s", "n", "c", NOW + timedelta(seconds=5), anew=False)
    provider.status = 503
    assert asked.address(REDIRECT, "s", "n", "c", NOW + timedelta(hours=2), anew=False), "what is known is used on"


@pytest.mark.parametrize(
    ("promised", "said", "fits"),
    [(False, None, True), (False, "own", True), (False, "https://evil.example.org", False), (True, None, False),
     (True, "own", True)],
)  # fmt: skip
def test_who_sends_the_browser_back_is_checked(provider: Provider, promised: bool, said: Any, fits: bool) -> None:
    provider.discovery["authorization_response_iss_parameter_supported"] = promised
    said = provider.url if said == "own" else said
    if fits:
        company(provider).check_origin(said, NOW)
    else:
        with refused("company.issuer"):
            company(provider).check_origin(said, NOW)
