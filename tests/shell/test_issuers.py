"""Identity tokens of a real issuer over HTTP: good ones are read, and all others refused."""

from __future__ import annotations

import hmac
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jws
from joserfc.jwk import RSAKey
from tests.services.claims import github, gitlab
from tests.services.issuer import Issuer, open_issuer
from tests.shell.hostile_upstream import Answer, Upstream, upstream

from affineur.core import publishers
from affineur.core.decision import Decision
from affineur.core.publishers import AdmittedIssuer
from affineur.shell.issuers import (
    ASKED_AGAIN_AFTER,
    FRESH_FOR,
    GOOD_FOR,
    LEEWAY,
    MAXIMUM_DOCUMENT_BYTES,
    TRIED_AGAIN_AFTER,
    IdentityToken,
    Issuers,
)

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
STAMP = int(NOW.timestamp())
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def issuers(issuer: Issuer) -> Iterator[Issuers]:
    reader = Issuers([AdmittedIssuer("github", issuer.url, "Local")])
    yield reader
    reader.close()


def made(issuer: Issuer, **changes: object) -> str:
    """A token that is good at NOW, for five minutes."""
    times = {"iat": STAMP, "nbf": STAMP, "exp": STAMP + 300}
    return issuer.token(**{**times, **changes})  # type: ignore[arg-type]


def part(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def rule(answer: IdentityToken | Decision) -> str:
    assert isinstance(answer, Decision)
    assert not answer.allowed
    assert answer.sentence.isprintable()
    return answer.rule


def test_a_good_token_is_read_and_belongs_to_its_publisher(issuer: Issuer, issuers: Issuers) -> None:
    found = issuers.read(made(issuer, **github()), "affineur", NOW)
    assert isinstance(found, IdentityToken)
    assert found.issuer.url == issuer.url
    assert found.expires_at == NOW + 300 * SECOND
    assert found.remembered_until == NOW + 335 * SECOND
    fields = {"owner": "fromagerie", "repository": "roquefort", "workflow": "release.yml"}
    publisher = publishers.parse("github", issuer.url, fields, issuers.admitted)
    assert publishers.choose([publisher], found.claims) == publisher


def test_a_token_of_a_gitlab_of_ones_own_belongs_to_its_publisher(issuer: Issuer) -> None:
    issuers = Issuers([AdmittedIssuer("gitlab", issuer.url, "Local")])
    token = made(issuer, **gitlab(host=issuer.url.removeprefix("http://")))
    found = issuers.read(token, "affineur", NOW)
    assert isinstance(found, IdentityToken)
    fields = {"namespace": "fromagerie", "project": "roquefort", "workflow": ".gitlab-ci.yml"}
    publisher = publishers.parse("gitlab", issuer.url, fields, issuers.admitted)
    assert publishers.matches(publisher, found.claims).allowed
    issuers.close()


# Signature


def signed(issuer: Issuer, header: dict[str, object], algorithm: str = "RS256") -> str:
    """A token that is good at NOW, with ``header`` as it stands, truly signed with the issuer's key."""
    claims = {"iss": issuer.url, "aud": "affineur", "iat": STAMP, "exp": STAMP + 300}
    text = f"{part({'alg': 'RS256', 'kid': issuer.key.kid} | header)}.{part(claims)}"
    if algorithm == "HS256":
        return f"{text}.{part(hmac.digest(issuer.key.as_pem(private=False), text.encode(), 'sha256'))}"
    digest = hashes.SHA512() if algorithm == "RS512" else hashes.SHA256()
    way = padding.PSS(padding.MGF1(digest), 32) if algorithm == "PS256" else padding.PKCS1v15()
    return f"{text}.{part(issuer.key.private_key.sign(text.encode(), way, digest))}"


def refusal(answer: IdentityToken | Decision) -> str:
    """What is wrong with a token that is refused as invalid."""
    assert rule(answer) == "publisher.invalid-token"
    assert isinstance(answer, Decision)
    return answer.reason.removeprefix("The identity token is not valid. ")


@pytest.mark.parametrize("algorithm", ["HS256", "RS512", "PS256"])
def test_a_token_with_another_algorithm_is_refused_whatever_its_header_says(
    issuer: Issuer, issuers: Issuers, algorithm: str
) -> None:
    """HS256: the public key, which everybody has, used as if it were a secret."""
    honest = issuers.read(signed(issuer, {"alg": algorithm}, algorithm), "affineur", NOW)
    assert refusal(honest) == "It is not signed with RS256."
    lying = issuers.read(signed(issuer, {"alg": "RS256"}, algorithm), "affineur", NOW)
    assert refusal(lying) == "Its signature is not that of the issuer."


@pytest.mark.parametrize("name", ["none", "None", "NONE", "rs256", "", None, 7])
def test_a_token_that_chooses_its_own_algorithm_is_refused(issuer: Issuer, issuers: Issuers, name: object) -> None:
    token = signed(issuer, {"alg": name})
    for spelled in (token, token.rpartition(".")[0] + "."):
        assert refusal(issuers.read(spelled, "affineur", NOW)) == "It is not signed with RS256."


@pytest.mark.parametrize(
    "forge",
    [
        lambda issuer: made(issuer, key=RSAKey.generate_key(2048)),
        lambda issuer: made(issuer).rpartition(".")[0] + ".",
        lambda issuer: made(issuer).rpartition(".")[0] + "." + part(b"\0" * 256),
        lambda issuer: made(issuer) + "AAAA",
    ],
    ids=["other-key", "no-signature", "zero-signature", "longer"],
)
def test_a_token_that_the_issuer_did_not_sign_is_refused(
    issuer: Issuer, issuers: Issuers, forge: Callable[[Issuer], str]
) -> None:
    assert refusal(issuers.read(forge(issuer), "affineur", NOW)) == "Its signature is not that of the issuer."


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"crit": ["exp"], "exp": 1}, "Its header asks for extensions."),
        ({"crit": ["b64"], "b64": False}, "Its header asks for extensions."),
        ({"kid": None}, "Its header names no key."),
        ({"kid": 7}, "Its header names no key."),
        ({"typ": "secevent+jwt"}, "Its header says that it is something else."),
        ({"typ": 7}, "Its header says that it is something else."),
    ],
)
def test_a_header_that_is_not_that_of_an_identity_token_is_refused(
    issuers: Issuers, issuer: Issuer, header: dict[str, object], sentence: str
) -> None:
    assert refusal(issuers.read(signed(issuer, header), "affineur", NOW)) == sentence


