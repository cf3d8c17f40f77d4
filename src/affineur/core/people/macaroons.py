"""Macaroons: the form of a token, and the chain of HMACs that lets its holder narrow it but never widen it.

Here live the text form (``pypi-`` and URL-safe Base64), the binary form (version 2 of libmacaroons' formats) and the
chain. What does not live here: what a caveat says (`caveats`), where keys are kept, and who holds a token.

Sources: A. Birgisson et al., "Macaroons: Cookies with Contextual Caveats", NDSS 2014, §V (the chain); libmacaroons,
``doc/format.txt`` (version 2) and its key derivation. The code is our own because it is small and on the path of
each upload, and the library in use elsewhere had its last release in 2018. Third-party caveats are not taken: they
would need discharge tokens, which no client of an index can send.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

PREFIX = "pypi-"
"""What each token starts with: upload clients and secret scanners know tokens by it."""

MAXIMUM_TEXT = 8 * 1024
"""Characters of a token as text. HTTP servers take about this much as one header field."""

MAXIMUM_CAVEATS = 100

_VERSION = 2
_END, _LOCATION, _IDENTIFIER, _VERIFICATION, _SIGNATURE = 0, 1, 2, 4, 6
_SIGNATURE_BYTES = 32
_DERIVE = b"macaroons-key-generator"


@dataclass(frozen=True, slots=True)
class Macaroon:
    """A token. ``caveats`` are first-party only, in the order in which they were added.

    ``location`` is a hint where the token is for: no signature covers it, so nothing may be decided by it.
    ``signature`` (32 bytes) is the secret, and therefore not shown by `repr`.
    """

    location: str
    identifier: str
    caveats: tuple[bytes, ...]
    signature: bytes = field(repr=False)


def mint(key: bytes, location: str, identifier: str, caveats: Iterable[bytes]) -> Macaroon:
    """A new token whose root is ``key`` (secret, random, one for each token), narrowed by ``caveats``.

    ``identifier`` finds the key again; it is readable by the holder. ValueError where ``location`` is empty or there
    are more than `MAXIMUM_CAVEATS`.
    """
    if not location:
        raise ValueError("A token names the index it is for.")
    bare = Macaroon(location, identifier, (), _root(key, identifier))
    return narrow(bare, *caveats)


def narrow(macaroon: Macaroon, *caveats: bytes) -> Macaroon:
    """``macaroon`` with ``caveats`` added. It takes no key: a holder can do this offline.

    ValueError where it would have more than `MAXIMUM_CAVEATS`, which `read` would not take.
    """
    together = macaroon.caveats + caveats
    _check_count(len(together))
    return Macaroon(macaroon.location, macaroon.identifier, together, _chain(macaroon.signature, caveats))


def is_genuine(macaroon: Macaroon, key: bytes) -> bool:
    """Whether ``macaroon`` was made with ``key``, and only ever narrowed since.

    The comparison takes the same time wherever signatures differ. That it is genuine says nothing yet about what it
    may do: ask `caveats.granted`.
    """
    return hmac.compare_digest(_chain(_root(key, macaroon.identifier), macaroon.caveats), macaroon.signature)


def write(macaroon: Macaroon) -> str:
    """The token as text, without padding. ValueError where it would be longer than `MAXIMUM_TEXT`."""
    parts = [
        bytes((_VERSION,)),
        _packet(_LOCATION, macaroon.location.encode()),
        _packet(_IDENTIFIER, macaroon.identifier.encode()),
        b"\0",
    ]
    for caveat in macaroon.caveats:
        parts += (_packet(_IDENTIFIER, caveat), b"\0")
    parts += (b"\0", _packet(_SIGNATURE, macaroon.signature))
    text = PREFIX + base64.urlsafe_b64encode(b"".join(parts)).rstrip(b"=").decode()
    if len(text) > MAXIMUM_TEXT:
        _too_long()
    return text


def read(text: str) -> Macaroon:
    """The token that ``text`` is, with padding or without.

    Each token has one text only: ``write(read(text))`` is ``text`` without its padding. ValueError, with a sentence
    that tells nothing of the token, for anything else: another prefix, version or alphabet, a third-party caveat, too
    long, too many caveats, something missing or left over.
    """
    raw = _decoded(text)
    if raw[:1] != bytes((_VERSION,)):
        raise ValueError("The token is not a macaroon of version 2.")
    try:
        return _parsed(raw)
    except IndexError:
        raise ValueError("The token ends too early.") from None


def _root(key: bytes, identifier: str) -> bytes:
    # The key is hashed first, so that one of any length and make becomes 32 good bytes (libmacaroons does the same).
    return hmac.digest(hmac.digest(_DERIVE, key, "sha256"), identifier.encode(), "sha256")


def _chain(signature: bytes, caveats: Iterable[bytes]) -> bytes:
    for caveat in caveats:
        signature = hmac.digest(signature, caveat, "sha256")
    return signature


def _decoded(text: str) -> bytes:
    if len(text) > MAXIMUM_TEXT:
        _too_long()
    if not text.startswith(PREFIX):
        raise ValueError(f"The token does not start with {PREFIX!r}.")
    padded = text[len(PREFIX) :]
    body = padded.rstrip("=")
    padding = "=" * (-len(body) % 4)
    if not body.isascii() or padded not in (body, body + padding):
        raise ValueError("The token is not URL-safe Base64.")
    try:
        raw = base64.urlsafe_b64decode(body + padding)
    except ValueError:
        raise ValueError("The token is not URL-safe Base64.") from None
    # The decoder skips foreign characters and ignores left-over bits. A token that could be spelled in two ways would
    # slip past whoever looks for a disclosed one by its text.
    if base64.urlsafe_b64encode(raw).decode() != body + padding:
        raise ValueError("The token is not URL-safe Base64.")
    return raw


def _parsed(raw: bytes) -> Macaroon:
    """The macaroon in ``raw``, after its version. ValueError, or IndexError where it stops in the middle."""
    location, at = _payload(raw, 1, _LOCATION)
    identifier, at = _payload(raw, at, _IDENTIFIER)
    at = _end(raw, at)
    caveats: list[bytes] = []
    while raw[at] != _END:
        caveat, at = _payload(raw, at, _IDENTIFIER)
        at = _end(raw, at)
        caveats.append(caveat)
    _check_count(len(caveats))
    signature, at = _payload(raw, at + 1, _SIGNATURE)
    if len(signature) != _SIGNATURE_BYTES:
        raise ValueError(f"The token's signature is not {_SIGNATURE_BYTES} bytes long.")
    if at != len(raw):
        raise ValueError("Something follows the token's signature.")
    if not location:
        raise ValueError("The token does not name the index it is for.")
    try:
        return Macaroon(location.decode(), identifier.decode(), tuple(caveats), signature)
    except UnicodeDecodeError:
        raise ValueError("The token's location or identifier is not UTF-8.") from None


def _payload(raw: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """The payload of the packet at ``at``, which must be of ``kind``, and where the next one starts."""
    if raw[at] != kind:
        _unexpected(raw[at], kind)
    length = raw[at + 1]
    start = at + 2
    if length >= 0x80:  # a varint of two bytes, which suffice for `MAXIMUM_TEXT`; never longer than it must be
        high = raw[at + 2]
        if not 0 < high < 0x80:
            raise ValueError("A length in the token is not written as it must be.")
        length += (high - 1) << 7
        start = at + 3
    end = start + length
    if end > len(raw):
        raise IndexError
    return raw[start:end], end


def _end(raw: bytes, at: int) -> int:
    """Where the next section starts, when the one before ends at ``at``."""
    if raw[at] != _END:
        _unexpected(raw[at], _END)
    return at + 1


def _unexpected(found: int, wanted: int) -> NoReturn:
    if found == _VERIFICATION or (found == _LOCATION and wanted == _IDENTIFIER):
        raise ValueError("The token has a third-party caveat, and this index takes none.")
    raise ValueError("The token's parts are not in the order of the format.")


def _packet(kind: int, payload: bytes) -> bytes:
    length = len(payload)
    if length > MAXIMUM_TEXT:
        _too_long()
    size = (length,) if length < 0x80 else (length & 0x7F | 0x80, length >> 7)
    return bytes((kind, *size)) + payload


def _check_count(caveats: int) -> None:
    if caveats > MAXIMUM_CAVEATS:
        raise ValueError(f"A token has at most {MAXIMUM_CAVEATS} caveats.")


def _too_long() -> NoReturn:
    raise ValueError(f"A token has at most {MAXIMUM_TEXT} characters.")
