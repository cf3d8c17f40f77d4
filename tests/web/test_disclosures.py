"""Reports of found tokens: real ECDSA keys from a real key server, and what is believed of what comes."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.services.affineur import Server
from tests.web.people import sign_up, store_of
from tests.web.uploading import Answer, a_wheel, ask, new_token, published, refused, upload

from affineur.core.decision import Refused
from affineur.core.people.disclosure import (
    LONGEST_PLACE,
    Reporter,
    find_reporter,
    parse_report,
    parse_reporters,
    place_of,
)
from affineur.shell.disclosure_keys import DisclosureKeys
from affineur.shell.store import outbox

KEY, SIGNATURE = "Scanner-Public-Key-Identifier", "Scanner-Public-Key-Signature"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class KeyServer:
    """Publishes keys as scanners do. ``document`` is what it answers; ``asked`` counts; ``status`` can be trouble."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked, self.status, self.headers = 0, 200, dict[str, str]()
        self.document = self.listing(good=self.key.public_key())

    @staticmethod
    def listing(**keys: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
        def pem(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
            return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

        listed = [{"key_identifier": name, "key": pem(key), "is_current": True} for name, key in keys.items()]
        return json.dumps({"public_keys": [{"key_identifier": "odd", "key": "no key"}, *listed]}).encode()

    def sign(self, body: bytes) -> str:
        return base64.b64encode(self.key.sign(body, ec.ECDSA(SHA256()))).decode()

    @contextmanager
    def open(self) -> Iterator[str]:
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.asked += 1
                self.send_response(keys.status)
                for name, value in keys.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(keys.document)))
                self.end_headers()
                self.wfile.write(keys.document)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/keys"
        finally:
            listening.shutdown()
            thread.join(10)
            listening.server_close()


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    server = KeyServer()
    with server.open() as url:
        server.url = url  # type: ignore[attr-defined]
        yield server


def url_of(keys: KeyServer) -> str:
    return keys.url  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def index(server: Callable[..., Server], keys: KeyServer) -> Server:
    return server(environment={"AFFINEUR_DISCLOSURE_KEYS": f"{url_of(keys)} {KEY} {SIGNATURE}"})


def entry(token: str, url: str = "https://code.example.org/x/.pypirc") -> dict[str, str]:
    return {"token": token, "type": "pypi_api_token", "url": url}


def report(server: Server, keys: KeyServer, body: bytes, *, key: str = "good", signature: str | None = None) -> Answer:
    given = {KEY: key, SIGNATURE: keys.sign(body) if signature is None else signature}
    named = {name.replace("-", "_"): value for name, value in given.items()}
    return ask(server, "POST", "/_/secrets/disclose-token", body, content_type="application/json", **named)


def test_a_signed_report_revokes_the_token_and_writes_to_its_owner(index: Server, keys: KeyServer) -> None:
    sign_up(index, "olga", factors=("passkey",))
    lost, kept = (new_token(index, "olga", datetime.now(UTC)) for _ in range(2))
    published(upload(index, a_wheel("brie"), token=lost))
    url = f"https://code.example.org/blob?text={lost}\r\nBcc: everybody"
    foreign = {"token": "ghp_something", "type": "other", "url": "x"}
    body = json.dumps([foreign, {}, entry(lost, url), entry(lost), entry("pypi-nonsense"), {"type": 3}]).encode()
    answer = report(index, keys, body)
    assert (answer.status, answer.body) == (204, b"")
    refused(upload(index, a_wheel("brie", "2.0"), token=lost), "The token was revoked.", status=403)
    published(upload(index, a_wheel("brie", "2.0"), token=kept))
    with store_of(index) as store, store.read() as connection:
        (mail,) = outbox.mails(connection, unsent_only=True, limit=9)
    assert (mail.to_address, mail.template) == ("olga@example.org", "token-disclosed")
    assert mail.values["found_in"] == "https://code.example.org/blob?text=pypi-… Bcc: everybody"
    assert mail.values["reported_by"] == "127.0.0.1"
    assert lost not in repr(mail)
    assert keys.asked == 1