def test_a_key_that_the_issuer_does_not_have_is_refused(issuer: Issuer, issuers: Issuers) -> None:
    answer = issuers.read(made(issuer, headers={"kid": "another"}), "affineur", NOW)
    assert rule(answer) == "publisher.invalid-token"
    assert isinstance(answer, Decision)
    assert "has no key 'another'" in answer.reason


def test_headers_that_nobody_here_knows_are_ignored(issuer: Issuer, issuers: Issuers) -> None:
    token = signed(issuer, {"typ": "jwt", "x5t": "abc", "nobody": "knows", "long": "x" * 1000})
    assert isinstance(issuers.read(token, "affineur", NOW), IdentityToken)


def test_claims_that_were_changed_after_signing_are_refused(issuer: Issuer, issuers: Issuers) -> None:
    header, _, signature = made(issuer).split(".")
    better = {"iss": issuer.url, "aud": "affineur", "iat": STAMP, "exp": STAMP + 9999, "repository": "a/b"}
    answer = issuers.read(f"{header}.{part(better)}.{signature}", "affineur", NOW)
    assert rule(answer) == "publisher.invalid-token"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "é.é.é",
        ".." ,
        f"{part([])}.{part({})}.x",
        f"{part({'alg': 'RS256'})}.{part([])}.x",
        f"{part({'alg': 'RS256'})}.{part({})}.x",
        f"{part({'alg': 'RS256'})}.{part({'iss': 7})}.x",
        f"{part({'alg': 'RS256'})}.{part(b'[' * 5000)}.x",
        f"{part({'alg': 'RS256'})}.{part(b'{' + bytes([34, 255, 34]) + b':1}')}.x",
        "a" * 40_000,
    ],
    ids=lambda token: token[:12],
)  # fmt: skip
def test_what_is_no_token_is_refused(issuers: Issuers, token: str) -> None:
    assert rule(issuers.read(token, "affineur", NOW)) == "publisher.invalid-payload"


