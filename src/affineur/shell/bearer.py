"""Bearer secrets: what a cookie or a link in a mail holds, and the form in which it is kept here.

Who has one is believed, so it is 256 random bits, and only its digest is stored: whoever reads the database can use
none of them. (ASVS 5.0 §7.2.3 asks for 128 bits.) What does not live here: passwords, which people choose and which
therefore need more than a digest (`passwords`), and tokens (`core.people.macaroons`).
"""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """A new secret: 43 characters that need no quoting in a URL or a cookie."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is kept of a secret and looked up when one is shown: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
