"""Passkeys and security keys: what a browser is asked, and whether its answer is true (WebAuthn Level 3).

The cryptography is py_webauthn's. What does not live here: rows of credentials, and challenges: whoever calls keeps
each challenge with the session, for minutes, and takes it away with the first answer, right or wrong. Attestation is
not asked for: which maker's key somebody uses is theirs to choose, and asking would mark out the rare ones (§14.4.1).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from affineur.core.decision import refuse

CHALLENGE_BYTES = 32
"""§13.4.3 asks for 16 random bytes at least."""

USER_HANDLE_BYTES = 64
"""§5.4.3: random, at most 64, nothing that tells who it is (§14.6.1)."""

TIMEOUT_MILLISECONDS = 5 * 60 * 1000
"""§15.1: 300 to 600 seconds. Somebody has to find the key."""

MOST_ID_BYTES = 1023
"""§7.1 step 25."""

MOST_ANSWER_CHARACTERS = 64 * 1024

_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,  # older TPMs know nothing else
]


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks: ``id`` is the host name to which credentials are bound, ``origin`` that of the page in the browser."""

    id: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered credential, to be stored. ``public_key`` is a COSE key; ``aaguid`` the model's, zeros if unsaid."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...] = ()
    backed_up: bool = False
    user_verified: bool = False
    aaguid: str = ""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A proof that a credential is at hand: store ``sign_count`` and ``backed_up`` with it.

    ``user_verified``: the authenticator saw a PIN, finger or face, so this proves two factors by itself.
    """

    credential_id: bytes
    sign_count: int
    user_verified: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Whom an answer says it is from, before anything is verified: to find the credential by."""

    credential_id: bytes
    user_handle: bytes | None


def relying_party(base_url: str, index_name: str) -> RelyingParty:
    """The relying party of an index at ``base_url``; `Refused` (``factor.address``) where browsers allow none there.

    §5.1.3: an id is a domain, so no index can be one at an IP address; and browsers offer WebAuthn only where pages
    came safely: by https, or from this very machine. ``base_url`` is to be the setting, not what some request says,
    or whoever stands in between could have keys registered for an address of their own.
    """
    try:
        parts = urlsplit(base_url)
        host = (parts.hostname or "").rstrip(".")
        host = host if _is_ip_address(host) else host.encode("idna").decode("ascii").lower()
        port = parts.port
    except ValueError:  # UnicodeError is one
        _no_address(base_url, "which is no address of a website")
    if not host or parts.scheme not in ("http", "https"):
        _no_address(base_url, "which is no address of a website")
    if _is_ip_address(host):
        _no_address(base_url, "and they do not work at IP addresses")
    if parts.scheme == "http" and not (host == "localhost" or host.endswith(".localhost")):
        _no_address(base_url, "and they work with https only")
    usual = {"http": 80, "https": 443}[parts.scheme]
    suffix = "" if port in (None, usual) else f":{port}"
    return RelyingParty(host, index_name or host, f"{parts.scheme}://{host}{suffix}")


def registration_options(
    party: RelyingParty,
    challenge: bytes,
    user_handle: bytes,
    account_name: str,
    known: Iterable[Passkey] = (),
) -> str:
    """What to hand to ``navigator.credentials.create``, as JSON (§5.1.8).

    ``known`` credentials of the account are excluded, so that none is registered twice. A passkey that can be found
    without a name is preferred but not required: older security keys have no room for one.
    """
    _require_challenge(challenge)
    return options_to_json(
        generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_id=user_handle,
            user_name=account_name,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=_ALGORITHMS,
        )
    )


def verify_registration(party: RelyingParty, challenge: bytes, answer: str) -> Passkey:
    """The new credential that ``answer`` (JSON of ``PublicKeyCredential``) speaks of; §7.1.

    That no account has a credential of this id yet is for the store to say (§7.1 step 26).
    `Refused` (``factor.registration``) where anything is not as it has to be: other challenge, origin or relying
    party, asked from within another site's page, nobody touched it, or not well formed.
    """
    _require_challenge(challenge)
    try:
        credential = parse_registration_credential_json(_bounded(answer))
        _require_own_page(credential.response.client_data_json)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            supported_pub_key_algs=_ALGORITHMS,
        )
        if len(verified.credential_id) > MOST_ID_BYTES:
            raise WebAuthnException(f"Its id has over {MOST_ID_BYTES} bytes.")
    # What arrives here is anything at all, and the parsers of JSON, CBOR, COSE and X.509 below raise what they like.
    except Exception as error:
        _not_verified("factor.registration", "The new security key or passkey could not be verified.", error)
    return Passkey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=_transports(credential),
        backed_up=verified.credential_backed_up,
        user_verified=verified.user_verified,
        aaguid=verified.aaguid,
    )


def authentication_options(
    party: RelyingParty, challenge: bytes, known: Iterable[Passkey] = (), *, passwordless: bool = False
) -> str:
    """What to hand to ``navigator.credentials.get``, as JSON (§5.1.9).

    As a second factor: the account's ``known`` credentials, user verification preferred. ``passwordless``: no
    credential is named (so nobody learns which accounts have one), and user verification is required.
    """
    _require_challenge(challenge)
    return options_to_json(
        generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            allow_credentials=[] if passwordless else _descriptors(known),
            user_verification=_verification(passwordless),
        )
    )


