"""The services that play other people's machines: issuers of tokens, a company's sign-in, security keys."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import webauthn
from joserfc import errors, jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Browser, Page
from tests.browser.authenticator import at_localhost, authenticators
from tests.clients.projects import Project
from tests.clients.runner import Index, program, run, succeeded
from tests.services.claims import activestate, github, gitlab, google
from tests.services.https import Front
from tests.services.issuer import Issuer
from tests.services.provider import ANA, MONA, PAUL, Client, Provider
from webauthn.helpers.exceptions import InvalidAuthenticationResponse


def keys_of(issuer_url: str) -> tuple[KeySet, dict[str, Any]]:
    with httpx.Client(trust_env=False) as client:
        discovery = client.get(f"{issuer_url}/.well-known/openid-configuration").json()
        return KeySet.import_key_set(client.get(discovery["jwks_uri"]).json()), discovery


def test_a_token_of_the_issuer_is_verified_with_its_published_keys(issuer: Issuer) -> None:
    keys, discovery = keys_of(issuer.url)
    assert discovery["issuer"] == issuer.url
    for claims in (github(environment="release"), gitlab(), google(), activestate()):
        token = jwt.decode(issuer.token(**claims), keys, algorithms=["RS256"])
        assert token.claims["iss"] == issuer.url
        assert claims.items() <= token.claims.items()
    assert len(issuer.asked) == 2


def test_the_issuer_signs_wrong_tokens_when_asked(issuer: Issuer) -> None:
    keys, _ = keys_of(issuer.url)
    token = jwt.decode(issuer.token(exp=1, aud=["a", "b"], without=["jti"]), keys, algorithms=["RS256"])
    assert (token.claims["exp"], token.claims["aud"], "jti" in token.claims) == (1, ["a", "b"], False)
    assert issuer.token(headers={"alg": "none"}).endswith(".")
    for header in ({"kid": "other"}, {"alg": "none"}, {"alg": "HS256"}):
        with pytest.raises((errors.JoseError, ValueError)):
            jwt.decode(issuer.token(headers=header), keys, algorithms=["RS256"])


def test_the_issuer_changes_its_keys_and_can_be_away(issuer: Issuer) -> None:
    old = issuer.token()
    before, _ = keys_of(issuer.url)
    issuer.rotate()
    with pytest.raises((errors.JoseError, ValueError)):
        jwt.decode(issuer.token(), before, algorithms=["RS256"])
    both, _ = keys_of(issuer.url)
    for token in (old, issuer.token()):
        assert jwt.decode(token, both, algorithms=["RS256"]).claims["sub"] == "nobody"
    issuer.rotate(keep_old=False)
    with issuer.unreachable(), pytest.raises(httpx.ConnectError):
        keys_of(issuer.url)
    with issuer.failing(500), httpx.Client(trust_env=False) as client:
        assert client.get(f"{issuer.url}/.well-known/openid-configuration").status_code == 500
    only_new, _ = keys_of(issuer.url)
    assert len(only_new.keys) == 1


def test_a_github_job_gets_a_token_for_the_audience_it_names(issuer: Issuer) -> None:
    job = issuer.github_job(**github("fromagerie/brie"))
    with httpx.Client(trust_env=False) as client:
        url = f"{job['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=cellar"
        assert client.get(url).status_code == 401
        answer = client.get(url, headers={"Authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"})
    claims = jwt.decode(answer.json()["value"], keys_of(issuer.url)[0], algorithms=["RS256"]).claims
    assert (claims["aud"], claims["repository"]) == ("cellar", "fromagerie/brie")


def test_a_gitlab_job_holds_its_token(issuer: Issuer) -> None:
    token = issuer.gitlab_job("my-index", project_path="fromagerie/brie")["MY_INDEX_ID_TOKEN"]
    claims = jwt.decode(token, keys_of(issuer.url)[0], algorithms=["RS256"]).claims
    assert (claims["aud"], claims["project_path"]) == ("my-index", "fromagerie/brie")


class Cellar(http.server.BaseHTTPRequestHandler):
    """As much of an index as the clients of trusted publishing ask for a token; it accepts every file."""

    said: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode("latin-1")
        self.said.append((self.path, body if self.path.endswith("-token") else self.headers["Host"]))
        answers = {"/_/oidc/audience": {"audience": "affineur"}, "/_/oidc/mint-token": {"token": f"pypi-{'a' * 90}"}}
        content = json.dumps(answers.get(self.path, {})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(params=["github", "gitlab"])
def job(request: pytest.FixtureRequest, issuer: Issuer) -> dict[str, str]:
    """The environment of a running job, of each forge."""
    return issuer.github_job() if request.param == "github" else issuer.gitlab_job()


def repository_in(token: str, issuer: Issuer) -> str:
    """The repository whose job the issuer gave ``token``, for this index."""
    claims = jwt.decode(token, keys_of(issuer.url)[0], algorithms=["RS256"]).claims
    assert claims["aud"] == "affineur"
    return str(claims.get("repository") or claims.get("project_path"))


def test_uv_finds_the_token_of_a_job_and_believes_the_tls_front(
    issuer: Issuer, front: Front, cheeses: list[Project], tmp_path: Path, job: dict[str, str]
) -> None:
    handler = type("Handler", (Cellar,), {"said": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", front.port_behind), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        publish = [program("uv", "uv"), "publish", "--trusted-publishing", "always", "--publish-url"]
        succeeded(run([*publish, f"{front.url}legacy/", cheeses[0].distributions[0]], home=tmp_path / "home",
                      index=Index(front.url), environment=job | front.certificate.environment))  # fmt: skip
        server.shutdown()
    said = dict(handler.said)  # type: ignore[attr-defined]
    assert list(said) == ["/_/oidc/audience", "/_/oidc/mint-token", "/legacy/", "/_/oidc/burn-token"]
    assert repository_in(json.loads(said["/_/oidc/mint-token"])["token"], issuer) == "fromagerie/roquefort"
    assert json.loads(said["/_/oidc/burn-token"]) == {"token": f"pypi-{'a' * 90}"}
    assert said["/legacy/"] == urlsplit(front.url).netloc


def test_the_library_of_twine_finds_the_token_of_a_job(issuer: Issuer, tmp_path: Path, job: dict[str, str]) -> None:
    # twine itself looks for one only when it uploads to its own default index.
    found = run([program("twine", "python"), "-m", "id", "affineur"], home=tmp_path / "home",
                index=Index("http://127.0.0.1:9/"), environment=job)  # fmt: skip
    assert repository_in(succeeded(found).stdout.strip(), issuer) == "fromagerie/roquefort"


BACK = "http://localhost:4444/back"


class SignIn:
    """What an index does when somebody signs in with their company (authorization code, PKCE, RFC 7636)."""

    def __init__(self, provider: Provider, client: Client) -> None:
        self.provider, self.client, self.verifier = provider, client, secrets.token_urlsafe(48)
        self.keys, self.discovery = keys_of(provider.issuer_url)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code", "client_id": client.client_id, "redirect_uri": BACK, "state": "the state",
            "scope": "openid profile email groups", "nonce": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "code_challenge_method": "S256",
        }  # fmt: skip
        self.url = f"{self.discovery['authorization_endpoint']}?{urlencode(asked)}"

    def claims(self, came_back_to: str, verifier: str | None = None) -> dict[str, Any]:
        """What the provider says of who came back, after its signature is checked; its error if it refuses."""
        query = parse_qs(urlsplit(came_back_to).query)
        assert query["state"] == ["the state"]
        with httpx.Client(trust_env=False) as client:
            answer = client.post(
                self.discovery["token_endpoint"], auth=(self.client.client_id, self.client.client_secret),
                data={"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": BACK,
                      "code_verifier": verifier or self.verifier},
            ).json()  # fmt: skip
        if "id_token" not in answer:
            return dict(answer)
        return dict(jwt.decode(answer["id_token"], self.keys, algorithms=["RS256"]).claims)


@pytest.mark.parametrize("asks_for_consent", [False, True])
def test_the_provider_says_who_came_back_and_their_groups(provider: Provider, asks_for_consent: bool) -> None:
    client = provider.client_for(BACK, asks_for_consent=asks_for_consent)
    for person in (MONA, PAUL):
        sign_in = SignIn(provider, client)
        back = provider.sign_in(sign_in.url, person)
        assert back.startswith(BACK)
        claims = sign_in.claims(back)
        assert (claims["iss"], claims["sub"], claims["email"]) == (provider.issuer_url, person.name, person.email)
        assert sorted(claims.get("groups", [])) == sorted(person.groups)
        assert client.client_id in claims["aud"]
        assert sign_in.claims(back)["error"] == "invalid_grant", "a code is good once"


def test_the_provider_refuses_a_wrong_password_and_a_wrong_verifier(provider: Provider) -> None:
    sign_in = SignIn(provider, provider.client_for(BACK))
    with pytest.raises(AssertionError, match="ana is not let in"):
        provider.sign_in(sign_in.url, ANA, password="not hers")
    back = provider.sign_in(sign_in.url, ANA)
    assert sign_in.claims(back, verifier=secrets.token_urlsafe(48))["error"] == "invalid_grant"


def test_somebody_hired_can_be_moved_to_other_groups(provider: Provider) -> None:
    client = provider.client_for(BACK)
    person = provider.hire("publishers", "index-auditors")
    sign_in = SignIn(provider, client)
    assert sorted(sign_in.claims(provider.sign_in(sign_in.url, person))["groups"]) == ["index-auditors", "publishers"]
    provider.move(person)
    again = SignIn(provider, client)
    assert "groups" not in again.claims(provider.sign_in(again.url, person))


def test_people_sign_in_at_the_provider_with_a_browser(provider: Provider, browser: Browser) -> None:
    sign_in = SignIn(provider, provider.client_for(BACK))
    context = browser.new_context()
    page = context.new_page()
    page.route(f"{BACK}*", lambda route: route.fulfill(body="welcome back"))
    page.goto(sign_in.url)
    provider.sign_in_with(page, MONA)
    page.get_by_text("welcome back").wait_for()
    assert sign_in.claims(page.url)["sub"] == "mona"
    context.close()


@pytest.fixture
def local_page(browser: Browser) -> Iterator[Page]:
    """An empty page of http://localhost:…"""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.route("**/*", lambda route: route.fulfill(body="<title>keys</title>", content_type="text/html"))
        page.goto(at_localhost(f"http://127.0.0.1:{server.server_port}/"))
        yield page
        context.close()
        server.shutdown()