@pytest.mark.parametrize(
    ("body", "key", "signature"),
    [
        (b"[]", "good", ""),
        (b"[]", "good", "!!!"),
        (b"[]", "good", base64.b64encode(b"x" * 70).decode()),
        (b"[]", "unknown", None),
        (b"[]", "odd", None),
        (b"{}", "good", None),
        (b'[{"token": "x"}, 3]', "good", None),
        (b"not JSON", "good", None),
        (b"", "good", None),
        (json.dumps([{}] * 1001).encode(), "good", None),
    ],
)
def test_a_report_that_cannot_be_believed_or_read_is_400(
    index: Server, keys: KeyServer, body: bytes, key: str, signature: str | None
) -> None:
    assert report(index, keys, body, key=key, signature=signature).status == 400


def test_a_report_that_was_changed_on_its_way_revokes_nothing(index: Server, keys: KeyServer) -> None:
    token = new_token(index, "olga", datetime.now(UTC))
    signed = keys.sign(json.dumps([entry("pypi-another")]).encode())
    assert report(index, keys, json.dumps([entry(token)]).encode(), signature=signed).status == 400
    published(upload(index, a_wheel("brie"), token=token))


def test_whoever_is_not_named_gets_404(index: Server, server: Callable[..., Server], keys: KeyServer) -> None:
    path = "/_/secrets/disclose-token"
    assert ask(index, "POST", path, b"[]").status == 404
    one_header = {KEY.replace("-", "_"): "good"}
    assert ask(index, "POST", path, b"[]", **one_header).status == 404  # type: ignore[arg-type]
    assert ask(index, "GET", path).status == 405
    assert report(server(), keys, b"[]").status == 404, "without the setting nobody may report"
    assert keys.asked == 0


def test_a_report_is_to_be_sent_again_while_the_keys_are_away(index: Server, keys: KeyServer) -> None:
    keys.status = 500
    assert report(index, keys, b"[]").status == 503


def test_a_report_has_a_largest_size(index: Server, keys: KeyServer) -> None:
    answer = report(index, keys, b" " * (1024 * 1024 + 1))
    assert answer.status == 400
    assert "at most 1048576 bytes" in answer.text


def test_a_private_index_takes_reports_without_a_token(server: Callable[..., Server], keys: KeyServer) -> None:
    setting = f"{url_of(keys)} {KEY} {SIGNATURE}"
    private = server(environment={"AFFINEUR_DISCLOSURE_KEYS": setting, "AFFINEUR_READ": "token"})
    assert report(private, keys, b"[]").status == 204


# -- keys


def signed_rule(keeper: DisclosureKeys, keys: KeyServer, at: datetime, key: str = "good", body: bytes = b"[]") -> str:
    try:
        reporter = Reporter(url_of(keys), KEY.lower(), SIGNATURE.lower())
        keeper.require_signed(reporter, key, keys.sign(body), b"[]", at)
    except Refused as refused:
        return refused.decision.rule
    return ""


@pytest.fixture
def keeper() -> Iterator[DisclosureKeys]:
    made = DisclosureKeys(httpx.Client(trust_env=False, timeout=5))
    yield made
    made.close()


def test_keys_are_kept_for_half_an_hour_and_made_up_ones_do_not_make_us_ask_more_often(
    keeper: DisclosureKeys, keys: KeyServer
) -> None:
    assert signed_rule(keeper, keys, NOW) == ""
    for seconds in (0, 1, 59):
        assert signed_rule(keeper, keys, NOW + timedelta(seconds=seconds), "made up") == "disclosure.signature"
    assert signed_rule(keeper, keys, NOW + timedelta(minutes=30)) == ""
    assert keys.asked == 1
    assert signed_rule(keeper, keys, NOW + timedelta(seconds=60), "made up") == "disclosure.signature"
    assert keys.asked == 2
    assert signed_rule(keeper, keys, NOW + timedelta(minutes=32)) == ""
    assert keys.asked == 3


def test_a_key_that_was_taken_back_is_no_longer_believed(keeper: DisclosureKeys, keys: KeyServer) -> None:
    assert signed_rule(keeper, keys, NOW) == ""
    keys.document = keys.listing(other=ec.generate_private_key(ec.SECP256R1()).public_key())
    assert signed_rule(keeper, keys, NOW + timedelta(minutes=31)) == "disclosure.signature"


