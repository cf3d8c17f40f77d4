"""Passkeys: registration, assertions, and everything that must not pass, against an authenticator in software."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shell.soft_authenticator import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    PRESENT,
    VERIFIED,
    SoftAuthenticator,
    base64url,
)

from affineur.core.decision import Refused
from affineur.shell import passkeys
from affineur.shell.passkeys import Passkey, RelyingParty

PARTY = RelyingParty("index.example.org", "Cheese", "https://index.example.org")
HANDLE = bytes(range(64))
CHALLENGE = b"c" * 32


def key(**wrong: Any) -> SoftAuthenticator:
    return SoftAuthenticator(**({"origin": PARTY.origin, "rp_id": PARTY.id, "user_handle": HANDLE} | wrong))


def registered(authenticator: SoftAuthenticator) -> Passkey:
    return passkeys.verify_registration(PARTY, CHALLENGE, authenticator.register(CHALLENGE))


def assert_refused(rule: str, refused: pytest.ExceptionInfo[Refused]) -> None:
    decision = refused.value.decision
    assert decision.rule == rule
    assert decision.reason.endswith(".")
    assert decision.ways_out


@pytest.mark.parametrize("edwards", [False, True])
def test_a_key_registers_and_then_proves_itself_again_and_again(edwards: bool) -> None:
    authenticator = key(edwards=edwards)
    passkey = registered(authenticator)
    assert passkey.credential_id == authenticator.credential_id
    assert passkey.transports == ("nfc", "usb")
    assert (passkey.user_verified, passkey.backed_up, passkey.sign_count) == (True, False, 0)
    assert passkey.aaguid == "00000000-0000-0000-0000-000000000000"
    for expected in (1, 2, 3):
        challenge = os.urandom(32)
        answer = authenticator.assert_presence(challenge)
        assertion = passkeys.verify_authentication(PARTY, challenge, answer, [passkey], HANDLE)
        assert assertion.sign_count == expected
        assert assertion.user_verified
        passkey = replace(passkey, sign_count=assertion.sign_count)


def test_a_synchronised_passkey_says_that_it_is_backed_up() -> None:
    authenticator = key(flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP, counter=None)
    passkey = registered(authenticator)
    assert passkey.backed_up
    for _ in range(2):  # a counter that stays 0 is none
        answer = authenticator.assert_presence(CHALLENGE)
        assert passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE).backed_up


REGISTRATION_FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another origin": ({"origin": "https://evil.example"}, {}),
    "another port": ({"origin": "https://index.example.org:8443"}, {}),
    "not by https": ({"origin": "http://index.example.org"}, {}),
    "another relying party": ({"rp_id": "example.org"}, {}),
    "nobody touched it": ({"flags": VERIFIED}, {}),
    "from within a frame": ({"cross_origin": True}, {}),
    "a challenge of before": ({}, {"challenge": base64url(b"d" * 32)}),
    "an assertion": ({}, {"type": "webauthn.get"}),
    "an id that is too long": ({"credential_id": bytes(1024)}, {}),
}


@pytest.mark.parametrize(("made", "said"), REGISTRATION_FAULTS.values(), ids=REGISTRATION_FAULTS)
def test_a_registration_is_refused_when_anything_is_wrong(made: dict[str, Any], said: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        passkeys.verify_registration(PARTY, CHALLENGE, key(**made).register(CHALLENGE, **said))
    assert_refused("factor.registration", refused)


def test_the_longest_id_is_taken() -> None:
    assert len(registered(key(credential_id=bytes(1023))).credential_id) == 1023


ASSERTION_FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another origin": ({"origin": "https://evil.example"}, {}),
    "another relying party": ({"rp_id": "evil.example"}, {}),
    "nobody touched it": ({"flags": VERIFIED}, {}),
    "from within a frame": ({"cross_origin": True}, {}),
    "a challenge of before": ({}, {"challenge": base64url(b"d" * 32)}),
    "a registration": ({}, {"type": "webauthn.create"}),
    "changed after signing": ({}, {"tamper": True}),
}


@pytest.mark.parametrize(("made", "said"), ASSERTION_FAULTS.values(), ids=ASSERTION_FAULTS)
def test_an_assertion_is_refused_when_anything_is_wrong(made: dict[str, Any], said: dict[str, Any]) -> None:
    authenticator = key()
    passkey = registered(authenticator)
    for name, value in made.items():
        setattr(authenticator, name, value)
    answer = authenticator.assert_presence(CHALLENGE, **said)
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE)
    assert_refused("factor.assertion", refused)


def test_a_replayed_assertion_is_refused_by_the_next_challenge_and_by_its_counter() -> None:
    authenticator = key()
    passkey = registered(authenticator)
    answer = authenticator.assert_presence(CHALLENGE)
    assertion = passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE)
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, os.urandom(32), answer, [passkey], HANDLE)
    assert_refused("factor.assertion", refused)
    with pytest.raises(Refused) as refused:
        used = replace(passkey, sign_count=assertion.sign_count)
        passkeys.verify_authentication(PARTY, CHALLENGE, answer, [used], HANDLE)
    assert_refused("factor.cloned", refused)


def test_a_signature_by_another_key_under_the_same_id_is_refused() -> None:
    authenticator = key()
    passkey = registered(authenticator)
    impostor = key(credential_id=authenticator.credential_id)
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, CHALLENGE, impostor.assert_presence(CHALLENGE), [passkey], HANDLE)
    assert_refused("factor.assertion", refused)


@pytest.mark.parametrize(
    ("stored", "said", "cloned"),
    [
        (0, None, False),
        (0, 1, False),
        (5, 6, False),
        (5, 5, True),
        (5, 4, True),
        (5, None, True),
        (1, 2**32 - 1, False),
    ],
)
def test_a_counter_that_does_not_rise_is_a_copy(stored: int, said: int | None, cloned: bool) -> None:
    authenticator = key()
    passkey = replace(registered(authenticator), sign_count=stored)
    authenticator.counter = None if said is None else said - 1
    answer = authenticator.assert_presence(CHALLENGE)
    if not cloned:
        assert passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE).sign_count == (said or 0)
        return
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE)
    assert_refused("factor.cloned", refused)
    assert refused.value.decision.facts["counter_before"] == stored


def test_nobody_can_make_a_key_look_cloned_without_having_it() -> None:
    """Ids of credentials are no secret: a low counter counts only under a right signature."""
    authenticator = key()
    passkey = replace(registered(authenticator), sign_count=100)
    impostor = key(credential_id=authenticator.credential_id)
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, CHALLENGE, impostor.assert_presence(CHALLENGE), [passkey], HANDLE)
    assert_refused("factor.assertion", refused)


@pytest.mark.parametrize(
    ("handle", "passwordless", "rule"),
    [
        (HANDLE, False, None),
        (HANDLE, True, None),
        (None, False, None),
        (b"", False, None),
        (None, True, "factor.unknown"),
        (b"", True, "factor.unknown"),
        (b"somebody else", False, "factor.unknown"),
        (b"somebody else", True, "factor.unknown"),
    ],
)
def test_a_credential_speaks_for_its_own_account_only(
    handle: bytes | None, passwordless: bool, rule: str | None
) -> None:
    authenticator = key(user_handle=handle)
    passkey = registered(authenticator)
    answer = authenticator.assert_presence(CHALLENGE)

    def verify() -> object:
        return passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE, passwordless=passwordless)

    if rule is None:
        assert verify()
        return
    with pytest.raises(Refused) as refused:
        verify()
    assert_refused(rule, refused)


def test_a_credential_that_the_account_does_not_have_is_refused() -> None:
    known, stranger = registered(key()), key()
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, CHALLENGE, stranger.assert_presence(CHALLENGE), [known], HANDLE)
    assert_refused("factor.unknown", refused)


def test_without_a_password_the_person_must_be_verified_and_beside_one_need_not() -> None:
    authenticator = key(flags=PRESENT)
    passkey = registered(authenticator)
    assert not passkey.user_verified
    answer = authenticator.assert_presence(CHALLENGE)
    assert not passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE).user_verified
    answer = authenticator.assert_presence(CHALLENGE)
    with pytest.raises(Refused) as refused:
        passkeys.verify_authentication(PARTY, CHALLENGE, answer, [passkey], HANDLE, passwordless=True)
    assert_refused("factor.unverified", refused)


def test_an_answer_names_its_credential_before_it_is_verified() -> None:
    authenticator = key()
    named = passkeys.named_credential(authenticator.assert_presence(CHALLENGE))
    assert named == passkeys.Named(authenticator.credential_id, HANDLE)


def test_registration_asks_for_what_the_house_wants() -> None:
    known = registered(key())
    asked = json.loads(passkeys.registration_options(PARTY, CHALLENGE, HANDLE, "ada", [known]))
    assert asked["rp"] == {"id": PARTY.id, "name": "Cheese"}
    assert asked["user"]["name"] == "ada"
    assert asked["user"]["id"] == base64url(HANDLE)
    assert asked["challenge"] == base64url(CHALLENGE)
    assert asked["attestation"] == "none"
    assert asked["authenticatorSelection"]["residentKey"] == "preferred"
    assert asked["authenticatorSelection"]["userVerification"] == "preferred"
    assert [each["alg"] for each in asked["pubKeyCredParams"]] == [-8, -7, -257]
    assert [each["id"] for each in asked["excludeCredentials"]] == [base64url(known.credential_id)]
    assert sorted(asked["excludeCredentials"][0]["transports"]) == ["nfc", "usb"]


def test_authentication_names_credentials_beside_a_password_and_none_without() -> None:
    known = replace(registered(key()), transports=("usb", "of the future"))
    beside = json.loads(passkeys.authentication_options(PARTY, CHALLENGE, [known]))
    assert beside["userVerification"] == "preferred"
    assert [each["id"] for each in beside["allowCredentials"]] == [base64url(known.credential_id)]
    without = json.loads(passkeys.authentication_options(PARTY, CHALLENGE, [known], passwordless=True))
    assert without["userVerification"] == "required"
    assert not without.get("allowCredentials")


@pytest.mark.parametrize("challenge", [b"", b"c" * 15])
def test_a_challenge_is_never_made_up_nor_short(challenge: bytes) -> None:
    for ask in (
        lambda: passkeys.registration_options(PARTY, challenge, HANDLE, "ada"),
        lambda: passkeys.authentication_options(PARTY, challenge),
        lambda: passkeys.verify_registration(PARTY, challenge, "{}"),
        lambda: passkeys.verify_authentication(PARTY, challenge, "{}", [], HANDLE),
    ):
        with pytest.raises(ValueError, match="16 random bytes"):
            ask()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | JSON.map(json.dumps))
def test_no_text_at_all_does_more_than_being_refused(answer: str) -> None:
    for verify in (
        lambda: passkeys.verify_registration(PARTY, CHALLENGE, answer),
        lambda: passkeys.verify_authentication(PARTY, CHALLENGE, answer, [], HANDLE),
    ):
        with pytest.raises(Refused):
            verify()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_good_answer_with_one_part_replaced_is_refused(data: st.DataObject) -> None:
    authenticator = key()
    answer = json.loads(authenticator.register(CHALLENGE))
    part = data.draw(st.sampled_from(["clientDataJSON", "attestationObject"]))
    answer["response"][part] = data.draw(JSON | st.binary(max_size=200).map(base64url))
    with pytest.raises(Refused) as refused:
        passkeys.verify_registration(PARTY, CHALLENGE, json.dumps(answer))
    assert refused.value.decision.rule == "factor.registration"


@pytest.mark.parametrize("answer", ["[" * 50_000, '{"a":' * 10_000, "x" * 70_000])
def test_deep_and_huge_answers_are_refused(answer: str) -> None:
    with pytest.raises(Refused):
        passkeys.verify_registration(PARTY, CHALLENGE, answer)


@pytest.mark.parametrize(
    ("base_url", "party"),
    [
        ("https://index.example.org/", ("index.example.org", "https://index.example.org")),
        ("https://Index.Example.ORG/path/", ("index.example.org", "https://index.example.org")),
        ("https://index.example.org:443/", ("index.example.org", "https://index.example.org")),
        ("https://index.example.org:8443/", ("index.example.org", "https://index.example.org:8443")),
        ("http://localhost:8040/", ("localhost", "http://localhost:8040")),
        ("http://a.localhost/", ("a.localhost", "http://a.localhost")),
        ("https://käse.example/", ("xn--kse-qla.example", "https://xn--kse-qla.example")),
    ],
)
def test_a_relying_party_is_the_host_of_the_index(base_url: str, party: tuple[str, str]) -> None:
    assert passkeys.relying_party(base_url, "Cheese") == RelyingParty(party[0], "Cheese", party[1])


@pytest.mark.parametrize(
    ("base_url", "word"),
    [
        ("http://127.0.0.1:8040/", "IP addresses"),
        ("https://192.0.2.1/", "IP addresses"),
        ("https://[2001:db8::1]/", "IP addresses"),
        ("http://index.example.org/", "https only"),
        ("http://notlocalhost/", "https only"),
        ("", "no address"),
        ("ftp://index.example.org/", "no address"),
        ("https://[/", "no address"),
        ("https://index.example.org:port/", "no address"),
        ("https://" + "x" * 70 + ".example/", "no address"),
    ],
)
def test_where_browsers_allow_no_passkeys_that_is_said(base_url: str, word: str) -> None:
    with pytest.raises(Refused) as refused:
        passkeys.relying_party(base_url, "Cheese")
    assert_refused("factor.address", refused)
    assert word in refused.value.decision.reason
