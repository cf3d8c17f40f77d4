"""Security keys and passkeys for tests: Chromium's virtual authenticators, driven over its debugging protocol.

WebAuthn works on secure origins only, and an IP address is no valid relying party: a test visits its server at
`at_localhost`. What lives in an authenticator can be taken out (`credentials`), put into another (`insert`) and
given an older signature counter (`set_sign_count`), which is what a cloned key looks like.
Source: Chrome DevTools Protocol, domain WebAuthn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

Kind = Literal["security key", "passkey"]
Credential = dict[str, Any]
"""As the protocol gives it: ``credentialId`` and ``privateKey`` (base64), ``rpId``, ``userHandle``, ``signCount`` …"""

RELYING_PARTY = "localhost"

_OPTIONS: dict[Kind, dict[str, object]] = {
    # A stick in a USB port: it is touched, knows nobody's face, and keeps no account by itself.
    "security key": {"transport": "usb", "hasResidentKey": False, "hasUserVerification": False},
    # What a phone or laptop has built in: it finds the account, and knows its owner.
    "passkey": {"transport": "internal", "hasResidentKey": True, "hasUserVerification": True},
}


def at_localhost(url: str) -> str:
    """The same address with ``localhost`` for 127.0.0.1, where browsers allow WebAuthn without TLS."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace("127.0.0.1", "localhost", 1)))


@dataclass(frozen=True)
class Authenticator:
    """One authenticator plugged into one page. It is touched at once whenever the page asks, unless told not to."""

    session: CDPSession
    id: str

    def credentials(self) -> list[Credential]:
        """Everything in it, private keys included."""
        found: list[Credential] = self._send("getCredentials")["credentials"]
        return found

    def insert(self, credential: Credential) -> None:
        """Put a credential in, as `credentials` of this or another authenticator gave it."""
        # A security key that had a credential put in no longer tells its relying party, only a digest of it.
        known = credential if credential.get("rpId") else credential | {"rpId": RELYING_PARTY}
        self._send("addCredential", credential=known)

    def forget(self, credential_id: str | None = None) -> None:
        """Drop one credential (``credentialId``, base64), or all of them."""
        if credential_id is None:
            self._send("clearCredentials")
        else:
            self._send("removeCredential", credentialId=credential_id)

    def set_sign_count(self, count: int, credential_id: str | None = None) -> None:
        """Set the signature counter of one credential, or of all. The next assertion says ``count + 1``."""
        for credential in self.credentials():
            if credential_id in (None, credential["credentialId"]):
                self.forget(credential["credentialId"])
                self.insert(credential | {"signCount": count})

    def recognise_owner(self, recognised: bool) -> None:
        """Whether a PIN, finger or face is right from now on (only where it verifies its user at all)."""
        self._send("setUserVerified", isUserVerified=recognised)

    def touch_by_itself(self, touches: bool) -> None:
        """Whether it is touched at once when a page asks; if not, the page waits until its own time-out."""
        self._send("setAutomaticPresenceSimulation", enabled=touches)

    def unplug(self) -> None:
        """Take it out, with everything in it."""
        self._send("removeVirtualAuthenticator")

    def _send(self, command: str, **arguments: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.session.send(f"WebAuthn.{command}", {"authenticatorId": self.id, **arguments})
        return answer


class Authenticators:
    """The virtual authenticators of one page; from here on, it sees no real ones."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable", {"enableUI": False})

    def plug_in(self, kind: Kind = "passkey", *, protocol: Literal["ctap2", "u2f"] = "ctap2",
                recognises_owner: bool = True, touched: bool = True) -> Authenticator:  # fmt: skip
        """An empty authenticator. With ``u2f`` it is an old security key, which knows no user verification."""
        options = {
            "protocol": protocol,
            **_OPTIONS[kind],
            "isUserVerified": recognises_owner,
            "automaticPresenceSimulation": touched,
        }
        answer = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return Authenticator(self._session, answer["authenticatorId"])

    def unplug_all(self) -> None:
        """Give the page its real (in tests: no) authenticators back."""
        self._session.send("WebAuthn.disable")
        self._session.detach()


@contextmanager
def authenticators(page: Page) -> Iterator[Authenticators]:
    """The virtual authenticators of ``page``, until the block ends."""
    found = Authenticators(page)
    try:
        yield found
    finally:
        found.unplug_all()