def named_credential(answer: str) -> Named:
    """Which credential ``answer`` says it is from; `Refused` (``factor.assertion``) where it cannot be read."""
    try:
        credential = parse_authentication_credential_json(_bounded(answer))
        return Named(credential.raw_id, credential.response.user_handle or None)
    except Exception as error:  # as above
        _not_verified("factor.assertion", "The answer of the security key or passkey cannot be read.", error)


def verify_authentication(
    party: RelyingParty,
    challenge: bytes,
    answer: str,
    known: Iterable[Passkey],
    user_handle: bytes,
    *,
    passwordless: bool = False,
) -> Assertion:
    """That ``answer`` was signed by one of the account's ``known`` credentials for this challenge and page; §7.2.

    `Refused`: ``factor.unknown`` (a credential of no or another account), ``factor.assertion`` (anything in it is not
    as it has to be), ``factor.unverified`` (``passwordless``, and the authenticator saw neither PIN, finger nor
    face), ``factor.cloned`` (its counter did not rise: see `_require_rising`).
    """
    _require_challenge(challenge)
    named = named_credential(answer)
    passkey = next((each for each in known if each.credential_id == named.credential_id), None)
    # §7.2 step 6: whoever comes without a name must be named by the authenticator, and rightly.
    is_owner = named.user_handle == user_handle or (named.user_handle is None and not passwordless)
    if passkey is None or not is_owner:
        refuse(
            "factor.unknown",
            "This security key or passkey does not belong to this account.",
            "Use one that you have registered here, or another second factor.",
        )
    verified = _verified_assertion(party, challenge, answer, passkey)
    if passwordless and not verified.user_verified:
        refuse(
            "factor.unverified",
            "Signing in without a password takes a passkey that asks for a PIN, finger or face.",
            "Sign in with your password, and use this key as the second factor.",
        )
    _require_rising(passkey, verified)
    return verified


def _verified_assertion(party: RelyingParty, challenge: bytes, answer: str, passkey: Passkey) -> Assertion:
    try:
        credential = parse_authentication_credential_json(answer)
        _require_own_page(credential.response.client_data_json)
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            # Compared below instead: the library looks at the counter before the signature, and anybody who knows a
            # credential's id could make its owner's key look cloned.
            credential_current_sign_count=0,
        )
    except Exception as error:  # as above
        _not_verified("factor.assertion", "The answer of the security key or passkey could not be verified.", error)
    return Assertion(
        verified.credential_id, verified.new_sign_count, verified.user_verified, verified.credential_backed_up
    )


def _require_rising(passkey: Passkey, assertion: Assertion) -> None:
    """§6.1.1, §7.2 step 22: a counter that does not rise says that two devices hold the key. 0 and 0: it has none."""
    if assertion.sign_count == 0 and passkey.sign_count == 0:
        return
    if assertion.sign_count <= passkey.sign_count:
        refuse(
            "factor.cloned",
            "The counter of this security key did not rise, so there may be a copy of it.",
            "Sign in with another second factor or a recovery code, remove this key, and register it anew.",
            counter=assertion.sign_count,
            counter_before=passkey.sign_count,
        )


def _require_own_page(client_data: bytes) -> None:
    """§7.1 step 10, §7.2 step 13: nothing here is meant to be used from within a page of another site."""
    if parse_client_data_json(client_data).cross_origin:
        raise WebAuthnException("It was asked for from within a page of another site.")


def _bounded(answer: str) -> dict[str, Any]:
    if len(answer) > MOST_ANSWER_CHARACTERS:
        raise WebAuthnException(f"It has over {MOST_ANSWER_CHARACTERS} characters.")
    parsed = json.loads(answer)
    if not isinstance(parsed, dict):
        raise WebAuthnException("It is no JSON object.")
    return parsed


def _not_verified(rule: str, reason: str, error: Exception) -> NoReturn:
    """Refuse by ``rule``. The library's sentences are given as the fact ``why``; those of parsers below it are not."""
    why = str(error) if isinstance(error, WebAuthnException) else "It is not well formed."
    refuse(rule, reason, "Try again on the page of this index itself, not in a frame or an app.", why=why[:500])


def _require_challenge(challenge: bytes) -> None:
    # The library takes an empty one for none given, and would make one up.
    if len(challenge) < 16:
        raise ValueError("A challenge has at least 16 random bytes.")


def _no_address(base_url: str, why: str) -> NoReturn:
    refuse(
        "factor.address",
        f"Security keys and passkeys cannot be used here: this index is at {base_url or 'no address'}, {why}.",
        "Set base_url to https and a host name.",
        "Use an authenticator app meanwhile.",
    )


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _verification(passwordless: bool) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if passwordless else UserVerificationRequirement.PREFERRED


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id,
            transports=[known for known in AuthenticatorTransport if known.value in each.transports],
        )
        for each in passkeys
    ]


def _transports(credential: RegistrationCredential) -> tuple[str, ...]:
    # The parser keeps those it knows; sorted, so that equal credentials are equal rows.
    return tuple(sorted({AuthenticatorTransport(each).value for each in credential.response.transports or ()}))