# Issuer, audience, times


def test_nothing_is_fetched_from_an_issuer_that_nobody_admitted(issuer: Issuer, issuers: Issuers) -> None:
    with open_issuer() as stranger:
        assert rule(issuers.read(made(stranger), "affineur", NOW)) == "publisher.issuer"
        assert stranger.asked == []
    for url in (issuer.url + "/", issuer.url.upper(), issuer.url.replace("127.0.0.1", "localhost")):
        assert rule(issuers.read(made(issuer, iss=url), "affineur", NOW)) == "publisher.issuer"
    assert issuer.asked == []


def test_the_keys_of_one_issuer_do_not_sign_for_another(issuer: Issuer) -> None:
    with open_issuer() as other:
        issuers = Issuers([AdmittedIssuer("github", one.url, "Local") for one in (issuer, other)])
        forged = made(issuer, iss=other.url, headers={"kid": other.key.kid})
        assert rule(issuers.read(forged, "affineur", NOW)) == "publisher.invalid-token"
        issuers.close()


@pytest.mark.parametrize("audience", [["affineur"], ["affineur", "x"], "Affineur", "affineur ", "", None, 7, {}])
def test_the_audience_is_one_text_and_ours(issuer: Issuer, issuers: Issuers, audience: object) -> None:
    assert rule(issuers.read(made(issuer, aud=audience), "affineur", NOW)) == "publisher.invalid-token"


@pytest.mark.parametrize("claim", ["aud", "exp", "iat"])
def test_a_claim_that_every_token_needs_is_missing(issuer: Issuer, issuers: Issuers, claim: str) -> None:
    assert rule(issuers.read(made(issuer, without=(claim,)), "affineur", NOW)) == "publisher.invalid-token"


@pytest.mark.parametrize(
    ("claim", "moment", "good"),
    [
        ("exp", NOW - LEEWAY + MICROSECOND, True),
        ("exp", NOW - LEEWAY, False),
        ("exp", NOW - LEEWAY - SECOND, False),
        ("exp", NOW, True),
        ("iat", NOW + LEEWAY, True),
        ("iat", NOW + LEEWAY + SECOND, False),
        ("nbf", NOW + LEEWAY, True),
        ("nbf", NOW + LEEWAY + SECOND, False),
        ("nbf", NOW - timedelta(days=400), True),
    ],
)
def test_a_token_is_taken_within_its_times_give_or_take_half_a_minute(
    issuer: Issuer, issuers: Issuers, claim: str, moment: datetime, good: bool
) -> None:
    answer = issuers.read(made(issuer, **{claim: moment.timestamp()}), "affineur", NOW)
    assert isinstance(answer, IdentityToken) == good
    assert good or rule(answer) == "publisher.invalid-token"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1795348800", True, None, [], -1, 10**12, 10**400, 1e308])
def test_a_time_that_is_none_is_refused(issuer: Issuer, issuers: Issuers, claim: str, value: object) -> None:
    assert isinstance(issuers.read(made(issuer, **{claim: value}), "affineur", NOW), Decision)


def test_a_token_needs_no_earliest_time(issuer: Issuer, issuers: Issuers) -> None:
    assert isinstance(issuers.read(made(issuer, without=("nbf",)), "affineur", NOW), IdentityToken)


# Using a token once


def test_the_same_token_has_the_same_key_and_another_one_has_not(issuer: Issuer, issuers: Issuers) -> None:
    def key_of(token: str) -> str:
        found = issuers.read(token, "affineur", NOW)
        assert isinstance(found, IdentityToken)
        return found.reuse_key

    one = made(issuer, jti="1")
    assert key_of(one) == key_of(one) == key_of(made(issuer, jti="1", ref="another"))
    assert key_of(one) != key_of(made(issuer, jti="2"))
    bare = made(issuer, without=("jti",), ref="a")
    assert key_of(bare) == key_of(bare)
    assert key_of(bare) != key_of(made(issuer, without=("jti",), ref="b"))
    assert key_of(bare) != key_of(one)