def register(page: Page) -> Any:
    """Register what is plugged in, as an index would."""
    options = webauthn.generate_registration_options(rp_id="localhost", rp_name="Affineur", user_name="mona")
    answer = page.evaluate(
        """async given => (await navigator.credentials.create({
            publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(given)})).toJSON()""",
        json.loads(webauthn.options_to_json(options)),
    )
    return webauthn.verify_registration_response(
        credential=answer, expected_challenge=options.challenge, expected_rp_id="localhost",
        expected_origin=page.evaluate("location.origin"),
    )  # fmt: skip


def assert_with(page: Page, known: Any, count: int) -> int:
    """Sign in with what is plugged in, where the index last saw ``count``; the counter it says now."""
    options = webauthn.generate_authentication_options(
        rp_id="localhost",
        allow_credentials=[webauthn.helpers.structs.PublicKeyCredentialDescriptor(known.credential_id)],
    )
    answer = page.evaluate(
        """async given => (await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(given)})).toJSON()""",
        json.loads(webauthn.options_to_json(options)),
    )
    return webauthn.verify_authentication_response(
        credential=answer, expected_challenge=options.challenge, expected_rp_id="localhost",
        expected_origin=page.evaluate("location.origin"), credential_public_key=known.credential_public_key,
        credential_current_sign_count=count,
    ).new_sign_count  # fmt: skip


@pytest.mark.parametrize(("kind", "verified"), [("security key", False), ("passkey", True)])
def test_a_virtual_authenticator_registers_and_signs_in(local_page: Page, kind: Any, verified: bool) -> None:
    with authenticators(local_page) as plugs:
        key = plugs.plug_in(kind)
        known = register(local_page)
        assert known.user_verified is verified
        assert [one["rpId"] for one in key.credentials()] == ["localhost"]
        assert assert_with(local_page, known, known.sign_count) > known.sign_count


def test_a_cloned_key_shows_an_old_counter(local_page: Page) -> None:
    with authenticators(local_page) as plugs:
        key = plugs.plug_in("security key")
        known = register(local_page)
        stolen = key.credentials()[0]
        count = known.sign_count
        for _ in range(3):
            count = assert_with(local_page, known, count)
        key.unplug()
        clone = plugs.plug_in("security key")
        clone.insert(stolen)
        with pytest.raises(InvalidAuthenticationResponse, match="sign count"):
            assert_with(local_page, known, count)
        clone.set_sign_count(100)
        assert assert_with(local_page, known, count) == 101
