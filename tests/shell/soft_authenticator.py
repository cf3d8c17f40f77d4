"""An authenticator in software: real keys, real CBOR, real signatures, and every field can be made wrong.

It does what a browser and a security key do together: §5.1.3 and §5.1.4 of WebAuthn Level 3.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def base64url(data: bytes) -> str:
    """``data`` as WebAuthn's JSON has it: no padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


@dataclass
class SoftAuthenticator:
    """One credential. ``counter`` None: it has none and always says 0."""

    origin: str
    rp_id: str
    user_handle: bytes | None = None
    counter: int | None = 0
    flags: int = PRESENT | VERIFIED
    cross_origin: bool = False
    edwards: bool = False
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        """Make the key pair."""
        self.key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = (
            ed25519.Ed25519PrivateKey.generate() if self.edwards else ec.generate_private_key(ec.SECP256R1())
        )

    def register(self, challenge: bytes, /, **wrong: Any) -> str:
        """The answer to registration options, as JSON. ``wrong``: members of the client data to replace."""
        public = self.credential_id, self._cose_key()
        attested = bytes(16) + len(public[0]).to_bytes(2, "big") + public[0] + public[1]
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested}
        response = {
            "clientDataJSON": base64url(self._client_data("webauthn.create", challenge, wrong)),
            "attestationObject": base64url(cbor2.dumps(attestation)),
            "transports": ["usb", "nfc", "made-up"],
        }
        return self._answer(response)

    def assert_presence(self, challenge: bytes, /, tamper: bool = False, **wrong: Any) -> str:
        """The answer to authentication options, as JSON. ``tamper``: signed, and then a bit of the data changed."""
        if self.counter is not None:
            self.counter += 1
        client, data = self._client_data("webauthn.get", challenge, wrong), self._data(0)
        signature = self._sign(data + hashlib.sha256(client).digest())
        if tamper:
            data = data[:-1] + bytes([data[-1] ^ 1])
        response = {
            "clientDataJSON": base64url(client),
            "authenticatorData": base64url(data),
            "signature": base64url(signature),
            "userHandle": None if self.user_handle is None else base64url(self.user_handle),
        }
        return self._answer(response)

    def _answer(self, response: dict[str, Any]) -> str:
        own = base64url(self.credential_id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": response})

    def _client_data(self, kind: str, challenge: bytes, wrong: dict[str, Any]) -> bytes:
        said = {
            "type": kind,
            "challenge": base64url(challenge),
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        return json.dumps(said | wrong).encode()

    def _data(self, more_flags: int) -> bytes:
        flags = bytes([self.flags | more_flags])
        return hashlib.sha256(self.rp_id.encode()).digest() + flags + (self.counter or 0).to_bytes(4, "big")

    def _cose_key(self) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()})
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