def test_another_spelling_of_the_same_signature_makes_no_other_token(issuer: Issuer, issuers: Issuers) -> None:
    token = made(issuer, without=("jti",))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    keys = set()
    for number in range(16):  # 256 bytes end in two letters: the last four bits are nobody's
        spelled = token[:-1] + letters[letters.index(token[-1]) // 16 * 16 + number]
        found = issuers.read(spelled, "affineur", NOW)
        if isinstance(found, IdentityToken):
            keys.add(found.reuse_key)
    assert len(keys) == 1


@pytest.mark.parametrize("identity", [7, "", [], {}])
def test_a_token_id_that_is_no_text_is_refused(issuer: Issuer, issuers: Issuers, identity: object) -> None:
    assert rule(issuers.read(made(issuer, jti=identity), "affineur", NOW)) == "publisher.invalid-token"


# Keys


def test_keys_are_fetched_once(issuer: Issuer, issuers: Issuers) -> None:
    for _ in range(3):
        assert isinstance(issuers.read(made(issuer), "affineur", NOW), IdentityToken)
    assert issuer.asked == [DISCOVERY, "/.well-known/jwks"]


def test_many_at_once_make_one_request(issuer: Issuer, issuers: Issuers) -> None:
    token = made(issuer)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: issuers.read(token, "affineur", NOW), range(16)))
    assert all(isinstance(answer, IdentityToken) for answer in answers)
    assert issuer.asked.count(DISCOVERY) == 1


def test_a_new_key_is_fetched_but_not_more_often_than_once_a_minute(issuer: Issuer, issuers: Issuers) -> None:
    issuers.read(made(issuer), "affineur", NOW)
    issuer.rotate()
    too_early = NOW + ASKED_AGAIN_AFTER - MICROSECOND
    assert rule(issuers.read(made(issuer), "affineur", too_early)) == "publisher.invalid-token"
    assert issuer.asked.count(DISCOVERY) == 1
    assert isinstance(issuers.read(made(issuer), "affineur", NOW + ASKED_AGAIN_AFTER), IdentityToken)
    assert issuer.asked.count(DISCOVERY) == 2


def test_made_up_key_ids_do_not_make_us_ask_again_and_again(issuer: Issuer, issuers: Issuers) -> None:
    for number in range(20):
        issuers.read(made(issuer, headers={"kid": f"made-up-{number}"}), "affineur", NOW + number * SECOND)
    assert issuer.asked.count(DISCOVERY) == 1


def test_a_key_that_was_taken_back_is_forgotten_within_an_hour(issuer: Issuer, issuers: Issuers) -> None:
    old = issuer.key
    assert isinstance(issuers.read(made(issuer), "affineur", NOW), IdentityToken)
    issuer.rotate(keep_old=False)
    late = NOW + FRESH_FOR + SECOND
    stolen = made(issuer, key=old, headers={"kid": old.kid}, exp=int(late.timestamp()) + 300)
    assert isinstance(issuers.read(stolen, "affineur", NOW + FRESH_FOR), IdentityToken)
    assert rule(issuers.read(stolen, "affineur", late)) == "publisher.invalid-token"


def test_known_keys_last_a_day_while_the_issuer_is_away(issuer: Issuer, issuers: Issuers) -> None:
    token = made(issuer, exp=STAMP + 10 * 86400)
    issuers.read(token, "affineur", NOW)
    with issuer.unreachable():
        assert isinstance(issuers.read(token, "affineur", NOW + GOOD_FOR), IdentityToken)
        later = NOW + GOOD_FOR + timedelta(minutes=1)
        assert rule(issuers.read(token, "affineur", later)) == "publisher.issuer-away"
    assert isinstance(issuers.read(token, "affineur", later + TRIED_AGAIN_AFTER), IdentityToken)