def test_keys_that_cannot_be_renewed_are_believed_no_longer_than_they_are_fresh(
    keeper: DisclosureKeys, keys: KeyServer
) -> None:
    assert signed_rule(keeper, keys, NOW) == ""
    keys.status = 500
    assert signed_rule(keeper, keys, NOW + timedelta(minutes=30)) == ""
    assert signed_rule(keeper, keys, NOW + timedelta(minutes=32)) == "disclosure.keys-away"


@pytest.mark.parametrize("trouble", ["redirect", "too long", "no JSON", "no list", "compressed"])
def test_an_answer_that_is_no_list_of_keys_gives_none(keeper: DisclosureKeys, keys: KeyServer, trouble: str) -> None:
    if trouble == "redirect":
        keys.status, keys.headers = 302, {"location": url_of(keys)}
    elif trouble == "compressed":
        keys.headers = {"content-encoding": "gzip"}
    else:
        keys.document = {"too long": b" " * 300_000, "no JSON": b"<", "no list": b'{"public_keys": {}}'}[trouble]
    assert signed_rule(keeper, keys, NOW) == "disclosure.keys-away"
    assert keys.asked == 1


def test_keys_that_are_weak_or_of_another_kind_sign_nothing(keeper: DisclosureKeys, keys: KeyServer) -> None:
    weak, other = ec.generate_private_key(ec.SECP192R1()), rsa.generate_private_key(65537, 2048)
    keys.document = keys.listing(good=weak.public_key(), other=other.public_key())
    keys.key = weak
    assert signed_rule(keeper, keys, NOW) == "disclosure.signature"
    assert signed_rule(keeper, keys, NOW, "other") == "disclosure.signature"


def test_a_signature_of_another_text_or_digest_is_none(keeper: DisclosureKeys, keys: KeyServer) -> None:
    assert signed_rule(keeper, keys, NOW, body=b"[ ]") == "disclosure.signature"
    reporter = Reporter(url_of(keys), KEY.lower(), SIGNATURE.lower())
    longer = base64.b64encode(keys.key.sign(b"[]", ec.ECDSA(SHA384()))).decode()
    with pytest.raises(Refused):
        keeper.require_signed(reporter, "good", longer, b"[]", NOW)


# -- the setting and the report


def test_the_setting_names_one_reporter_a_line() -> None:
    found = parse_reporters(
        "https://keys.example.org/a Key-A Sig-A\n\n# a note\n  http://127.0.0.1:1/b  key-b  sig-b \n"
    )
    assert [(each.name, each.key_header, each.signature_header) for each in found] == [
        ("keys.example.org", "key-a", "sig-a"),
        ("127.0.0.1", "key-b", "sig-b"),
    ]
    assert find_reporter(found, {"key-b": "x", "sig-b": "y"}) == found[1]
    assert find_reporter(found, {"key-a": "x", "sig-b": "y"}) is None
    assert parse_reporters("") == ()


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org", "https://example.org a", "https://example.org a b c", "http://example.org a b",
        "ftp://example.org a b", "https://me@example.org a b", "https:///keys a b", "https://example.org a: b",
        "https://example.org same same",
    ],
)  # fmt: skip
def test_a_reporter_that_cannot_be_asked_safely_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\A'"):
        parse_reporters(line)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (None, "a place that the report does not name"),
        (" \n ", "a place that the report does not name"),
        (3, "a place that the report does not name"),
        ("https://x.example.org/?t=pypi-" + "A" * 90, "https://x.example.org/?t=pypi-…"),
        ("a\x1b[31mb\u202ec", "a [31mb c"),
        ("x" * 400, "x" * (LONGEST_PLACE - 1) + "…"),
    ],
)
def test_the_place_is_one_harmless_line(url: object, shown: str) -> None:
    assert place_of(url) == shown


def test_a_report_gives_the_tokens_of_an_index_and_passes_over_the_rest() -> None:
    body = json.dumps([entry(" pypi-a "), {"type": "pypi_api_token"}, {"token": "pypi-b"}, entry("x" * 9000)]).encode()
    assert [finding.token for finding in parse_report(body)] == ["pypi-a"]
