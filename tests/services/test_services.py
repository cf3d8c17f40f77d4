"""The services that other tests stand on do what those tests take for granted."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import secrets
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import httpx
import psutil
import psycopg
import pytest
import webauthn
from joserfc import errors, jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Browser, Page
from tests.browser.authenticator import at_localhost, authenticators
from tests.services import keeper
from tests.services.affineur import Server, initialise, serve
from tests.services.claims import activestate, github, gitlab, google
from tests.services.issuer import Issuer
from tests.services.provider import ANA, MONA, PAUL, Client, Provider
from tests.services.s3 import Bucket
from tests.services.smtp import PASSWORD, USER, PostOffice
from webauthn.helpers.exceptions import InvalidAuthenticationResponse


def test_a_database_is_empty_and_has_the_extensions_that_search_uses(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (0,)
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.execute("SELECT similarity('reqeusts', 'requests') > 0.3").fetchone() == (True,)


def test_a_database_of_one_test_is_not_seen_by_the_next(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE TABLE left_behind (n int)")
        assert connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'").fetchone() == (0,)


def test_a_bucket_stores_and_refuses_to_overwrite_when_asked(s3: Bucket) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3.endpoint, region_name=s3.region,
        aws_access_key_id=s3.access_key_id, aws_secret_access_key=s3.secret_access_key,
    )  # fmt: skip
    client.put_object(Bucket=s3.name, Key="a/b.whl", Body=b"wheel", IfNoneMatch="*")
    assert client.get_object(Bucket=s3.name, Key="a/b.whl", Range="bytes=1-2")["Body"].read() == b"he"
    try:
        client.put_object(Bucket=s3.name, Key="a/b.whl", Body=b"other", IfNoneMatch="*")
    except client.exceptions.ClientError as refusal:
        assert refusal.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    else:
        raise AssertionError("an existing object was overwritten")


def test_nginx_is_a_program_that_runs(nginx: Path) -> None:
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True)
    assert "nginx/1." in said.stderr


def test_the_browser_renders_a_page_of_this_machine(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>Cellar</title><h1>Cheese</h1>")
    handler = lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory=str(tmp_path))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        assert (page.title(), page.locator("h1").inner_text()) == ("Cellar", "Cheese")
        context.close()
        server.shutdown()


def test_a_kept_program_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen(["sleep", "60"])
    kept = subprocess.Popen(
        [
            sys.executable,
            keeper.__file__,
            "--owner",
            str(owner.pid),
            "--",
            "sh",
            "-c",
            f"echo $$ >{tmp_path}/pid; exec sleep 60",
        ]
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        pass
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    kept.wait(timeout=20)
    child = int((tmp_path / "pid").read_text())
    assert not os.path.exists(f"/proc/{child}")


@pytest.mark.parametrize(("mode", "has_nginx"), [("python", False), ("edge", True)])
def test_a_server_is_served_by_nginx_in_edge_mode_only(
    server: Callable[..., Server], mode: str, has_nginx: bool
) -> None:
    started = server(mode=mode)
    children = psutil.Process(started.pid).children(recursive=True)
    assert any(child.name() == "nginx" for child in children) is has_nginx


def test_a_server_and_all_its_processes_end_with_the_test(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serve(data, initialise(data), mode="edge") as started:
        family = psutil.Process(started.pid).children(recursive=True)
        assert family
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert len(gone) == len(family)


def send(office: PostOffice, to: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "index@example.org", to, subject
    message.set_content("Café: https://example.org/confirm?code=1")
    message.add_alternative("<p>Café</p>", subtype="html")
    with smtplib.SMTP(office.host, office.port, timeout=10) as client:
        if office.certificate:
            client.starttls(context=office.certificate.for_client())
            client.login(USER, PASSWORD)
        client.send_message(message)


def test_mail_is_kept_with_its_envelope_and_both_bodies(smtp: PostOffice) -> None:
    threading.Timer(0.05, send, (smtp, "mona@example.org", "Confirm your address")).start()
    message = smtp.wait_for("mona@example.org", "Confirm")
    assert (message.sender, message.recipients) == ("index@example.org", ("mona@example.org",))
    assert (message.text.split()[0], message.html.strip()) == ("Café:", "<p>Café</p>")
    assert message.links == ["https://example.org/confirm?code=1"]
    assert not message.encrypted
    assert smtp.messages("ana@example.org") == []


@pytest.mark.parametrize("reply", ["451 Later", "550 Never"])
@pytest.mark.parametrize("stage", ["sender", "recipient", "data"])
def test_mail_is_refused_for_as_long_as_it_is_told(smtp: PostOffice, reply: str, stage: Any) -> None:
    with smtp.refuse(reply, at=stage), pytest.raises(smtplib.SMTPException) as refusal:
        send(smtp, "mona@example.org", "refused")
    assert reply[:3] in str(refusal.value)
    send(smtp, "mona@example.org", "taken")
    assert [message.subject for message in smtp.messages()] == ["taken"]
    assert smtp.refusals == 1


def test_a_secure_post_office_takes_mail_only_over_tls_and_from_somebody_it_knows(secure_smtp: PostOffice) -> None:
    with smtplib.SMTP(secure_smtp.host, secure_smtp.port, timeout=10) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            client.sendmail("a@example.org", ["b@example.org"], b"in the clear")
        assert secure_smtp.certificate
        client.starttls(context=secure_smtp.certificate.for_client())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, "wrong")
        with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
            client.sendmail("a@example.org", ["b@example.org"], b"by nobody")
    send(secure_smtp, "mona@example.org", "secret")
    message = secure_smtp.wait_for("mona@example.org")
    assert (message.encrypted, message.signed_in_as) == (True, USER)


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