def test_an_issuer_that_is_away_is_said_to_be_and_asked_again_soon(issuer: Issuer, issuers: Issuers) -> None:
    with issuer.unreachable():
        answer = issuers.read(made(issuer), "affineur", NOW)
        assert rule(answer) == "publisher.issuer-away"
        assert isinstance(answer, Decision)
        assert answer.facts["retry_after_seconds"] == TRIED_AGAIN_AFTER.total_seconds()
    assert rule(issuers.read(made(issuer), "affineur", NOW + SECOND)) == "publisher.issuer-away"
    assert isinstance(issuers.read(made(issuer), "affineur", NOW + TRIED_AGAIN_AFTER), IdentityToken)


def test_an_issuer_in_trouble_is_said_to_be_away(issuer: Issuer, issuers: Issuers) -> None:
    with issuer.failing(503):
        answer = issuers.read(made(issuer), "affineur", NOW)
    assert rule(answer) == "publisher.issuer-away"
    assert isinstance(answer, Decision)
    assert "status 503" in answer.reason


# Answers of an issuer that is not well, or not well meant


@pytest.fixture
def wild() -> Iterator[Upstream]:
    with upstream() as serving:
        yield serving


KEY = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


def said_by(wild: Upstream, *, key: RSAKey | None = None, **headers: str) -> IdentityToken | Decision:
    """What becomes of a token of ``wild``, signed with KEY."""
    claims = {"iss": wild.url, "aud": "affineur", "iat": STAMP, "exp": STAMP + 300, "jti": "1"}
    signer = key or KEY
    header = {"alg": "RS256", "kid": signer.kid, **headers}
    token = jws.serialize_compact(header, json.dumps(claims).encode(), signer, algorithms=["RS256", "ES256"])
    issuers = Issuers([AdmittedIssuer("github", wild.url, "Wild")])
    try:
        return issuers.read(token, "affineur", NOW)
    finally:
        issuers.close()


def document(wild: Upstream, **changes: object) -> Answer:
    found = {"issuer": wild.url, "jwks_uri": f"{wild.url}/keys"} | changes
    return Answer(json.dumps(found).encode(), content_type="application/json")


def key_set(*keys: object) -> Answer:
    return Answer(json.dumps({"keys": keys}).encode(), content_type="application/json")


def test_an_issuer_that_answers_well_is_believed(wild: Upstream) -> None:
    wild.answers |= {DISCOVERY: document(wild), "/keys": key_set(KEY.as_dict(private=False))}
    assert isinstance(said_by(wild), IdentityToken)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda wild: document(wild, issuer="https://example.org"), "names another issuer"),
        (lambda wild: document(wild, issuer=f"{wild.url}/"), "names another issuer"),
        (lambda wild: document(wild, issuer=None), "names another issuer"),
        (lambda wild: document(wild, jwks_uri=None), "no https address"),
        (lambda wild: document(wild, jwks_uri="http://keys.example.org/keys"), "no https address"),
        (lambda wild: document(wild, jwks_uri="ftp://127.0.0.1/keys"), "no https address"),
        (lambda wild: document(wild, jwks_uri="file:///keys"), "no https address"),
        (lambda wild: document(wild, jwks_uri="http://127.0.0.1:1@keys.example.org/"), "no https address"),
        (lambda wild: document(wild, jwks_uri="https://user@127.0.0.1/"), "no https address"),
        (lambda wild: document(wild, jwks_uri="https://[::1"), "no https address"),
        (lambda wild: document(wild, jwks_uri="/keys"), "no https address"),
        (lambda wild: Answer(b"[]"), "no JSON object"),
        (lambda wild: Answer(b"{"), "no JSON"),
        (lambda wild: Answer(b"\xff"), "no JSON"),
        (lambda wild: Answer(b"[" * 100_000), "no JSON"),
        (lambda wild: Answer(b"{}", status=404), "status 404"),
        (lambda wild: Answer(b" " * (MAXIMUM_DOCUMENT_BYTES + 1)), "more than 256 KiB"),
        (lambda wild: Answer(b"{}", claimed_bytes=10), "cannot be reached (RemoteProtocolError)"),
        (lambda wild: Answer(b"\x1f\x8b", headers={"content-encoding": "gzip"}), "compresses its answer"),
        (lambda wild: Answer(status=302, headers={"location": f"{wild.url}/moved"}), "status 302"),
        (lambda wild: Answer(status=307, headers={"location": "http://127.0.0.1:9/elsewhere"}), "status 307"),
    ],
)
def test_a_discovery_document_that_is_not_in_order_is_not_followed(
    wild: Upstream, answer: Callable[[Upstream], Answer], why: str
) -> None:
    wild.answers |= {"/moved": document(wild), "/keys": key_set(KEY.as_dict(private=False)), DISCOVERY: answer(wild)}
    refused = said_by(wild)
    assert rule(refused) == "publisher.issuer-away"
    assert isinstance(refused, Decision)
    assert why in refused.reason
    assert set(wild.asked) == {DISCOVERY}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"{}"),
        Answer(b'{"keys": 7}'),
        key_set(*[{}] * 101),
        Answer(b'{"keys": [' + b" " * MAXIMUM_DOCUMENT_BYTES + b"]}"),
        Answer(status=301, headers={"location": "/others"}),
    ],
    ids=["none", "number", "many", "huge", "redirect"],
)
def test_a_key_set_that_is_not_in_order_is_not_used(wild: Upstream, answer: Answer) -> None:
    wild.answers |= {DISCOVERY: document(wild), "/keys": answer, "/others": key_set(KEY.as_dict(private=False))}
    assert rule(said_by(wild)) == "publisher.issuer-away"


GOOD_KEY = KEY.as_dict(private=False)


@pytest.mark.parametrize(
    "key",
    [
        7,
        {},
        GOOD_KEY | {"kid": None},
        GOOD_KEY | {"kty": "oct", "k": "c2VjcmV0"},
        GOOD_KEY | {"use": "enc"},
        GOOD_KEY | {"alg": "RS512"},
        GOOD_KEY | {"n": "!"},
        GOOD_KEY | {"n": 7},
        GOOD_KEY | {"n": "AQAB"},
        {name: value for name, value in GOOD_KEY.items() if name != "e"},
    ],
    ids=["number", "empty", "no-id", "secret", "encryption", "other-algorithm", "no-base64", "modulus-number", "tiny",
         "no-exponent"],
)  # fmt: skip
def test_a_key_that_is_not_for_us_is_passed_over(wild: Upstream, key: object) -> None:
    another = RSAKey.generate_key(2048, auto_kid=True)
    wild.answers |= {DISCOVERY: document(wild), "/keys": key_set(key, another.as_dict(private=False))}
    assert rule(said_by(wild)) == "publisher.invalid-token"
    assert isinstance(said_by(wild, key=another), IdentityToken)


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_key_is_not_believed(wild: Upstream) -> None:
    short = RSAKey.generate_key(1024, auto_kid=True)
    wild.answers |= {DISCOVERY: document(wild), "/keys": key_set(short.as_dict(private=False))}
    assert rule(said_by(wild, key=short)) == "publisher.invalid-token"


def test_an_issuer_with_a_slash_at_its_end_is_asked_at_the_right_address(wild: Upstream) -> None:
    wild.url += "/"
    wild.answers |= {
        DISCOVERY: document(wild, jwks_uri=f"{wild.url}keys"),
        "/keys": key_set(KEY.as_dict(private=False)),
    }
    assert isinstance(said_by(wild), IdentityToken)


# Secrets


def test_no_token_gets_into_a_refusal_or_a_log_line(
    issuer: Issuer, issuers: Issuers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = made(issuer, aud="somebody")
    answer = issuers.read(token, "affineur", NOW)
    seen = repr(answer) + caplog.text
    assert "publisher.invalid-token" in seen
    assert not [piece for piece in token.split(".") if piece in seen]
    assert not any(piece in path for path in issuer.asked for piece in token.split("."))
